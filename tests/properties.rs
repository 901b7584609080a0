//! Laws over services that nobody wrote: random ones, converted fixtures, damaged fixtures.
//!
//! `PROPTEST_CASES=1000 cargo test --test properties` looks longer.

#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod laws;
#[path = "properties/services.rs"]
mod services;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use laws::{Files, Outcome, obeyed};
use proptest::prelude::*;
use scaffold_events::config::Config;
use scaffold_events::path::RelPath;
use services::Service;

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(100), max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_services_obey_the_laws(service in services::any_service()) {
        if let Err(law) = obeyed("orders", &service.0, &Config::default()) {
            prop_assert!(false, "{law}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(100), max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_fixtures_obey_the_laws(
        fixture in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut files = fixture.get(&FIXTURES).files.clone();
        let donor = &other.get(&FIXTURES).files;
        for damage in damages {
            damage.done(&mut files, donor);
        }
        if let Err(law) = obeyed("orders", &files, &Config::default()) {
            prop_assert!(false, "{law}\n{:?}", Service(files));
        }
    }
}

/// Every fixture in other bytes: what is planned is the same, in those bytes.
mod converted {
    use super::*;

    #[test]
    fn every_fixture_as_it_is_obeys_the_laws() {
        for fixture in FIXTURES.iter() {
            if let Err(law) = &fixture.plain {
                panic!("{}: {law}", fixture.name);
            }
        }
    }

    #[test]
    fn crlf_in_gives_crlf_out() {
        every_fixture(|files, plain| {
            let crlf = each_text(files, |text| with_newline(text, b"\r\n"));
            let outcome = obeyed("orders", &crlf, &Config::default())?;
            if outcome.plan.is_refused() != plain.plan.is_refused() {
                return Err("refused in one of the two only".to_owned());
            }
            for change in &outcome.plan.changes {
                if change.before.is_some() {
                    let wanted = with_newline(&plain.after[&change.path], b"\r\n");
                    same(&change.path, &wanted, &outcome.after[&change.path])?;
                }
            }
            Ok(())
        });
    }

    #[test]
    fn lone_carriage_returns_obey_the_laws() {
        every_fixture(|files, _| {
            let cr = each_python(files, |text| with_newline(text, b"\r"));
            obeyed("orders", &cr, &Config::default()).map(drop)
        });
    }

    #[test]
    fn tabs_in_give_tabs_out() {
        let indented = std::cell::Cell::new(0);
        every_fixture(|files, plain| {
            let tabbed = each_python(files, |text| with_tabs(text).unwrap_or(text.to_vec()));
            let outcome = obeyed("orders", &tabbed, &Config::default())?;
            if outcome.plan.is_refused() != plain.plan.is_refused() {
                return Err("refused in one of the two only".to_owned());
            }
            for change in &outcome.plan.changes {
                let path = &change.path;
                if !tabbed
                    .get(path)
                    .is_some_and(|text| is_indented_by_tabs(text))
                {
                    continue; // nothing in it says how it is indented
                }
                for line in new_lines(&tabbed[path], &outcome.after[path]) {
                    let text = String::from_utf8_lossy(line);
                    if line.starts_with(b" ") {
                        return Err(format!("{path} has spaces in front of {text:?}"));
                    }
                    indented.set(indented.get() + usize::from(line.starts_with(b"\t")));
                }
            }
            Ok(())
        });
        // How lines are broken is another matter: tabs make them shorter.
        assert!(indented.get() > 100, "only {} lines", indented.get());
    }

    #[test]
    fn a_byte_order_mark_stays_in_front() {
        every_fixture(|files, plain| {
            let marked = each_python(files, with_mark);
            let outcome = obeyed("orders", &marked, &Config::default())?;
            for change in &outcome.plan.changes {
                let python = change.path.has_extension("py");
                if let (true, Some(before)) = (python, &change.before)
                    && before.starts_with(MARK)
                {
                    same(
                        &change.path,
                        &with_mark(&plain.after[&change.path]),
                        &outcome.after[&change.path],
                    )?;
                }
            }
            Ok(())
        });
    }

    #[test]
    fn a_missing_final_newline_changes_nothing_else() {
        every_fixture(|files, plain| {
            let open = each_text(files, |text| without_final_newline(text).to_vec());
            let outcome = obeyed("orders", &open, &Config::default())?;
            if outcome.plan.is_refused() != plain.plan.is_refused() {
                return Err("refused in one of the two only".to_owned());
            }
            for change in outcome
                .plan
                .changes
                .iter()
                .filter(|change| change.before.is_some())
            {
                let (wanted, got) = (&plain.after[&change.path], &outcome.after[&change.path]);
                // Without it, mixed line ends have another last one, which is copied.
                let [wanted, got] =
                    [wanted, got].map(|text| with_newline(without_final_newline(text), b"\n"));
                same(&change.path, &wanted, &got)?;
            }
            Ok(())
        });
    }

    fn every_fixture(law: impl Fn(&Files, &Outcome) -> Result<(), String>) {
        let failures: Vec<String> = FIXTURES
            .iter()
            .filter_map(|fixture| {
                let broken = law(&fixture.files, fixture.plain.as_ref().ok()?).err()?;
                Some(format!("{}: {broken}", fixture.name))
            })
            .collect();
        assert!(
            failures.is_empty(),
            "{} fixtures:\n{}",
            failures.len(),
            failures.join("\n")
        );
    }

    /// Whether a block or a bracket is: a line behind a backslash goes where it looks well.
    fn is_indented_by_tabs(text: &[u8]) -> bool {
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let opens = |line: &[u8]| {
            matches!(
                line.trim_ascii_end().last(),
                Some(b':' | b'(' | b'[' | b'{')
            )
        };
        lines
            .windows(2)
            .any(|two| opens(two[0]) && two[1].starts_with(b"\t"))
    }

    fn new_lines<'a>(before: &'a [u8], after: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let lines = |text: &'a [u8]| text.split_inclusive(|byte| *byte == b'\n');
        let known: BTreeSet<&[u8]> = lines(before).collect();
        lines(after).filter(move |line| !known.contains(line))
    }

    fn same(path: &RelPath, wanted: &[u8], got: &[u8]) -> Result<(), String> {
        if wanted == got {
            return Ok(());
        }
        let at = wanted.iter().zip(got).take_while(|(a, b)| a == b).count();
        let near = |text: &[u8]| {
            let text = &text[at.saturating_sub(60).min(text.len())..text.len().min(at + 60)];
            String::from_utf8_lossy(text).into_owned()
        };
        Err(format!(
            "{path} differs:\n    wanted {:?}\n    got    {:?}",
            near(wanted),
            near(got)
        ))
    }
}

