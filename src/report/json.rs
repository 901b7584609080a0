//! For scripts: one JSON document per run.
//!
//! ```json
//! {
//!   "format_version": 1,
//!   "exit": 1,
//!   "services": [{
//!     "service": "orders",
//!     "exit": 1,
//!     "status": "pending",
//!     "state": "outdated",
//!     "errors": [],
//!     "changes": [{"path": "orders/settings.py", "kind": "shared", "action": "edit", "what": ["events queue"]}],
//!     "findings": [{
//!       "code": "env-broker-vhost", "level": "warning", "message": "…",
//!       "places": [{
//!         "path": ".env", "line": 3, "column": 12, "end_line": 3, "end_column": 14, "bytes": [40, 42]
//!       }],
//!       "label": null, "help": ["…"]
//!     }],
//!     "settled": {"name": "orders"},
//!     "next": ["…"]
//!   }]
//! }
//! ```
//!
//! `state` is `clean`, `outdated`, `drifted`, `conflicting`, `unwired` or `broken`: the worst that is the case.
//! `status` is `done`, `open` (written, and something is left to a person), `pending`, `refused` or `failed` (then `errors` says why); `kind` is `shared`,
//! `seeded`, `owned` or `record`; `level` is `refused`, `error`, `warning` or `note`. Lines and columns
//! count from 1, `bytes` from 0; they are `null` for a file as a whole. Keys are only ever added while
//! `format_version` is 1.

use serde::Serialize;
use serde_json::{Map, Value};

use super::human::steps;
use super::source::{fitted, masked, position};
use super::{Outcome, Status, action, exit_code, level_name};
use crate::finding::{Finding, Place};
use crate::plan::{FileChange, Kind};

/// All services as one document.
pub fn json(outcomes: &[Outcome]) -> String {
    let document = Document {
        format_version: 1,
        exit: exit_code(outcomes),
        services: outcomes.iter().map(service).collect(),
    };
    let text = serde_json::to_string_pretty(&document).expect("strings and numbers are JSON");
    text + "\n"
}

#[derive(Serialize)]
struct Document {
    format_version: u8,
    exit: u8,
    services: Vec<ServiceView>,
}

#[derive(Serialize)]
struct ServiceView {
    service: String,
    exit: u8,
    status: &'static str,
    state: &'static str,
    errors: Vec<String>,
    changes: Vec<ChangeView>,
    findings: Vec<FindingView>,
    settled: Map<String, Value>,
    next: Vec<String>,
}

#[derive(Serialize)]
struct ChangeView {
    path: String,
    kind: &'static str,
    action: &'static str,
    what: Vec<String>,
}

#[derive(Serialize)]
struct FindingView {
    code: &'static str,
    level: &'static str,
    message: String,
    places: Vec<PlaceView>,
    label: Option<String>,
    help: Vec<String>,
}

#[derive(Serialize)]
struct PlaceView {
    path: String,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
    bytes: Option<[usize; 2]>,
}

fn service(outcome: &Outcome) -> ServiceView {
    let settled = outcome.plan.settled.iter();
    ServiceView {
        service: outcome.name(),
        exit: outcome.status.exit_code(),
        status: outcome.status.name(),
        state: outcome.plan.standing.worst().name(),
        errors: match &outcome.status {
            Status::Failed(errors) => all_masked(errors),
            Status::Done | Status::Open | Status::Pending | Status::Refused => Vec::new(),
        },
        changes: outcome
            .plan
            .changes
            .iter()
            .map(|it| change(outcome, it))
            .collect(),
        findings: outcome
            .plan
            .findings
            .iter()
            .map(|it| finding(outcome, it))
            .collect(),
        settled: settled
            .map(|(key, value)| ((*key).to_owned(), masked(value).into()))
            .collect(),
        next: next(outcome),
    }
}

/// As for people; what is not written yet has its later steps too.
fn next(outcome: &Outcome) -> Vec<String> {
    let later = match outcome.status {
        Status::Pending | Status::Open => outcome.plan.next.as_slice(),
        Status::Done | Status::Refused | Status::Failed(_) => &[],
    };
    let steps = if outcome.plan.changes.is_empty() {
        Vec::new()
    } else {
        steps(outcome)
    };
    all_masked(&[steps.as_slice(), later].concat())
}

fn change(outcome: &Outcome, change: &FileChange) -> ChangeView {
    ChangeView {
        path: outcome.shown(&change.path),
        kind: match change.kind {
            Kind::Shared => "shared",
            Kind::Seeded => "seeded",
            Kind::Owned => "owned",
            Kind::Record => "record",
        },
        action: action(change),
        what: all_masked(&change.what),
    }
}

fn finding(outcome: &Outcome, finding: &Finding) -> FindingView {
    let Finding {
        code,
        level,
        message,
        places,
        label,
        help,
    } = finding;
    FindingView {
        code,
        level: level_name(*level),
        message: masked(message),
        places: places.iter().map(|it| place(outcome, it)).collect(),
        label: label.as_deref().map(masked),
        help: outcome.helps(help),
    }
}

fn place(outcome: &Outcome, place: &Place) -> PlaceView {
    let file = outcome.tree.bytes(&place.path);
    let found = place.span.zip(file).map(|(span, file)| {
        let span = fitted(&file, span);
        (position(&file, span.start), position(&file, span.end), span)
    });
    PlaceView {
        path: outcome.shown(&place.path),
        line: found.map(|((line, _), _, _)| line),
        column: found.map(|((_, column), _, _)| column),
        end_line: found.map(|(_, (line, _), _)| line),
        end_column: found.map(|(_, (_, column), _)| column),
        bytes: found.map(|(_, _, span)| [span.start, span.end]),
    }
}

fn all_masked(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| masked(text)).collect()
}
