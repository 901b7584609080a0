//! For code scanning: SARIF 2.1.0, one run with a result per finding.

use serde_json::{Value, json};

use super::source::{fitted, masked, position};
use super::{Outcome, Status, action, exit_code};
use crate::finding::{Finding, Level, Place};
use crate::plan::FileChange;

/// All services as one log; what is to be written is a result too.
pub fn sarif(outcomes: &[Outcome]) -> String {
    let results: Vec<Value> = outcomes.iter().flat_map(results).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules(&results),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation(outcomes)],
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

const PENDING: &str = "not-up-to-date";

fn rules(results: &[Value]) -> Vec<Value> {
    let mut ids: Vec<&str> = results
        .iter()
        .filter_map(|it| it["ruleId"].as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(|id| json!({"id": id})).collect()
}

fn invocation(outcomes: &[Outcome]) -> Value {
    let failures = outcomes.iter().filter_map(|outcome| match &outcome.status {
        Status::Failed(errors) => Some(masked(&errors.join(": "))),
        Status::Done | Status::Open | Status::Pending | Status::Refused => None,
    });
    let notifications: Vec<Value> = failures
        .map(|text| json!({"level": "error", "message": {"text": text}}))
        .collect();
    json!({
        "executionSuccessful": notifications.is_empty(),
        "exitCode": exit_code(outcomes),
        "toolExecutionNotifications": notifications,
    })
}

fn results(outcome: &Outcome) -> Vec<Value> {
    let mut results = Vec::new();
    if outcome.status == Status::Pending {
        results.extend(outcome.plan.changes.iter().map(|it| pending(outcome, it)));
    }
    results.extend(outcome.plan.findings.iter().map(|it| result(outcome, it)));
    results
}

fn pending(outcome: &Outcome, change: &FileChange) -> Value {
    let text = format!("to {}: {}", action(change), change.what.join(", "));
    json!({
        "ruleId": PENDING,
        "level": "error",
        "message": {"text": masked(&text)},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&outcome.shown(&change.path))},
        }}],
    })
}

fn result(outcome: &Outcome, finding: &Finding) -> Value {
    let level = match finding.level {
        Level::Refusal | Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let help = outcome.helps(&finding.help).into_iter();
    let help = help.map(|help| format!("\nhelp: {help}"));
    let text: String = std::iter::once(finding.message.clone())
        .chain(help)
        .collect();
    let mut locations: Vec<Value> = finding
        .places
        .iter()
        .map(|it| location(outcome, it))
        .collect();
    let related = locations.split_off(locations.len().min(1));
    json!({
        "ruleId": finding.code,
        "level": level,
        "message": {"text": masked(&text)},
        "locations": locations,
        "relatedLocations": related,
    })
}

fn location(outcome: &Outcome, place: &Place) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": uri(&outcome.shown(&place.path))}});
    if let Some((span, file)) = place.span.zip(outcome.tree.bytes(&place.path)) {
        let span = fitted(&file, span);
        let (line, column) = position(&file, span.start);
        let (end_line, end_column) = position(&file, span.end);
        physical["region"] = json!({
            "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column,
            "byteOffset": span.start, "byteLength": span.end - span.start,
        });
    }
    json!({"physicalLocation": physical})
}

/// A relative path as a URI reference.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            other => uri.extend(format!("%{other:02X}").chars()),
        }
    }
    uri
}