/// How a file of a service is damaged.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Place, u8),
    Delete(Place, usize),
    Truncate(Place),
    Insert(Place, String),
    /// A piece of another service's file goes in.
    Splice(Place, Place, usize),
    /// A line comes twice, or not at all.
    Line(Place, bool),
}

/// A file and a place in it, whichever service it is.
type Place = (prop::sample::Index, prop::sample::Index);

fn damage() -> impl Strategy<Value = Damage> {
    let place = || any::<Place>();
    let word = prop::sample::select(services::WORDS).prop_map(str::to_owned);
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (place(), 1..40_usize).prop_map(|(at, count)| Damage::Delete(at, count)),
        place().prop_map(Damage::Truncate),
        (place(), word).prop_map(|(at, text)| Damage::Insert(at, text)),
        (place(), place(), 1..400_usize)
            .prop_map(|(at, from, count)| Damage::Splice(at, from, count)),
        (place(), any::<bool>()).prop_map(|(at, twice)| Damage::Line(at, twice)),
    ]
}

impl Damage {
    fn done(&self, files: &mut Files, donor: &Files) {
        let (Self::Flip(place, _)
        | Self::Delete(place, _)
        | Self::Truncate(place)
        | Self::Insert(place, _)
        | Self::Splice(place, ..)
        | Self::Line(place, _)) = self;
        let Some((path, at)) = located(place, files) else {
            return;
        };
        let text = files.get_mut(&path).unwrap();
        let until = |count: usize| (at + count).min(text.len());
        match self {
            Self::Flip(_, byte) => text[at] = *byte,
            Self::Delete(_, count) => drop(text.drain(at..until(*count))),
            Self::Truncate(_) => text.truncate(at),
            Self::Insert(_, word) => drop(text.splice(at..at, word.bytes())),
            Self::Splice(_, from, count) => {
                let Some((path, from)) = located(from, donor) else {
                    return;
                };
                let source = &donor[&path];
                let piece = source[from..(from + count).min(source.len())].to_vec();
                text.splice(at..at, piece);
            }
            Self::Line(_, twice) => {
                let newline = |byte: &u8| *byte == b'\n';
                let start = text[..at].iter().rposition(newline).map_or(0, |at| at + 1);
                let end = text[at..]
                    .iter()
                    .position(newline)
                    .map_or(text.len(), |end| at + end + 1);
                let line = text[start..end].to_vec();
                text.splice(start..end, if *twice { line.repeat(2) } else { Vec::new() });
            }
        }
    }
}

