//! The pins of a service that moves between contracts: the old library's become the new one's, in place.
//!
//! Asked in front of all rules, so that they see the service as it will be.

use std::sync::Arc;

use crate::contract::Contract;
use crate::edit::{Edit, EditSet, Span};
use crate::facts::pins::{Pin, Pins, Version};
use crate::facts::text::{line_at, masked};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::tree::Tree;

/// What becomes of the pins, file by file.
#[derive(Default)]
pub struct Moved {
    /// Each file's text, and the edits of it.
    pub files: Vec<(RelPath, Arc<[u8]>, Vec<Edit>)>,
    /// The pins that a person moves.
    pub findings: Vec<Finding>,
}

impl Moved {
    /// The files as they will be.
    pub fn texts(&self) -> Vec<(RelPath, Option<Vec<u8>>)> {
        let after = |text: &Arc<[u8]>, edits: &[Edit]| {
            let mut set = EditSet::default();
            for edit in edits {
                set.add(edit.clone()).expect("each pin has its own line");
            }
            set.splice(text)
        };
        self.files
            .iter()
            .map(|(path, text, edits)| (path.clone(), Some(after(text, edits))))
            .collect()
    }
}

/// The old contract's pins as the new contract wants them. A refusal for lines with hashes.
pub fn moved(
    tree: &Tree,
    pins: &Pins,
    old: &Contract,
    new: &Contract,
) -> Result<Moved, Vec<Finding>> {
    let mut moved = Moved::default();
    if same_releases(old, new) || goes_with(pins, new) {
        return Ok(moved);
    }
    let mut refusals = Vec::new();
    for pin in pins.of(&old.library) {
        let (path, Some(span)) = (&pin.place.path, pin.place.span) else {
            continue;
        };
        let Some(text) = tree.bytes(path) else {
            continue;
        };
        match edits(path, &text, span, pin, new) {
            Ok(edits) => match moved.files.iter_mut().find(|(file, ..)| file == path) {
                Some((_, _, have)) => have.extend(edits),
                None => moved.files.push((path.clone(), text, edits)),
            },
            Err(Hand::Hashed) => refusals.push(hashed(pin, new)),
            Err(Hand::Elsewhere) => moved.findings.push(by_hand(pin, new)),
        }
    }
    if refusals.is_empty() {
        Ok(moved)
    } else {
        Err(refusals)
    }
}

/// Why a pin is not ours to move.
enum Hand {
    Hashed,
    Elsewhere,
}

/// Whether a pin says the same under both: another revision is no reason to touch an unusual one.
fn same_releases(old: &Contract, new: &Contract) -> bool {
    let releases = |contract: &Contract| (contract.requirement(), contract.library_from.clone());
    releases(old) == releases(new)
}

/// Whether the service asks for a release of the contract's library that fits it.
fn goes_with(pins: &Pins, contract: &Contract) -> bool {
    let version = |text: &str| Version::parse(text);
    let newest = version(&contract.library_version);
    let fits = newest.is_some_and(|newest| pins.at_most(&contract.library, &newest).is_some());
    let oldest = contract.library_from.as_deref().and_then(version);
    let lowest = pins.version(&contract.library);
    fits && oldest.is_none_or(|oldest| lowest.is_some_and(|lowest| lowest >= oldest))
}

/// `zc_common==0.2.12  # events` -> `zc_events==0.3.6  # events`: name and version, no other byte.
fn edits(
    path: &RelPath,
    text: &[u8],
    span: Span,
    pin: &Pin,
    new: &Contract,
) -> Result<Vec<Edit>, Hand> {
    let whole = masked(line_at(text, span.start).of(text));
    if whole.contains("--hash") || whole.trim_end().ends_with('\\') {
        return Err(Hand::Hashed);
    }
    if pin.locked || !is_listing(path) {
        return Err(Hand::Elsewhere);
    }
    let line = masked(span.of(text));
    let own = line
        .find([';', '#'])
        .map_or(line.as_str(), |end| &line[..end]);
    let own = own.trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name = own.find(|c| !is_name(c)).unwrap_or(own.len());
    let wanted = own[name..].trim_start();
    let plain = wanted
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "=<>~!,.* ".contains(c));
    if !plain || !(wanted.is_empty() || wanted.starts_with(['=', '<', '>', '~', '!'])) {
        return Err(Hand::Elsewhere);
    }
    let mut library = new.library.clone();
    if own[..name].contains('-') {
        library = library.replace('_', "-");
    }
    let at = |from: usize, to: usize| Span::new(span.start + from, span.start + to);
    let rename = Edit::replace(at(0, name), library);
    let number = wanted.strip_prefix("==").map(str::trim_start);
    let exact = number.filter(|number| {
        Version::parse(number).is_some_and(|version| version.to_string() == *number)
    });
    let specify = match exact {
        Some(number) => Edit::replace(
            at(own.len() - number.len(), own.len()),
            new.library_version.clone(),
        ),
        None => Edit::replace(at(name, own.len()), format!("=={}", new.library_version)),
    };
    Ok([rename, specify]
        .into_iter()
        .filter(|edit| edit.span().of(text) != edit.text().as_bytes())
        .collect())
}

