//! What `sync` says of what it finds.

use crate::contract::{Contract, Contracts, Id};
use crate::finding::{Finding, Level};
use crate::lock::LOCK;
use crate::path::RelPath;
use crate::plan::{FileChange, Kind, Plan};
use crate::python::bindings::binds;
use crate::rules::broker::BROKER_URL;
use crate::rules::modules::Deaf;
use crate::tree::Tree;

pub(super) fn taken_out(change: &FileChange, missing: &[(RelPath, String)]) -> Finding {
    let (code, message) = match change.kind {
        Kind::Owned => (
            "listener-removed",
            "our listener was deleted: no event is handled",
        ),
        Kind::Seeded => (
            "handlers-removed",
            "the handlers module was deleted: the listener imports it",
        ),
        Kind::Shared | Kind::Record => (
            "setting-removed",
            "what events need was taken out here by hand",
        ),
    };
    let finding = Finding::error(code, message).in_file(&change.path);
    let mut names: Vec<&str> = missing.iter().map(|(_, name)| name.as_str()).collect();
    if names.is_empty() {
        names = change.what.iter().map(String::as_str).collect();
    }
    let finding = match change.kind {
        Kind::Shared if !names.is_empty() => finding.help(format!("missing: {}", names.join(", "))),
        Kind::Shared | Kind::Owned | Kind::Seeded | Kind::Record => finding,
    };
    finding
        .help("put it in again: `scaffold-events sync --restore`")
        .help("or take the rest out too: `scaffold-events remove`")
}

/// What is wrong is somebody's change of what we wrote: it is gone from the plan that writes it again.
pub(super) fn can_be_restored(findings: &mut [Finding], restored: &Plan) {
    let remains = |code| restored.findings.iter().any(|finding| finding.code == code);
    for finding in findings {
        let named = finding.help.iter().any(|help| help.contains("--restore"));
        if finding.level <= Level::Error && !named && !remains(finding.code) {
            let help = "or have back what was there: `scaffold-events sync --restore`";
            finding.help.push(help.to_owned());
        }
    }
}

/// Our listener, edited so that it is none.
pub(super) fn deafened(path: &RelPath, why: &Deaf) -> Finding {
    let finding = match why {
        Deaf::Unparsed(span, message) => {
            let finding = Finding::error(
                "listener-unparsed",
                "this listener is no Python: no worker that imports it starts",
            );
            match span {
                Some(span) => finding.at(path, *span).label(message.clone()),
                None => finding.in_file(path),
            }
        }
        Deaf::Unregistered => Finding::error(
            "listener-unregistered",
            "this listener does not register the event's task any more: every event is discarded",
        )
        .in_file(path),
    };
    finding
        .help("undo your edit, or have ours back: `scaffold-events sync --restore`")
        .help("or take the wiring out: `scaffold-events remove --force`")
}

pub(super) fn unresolved(path: &RelPath) -> Finding {
    Finding::refusal(
        "conflict-unresolved",
        "this file has conflict markers in it",
    )
    .in_file(path)
    .help("decide between the sides, delete the markers, then run `scaffold-events sync`")
}

pub(super) fn marked(path: &RelPath) -> Finding {
    Finding::error(
        "conflict-markers",
        "both sides changed the same lines: look between the markers",
    )
    .in_file(path)
    .help("decide between the sides, delete the markers, then run `scaffold-events sync`")
}

pub(super) fn overlapping(path: &RelPath, places: usize) -> Finding {
    let message = match places {
        0 => "this file is neither what the lock says nor what we would write".to_owned(),
        1 => "your edit and the new version change the same lines of this file".to_owned(),
        many => format!(
            "your edits and the new version change the same lines of this file in {many} places"
        ),
    };
    Finding::refusal("listener-conflict", message)
        .in_file(path)
        .help("see both sides in the file: `scaffold-events sync --conflict markers`")
        .help("or choose one: `--conflict ours` takes the new text there, `--conflict theirs` keeps yours")
}

/// A later generation of the same line is worth knowing, and nothing more.
pub(super) fn newer(id: &str, contracts: &Contracts) -> Option<Finding> {
    let Id {
        line, generation, ..
    } = Id::parse(id)?;
    let ids = contracts.ids();
    let known = ids.iter().filter_map(|id| Id::parse(id));
    let of_line = known.filter(|other| other.line == line);
    let newest = of_line.map(|other| other.generation).max()?;
    (newest > generation).then(|| {
        Finding::note(
            "newer-generation",
            format!("`{line}@{newest}` is there, too"),
        )
        .help(format!(
            "move to it: `scaffold-events sync --to {line}@{newest}`"
        ))
    })
}

/// `BROKER_URL = CELERY_BROKER_URL` was written for the emitter, and is what Celery reads by now.
pub(super) fn line_kept(tree: &Tree) -> Option<Finding> {
    let overlaid = tree.overlaid().into_iter();
    let mut files = overlaid.filter(|(path, text)| text.is_some() && path.has_extension("py"));
    files.find_map(|(path, _)| {
        let module = tree.python(&path).ok()?;
        let bound = binds(&module.body, BROKER_URL);
        let span = *bound.last()?;
        let message =
            format!("`{BROKER_URL}` was written for the emitter, and Celery reads it now");
        Some(
            Finding::note("broker-line-kept", message)
                .at(&path, span)
                .label("yours from now on: `remove` leaves it")
                .help("nothing to do; or write the URL itself here"),
        )
    })
}

/// What the new contract needs was taken out: only a person knows whether it may come back.
pub(super) fn deleted(missing: &[(RelPath, String)], target: &Contract) -> Vec<Finding> {
    let message = format!("what {} needs was taken out by hand", target.id);
    let finding = Finding::refusal("setting-removed", message);
    let mut files: Vec<&RelPath> = missing.iter().map(|(path, _)| path).collect();
    files.dedup();
    let finding = files.into_iter().fold(finding, Finding::in_file);
    let names: Vec<&str> = missing.iter().map(|(_, name)| name.as_str()).collect();
    vec![
        finding
            .help(format!("missing: {}", names.join(", ")))
            .help("put it in again: `scaffold-events sync --restore`")
            .help("or take all of it out: `scaffold-events remove`"),
    ]
}

/// All is wired, but nothing says what of it we wrote.
pub(super) fn lock_lost(config: &RelPath) -> Finding {
    let message = format!("there is no {LOCK} beside this: what is ours is not on record");
    Finding::refusal("lock-missing", message)
        .in_file(config)
        .help(format!("bring it back: `git checkout {LOCK}`"))
        .help(
            "or have a new one: `scaffold-events init`; what is in the settings counts as yours from then on",
        )
}

pub(super) fn not_recorded() -> Finding {
    let message = "wired by hand, and not on record: no upgrade reaches this service";
    Finding::note("not-recorded", message).help("record it as it is: `scaffold-events init`")
}

/// The lock is of one branch and the settings are of another: what is ours in them is not on record.
pub(super) fn another_side(recorded: &Contract, target: &Contract) -> Finding {
    let message = format!(
        "the lock records {}, but the settings are wired to {}",
        recorded.id, target.id
    );
    Finding::refusal("lock-of-another-side", message)
        .in_file(&RelPath::root().join(LOCK))
        .help(format!(
            "after a merge, take the lock from the side that the settings are from: \
             `git checkout --ours {LOCK}` or `--theirs`, once it is committed `git checkout HEAD^1 {LOCK}` or \
             `HEAD^2`; then `scaffold-events sync`"
        ))
        .help(format!(
            "if there is none, delete {LOCK} and run `scaffold-events init`: what is in the settings counts \
             as yours from then on"
        ))
}