fn located(place: &Place, files: &Files) -> Option<(RelPath, usize)> {
    let with_text: Vec<&RelPath> = files
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(path, _)| path)
        .collect();
    let path = (!with_text.is_empty()).then(|| place.0.get(&with_text))?;
    Some(((*path).clone(), place.1.index(files[*path].len())))
}

struct Fixture {
    name: String,
    files: Files,
    /// What becomes of it as it is.
    plain: Result<Outcome, String>,
}

static FIXTURES: LazyLock<Vec<Fixture>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let folders = folders.into_iter().filter(|folder| folder.is_dir());
    folders
        .map(|folder| {
            let files = files(&folder.join("in"));
            Fixture {
                name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
                plain: obeyed("orders", &files, &Config::default()),
                files,
            }
        })
        .collect()
});

fn files(folder: &Path) -> Files {
    let entries = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let below = entry.path().strip_prefix(folder).unwrap().to_str().unwrap();
            (
                RelPath::parse(below).unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Under another cookie than UTF-8 a mark is a syntax error, so such a file has none.
fn with_mark(text: &[u8]) -> Vec<u8> {
    let is_plain = std::str::from_utf8(text).is_ok() && !text.starts_with(MARK);
    let cookie = text.windows(6).any(|six| six == b"coding");
    if is_plain && !cookie && !text.is_empty() {
        [MARK, text].concat()
    } else {
        text.to_vec()
    }
}

fn without_final_newline(text: &[u8]) -> &[u8] {
    let end = text
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r'))
        .map_or(0, |at| at + 1);
    &text[..end]
}

fn with_newline(text: &[u8], newline: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter().peekable();
    while let Some(&byte) = rest.next() {
        if byte == b'\r' {
            rest.next_if(|next| **next == b'\n');
        }
        match byte {
            b'\r' | b'\n' => out.extend_from_slice(newline),
            other => out.push(other),
        }
    }
    out
}

/// Indentation in tabs; `None` where some is not a multiple of four spaces.
fn with_tabs(text: &[u8]) -> Option<Vec<u8>> {
    let lines = text.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let spaces = line.iter().take_while(|byte| **byte == b' ').count();
        let mixed = line.get(spaces) == Some(&b'\t');
        (spaces % 4 == 0 && !mixed).then(|| [&b"\t".repeat(spaces / 4), &line[spaces..]].concat())
    });
    lines
        .collect::<Option<Vec<_>>>()
        .map(|lines| lines.concat())
}

fn each_text(files: &Files, change: impl Fn(&[u8]) -> Vec<u8>) -> Files {
    files
        .iter()
        .map(|(path, text)| (path.clone(), change(text)))
        .collect()
}

fn each_python(files: &Files, change: impl Fn(&[u8]) -> Vec<u8>) -> Files {
    let changed = |(path, text): (&RelPath, &Vec<u8>)| {
        let text = if path.has_extension("py") {
            change(text)
        } else {
            text.clone()
        };
        (path.clone(), text)
    };
    files.iter().map(changed).collect()
}

fn cases(default: u32) -> u32 {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(default)
}