/// A file of one requirement a line, for pip.
fn is_listing(path: &RelPath) -> bool {
    ["txt", "in", "pip"]
        .iter()
        .any(|end| path.has_extension(end))
}

fn hashed(pin: &Pin, new: &Contract) -> Finding {
    let requirement = new.requirement();
    Finding::refusal(
        "requirement-hashed",
        format!("{requirement} is to stand here, and this line goes on with hashes"),
    )
    .place(&pin.place)
    .label("the hashes are of another package")
    .help(format!(
        "write `{requirement}` with its own hashes, as `pip-compile --generate-hashes` gives them, then run again"
    ))
}

fn by_hand(pin: &Pin, new: &Contract) -> Finding {
    let requirement = new.requirement();
    let finding = Finding::warning(
        "requirement-by-hand",
        format!("this place asks for the old library; the service now needs {requirement}"),
    )
    .place(&pin.place);
    if pin.locked {
        finding.help("lock again once the requirement itself is changed")
    } else {
        finding.help(format!("ask for `{requirement}` here instead"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Contracts;

    fn contract(id: &str) -> Contract {
        Contracts::embedded().find(id).unwrap()
    }

    fn outcome(path: &str, text: &str, old: &str, new: &str) -> Result<(String, usize), String> {
        let path = RelPath::parse(path).unwrap();
        let tree = Tree::memory([(path.clone(), text.as_bytes().to_vec())]);
        let pins = Pins::read(&tree, &tree.walk());
        let moved = moved(&tree, &pins, &contract(old), &contract(new));
        let moved = moved.map_err(|refusals| refusals[0].code.to_owned())?;
        let after = moved.texts().pop().and_then(|(_, text)| text);
        let after = after.unwrap_or_else(|| text.as_bytes().to_vec());
        Ok((String::from_utf8(after).unwrap(), moved.findings.len()))
    }

    #[test]
    fn name_and_version_change_and_no_other_byte() {
        for (before, after) in [
            ("zc_common==0.2.12\n", "zc_events==0.3.6\n"),
            (
                "a\r\nzc_common==0.2.12\r\nb\r\n",
                "a\r\nzc_events==0.3.6\r\nb\r\n",
            ),
            (
                "  zc-common == 0.2.9  # é ; x",
                "  zc-events == 0.3.6  # é ; x",
            ),
            (
                "zc_common>=0.2,<0.3 ; python_version < '3'\n",
                "zc_events==0.3.6 ; python_version < '3'\n",
            ),
            ("zc_common\n", "zc_events==0.3.6\n"),
            ("Zc.Common==0.2.12.post1\n", "zc_events==0.3.6\n"),
            (
                "#zc_common==0.2.12\ncelery==4\n",
                "#zc_common==0.2.12\ncelery==4\n",
            ),
        ] {
            let moved = outcome(
                "requirements/base.txt",
                before,
                "zc-common@1",
                "zc-events@2",
            );
            assert_eq!(moved, Ok((after.to_owned(), 0)));
        }
        let (up, _) = outcome(
            "requirements.txt",
            "zc_events==0.1.6",
            "zc-events@1",
            "zc-events@3",
        )
        .unwrap();
        assert_eq!(up, "zc_events==0.3.10");
    }

    #[test]
    fn what_fits_already_stays() {
        let text = "zc_common==0.2.12\nzc_events==0.2.4\n";
        let moved = outcome("requirements.txt", text, "zc-common@1", "zc-events@2");
        assert_eq!(moved, Ok((text.to_owned(), 0)));
    }

    #[test]
    fn a_revision_for_the_same_releases_moves_no_pin() {
        let text = "zc_common==0.3.2\n";
        let moved = outcome("requirements.txt", text, "zc-common@1", "zc-common@1");
        assert_eq!(moved, Ok((text.to_owned(), 0)));
    }

    #[test]
    fn hashes_are_refused_and_other_files_are_named() {
        let moved = |path, text| outcome(path, text, "zc-common@1", "zc-events@2");
        for text in [
            "zc_common==0.2.12 --hash=sha256:00\n",
            "zc_common==0.2.12 \\\n    --hash=sha256:00\n",
        ] {
            assert_eq!(
                moved("requirements.txt", text),
                Err("requirement-hashed".to_owned())
            );
        }
        for (path, text) in [
            (
                "setup.py",
                "setup(install_requires=['zc_common==0.2.12'])\n",
            ),
            ("pyproject.toml", "dependencies = [\"zc_common==0.2.12\"]\n"),
            ("Pipfile", "[packages]\nzc_common = \"==0.2.12\"\n"),
            (
                "poetry.lock",
                "[[package]]\nname = \"zc-common\"\nversion = \"0.2.12\"\n",
            ),
            (
                "requirements.txt",
                "git+https://host/zc_common.git@0.2.12#egg=zc_common\n",
            ),
            ("requirements.txt", "zc_common[x]==0.2.12\n"),
            (
                "requirements.txt",
                "zc_common @ https://host/0.2.12.tar.gz\n",
            ),
        ] {
            assert_eq!(
                moved(path, text),
                Ok((text.to_owned(), 1)),
                "{path}: {text}"
            );
        }
    }
}
