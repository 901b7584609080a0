//! What a person does in a service that is wired: flags of `init` are lines of its config there. Pure.

use super::FILE;
use crate::finding::Finding;

/// A finding's help as it holds for a wired service.
///
/// `--celery-app orders.celery:application` becomes
/// ``write `celery-app = "orders.celery:application"` into scaffold-events.toml``.
pub fn for_wired(finding: &mut Finding) {
    // Where the lock itself is lost, `init` is what makes it anew.
    if finding.code.starts_with("lock-") {
        return;
    }
    for help in &mut finding.help {
        *help = wired(help);
    }
}

/// The flags that only ever say what the config says.
const FLAGS: [&str; 6] = [
    "name",
    "package",
    "settings",
    "celery-app",
    "tasks-dir",
    "route",
];

fn wired(help: &str) -> String {
    let init = "`scaffold-events init";
    let mut text = help
        .replace(&format!("{init}`"), "`scaffold-events sync --restore`")
        .replace("`--contract ID`", "`scaffold-events sync --to ID`");
    let mut has_line = false;
    for flag in FLAGS {
        while let Some((start, end, value)) = given(&text, flag) {
            let line = format!("`{flag} = \"{value}\"`");
            let before = text[..start].trim_end_matches('`').trim_end();
            let before = before
                .strip_suffix(init.trim_end())
                .unwrap_or(&text[..start]);
            let before = before.trim_end_matches('`').to_owned();
            let after = text[end..]
                .strip_prefix('`')
                .unwrap_or(&text[end..])
                .to_owned();
            text = format!("{before}{line}{after}");
            has_line = true;
        }
    }
    match (has_line, text.starts_with('`')) {
        (false, _) => text,
        (true, true) => format!("write {text} into {FILE}, then run `scaffold-events sync`"),
        (true, false) => format!("{text}: a line of {FILE}, then `scaffold-events sync`"),
    }
}

/// Where a flag stands with its value.
fn given<'t>(text: &'t str, flag: &str) -> Option<(usize, usize, &'t str)> {
    let named = format!("--{flag} ");
    let start = text.find(&named)?;
    let from = start + named.len();
    let is_end = |c: char| c.is_whitespace() || "`,;?".contains(c);
    let end = text[from..].find(is_end).map_or(text.len(), |at| from + at);
    (end > from).then(|| (start, end, &text[from..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_lines_of_the_config() {
        for (help, wanted) in [
            (
                "--celery-app orders.celery:application",
                "write `celery-app = \"orders.celery:application\"` into scaffold-events.toml, \
                 then run `scaffold-events sync`",
            ),
            (
                "route it to the events exchange: `scaffold-events init`",
                "route it to the events exchange: `scaffold-events sync --restore`",
            ),
            (
                "did you mean --settings orders/base.py?",
                "did you mean `settings = \"orders/base.py\"`?: a line of scaffold-events.toml, \
                 then `scaffold-events sync`",
            ),
            (
                "route the event alone, `scaffold-events init --route event-only`",
                "route the event alone, `route = \"event-only\"`: a line of scaffold-events.toml, \
                 then `scaffold-events sync`",
            ),
            (
                "name the settings file with `--settings FILE`",
                "name the settings file with `settings = \"FILE\"`: a line of \
                 scaffold-events.toml, then `scaffold-events sync`",
            ),
            ("pin celery", "pin celery"),
        ] {
            assert_eq!(wired(help), wanted);
        }
    }
}
