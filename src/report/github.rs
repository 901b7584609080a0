//! For GitHub Actions: one workflow command per finding, shown beside the code of a pull request.

use super::source::{fitted, masked, position};
use super::{Outcome, Status, action};
use crate::finding::{Finding, Level};

/// All services; what is to be written counts as an error, for it fails the check.
pub fn github(outcomes: &[Outcome]) -> String {
    outcomes.iter().flat_map(commands).collect()
}

fn commands(outcome: &Outcome) -> Vec<String> {
    let mut commands: Vec<String> = match &outcome.status {
        Status::Failed(errors) => vec![command("error", &[], &errors.join(": "))],
        Status::Pending => pending(outcome),
        Status::Done | Status::Open | Status::Refused => Vec::new(),
    };
    let findings = outcome.plan.findings.iter();
    commands.extend(findings.map(|it| finding(outcome, it)));
    commands
}

fn pending(outcome: &Outcome) -> Vec<String> {
    let changes = outcome.plan.changes.iter();
    changes
        .map(|change| {
            let properties = [
                ("title", "not up to date".to_owned()),
                ("file", outcome.shown(&change.path)),
            ];
            let message = format!("to {}: {}", action(change), change.what.join(", "));
            command("error", &properties, &message)
        })
        .collect()
}

fn finding(outcome: &Outcome, finding: &Finding) -> String {
    let level = match finding.level {
        Level::Refusal | Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let mut properties = vec![("title", finding.code.to_owned())];
    if let Some(place) = finding.places.first() {
        properties.push(("file", outcome.shown(&place.path)));
        if let Some((span, file)) = place.span.zip(outcome.tree.bytes(&place.path)) {
            let span = fitted(&file, span);
            let (line, column) = position(&file, span.start);
            let (end_line, _) = position(&file, span.end);
            properties.push(("line", line.to_string()));
            properties.push(("endLine", end_line.to_string()));
            properties.push(("col", column.to_string()));
        }
    }
    let help = outcome.helps(&finding.help).into_iter();
    let help = help.map(|help| format!("\nhelp: {help}"));
    let message: String = std::iter::once(finding.message.clone())
        .chain(help)
        .collect();
    command(level, &properties, &message)
}

fn command(level: &str, properties: &[(&str, String)], message: &str) -> String {
    let property = |(key, value): &(&str, String)| {
        let value = escaped(value).replace(':', "%3A").replace(',', "%2C");
        format!("{key}={value}")
    };
    let properties: Vec<String> = properties.iter().map(property).collect();
    let properties = properties.join(",");
    let space = if properties.is_empty() { "" } else { " " };
    let message = escaped(&masked(message));
    format!("::{level}{space}{properties}::{message}\n")
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
