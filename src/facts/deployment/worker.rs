//! Worker commands: which app, which queues. Pure.

use crate::edit::Span;
use crate::facts::text::{lines, trimmed};

/// A command that starts a Celery worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Worker {
    /// The command's line, or its `-Q` argument if it has one.
    pub span: Span,
    /// What follows `-A`: `orders`, `orders.celery:app`.
    pub app: Option<String>,
    /// The queues of `-Q`/`--queues`; `None` where the worker consumes all that the settings define.
    pub queues: Option<Vec<String>>,
}

/// The worker commands in a text, masked to ASCII: of a shell, or a list in YAML or JSON.
///
/// Comments are left out; a command goes on behind `\`, in `[…]`, and in a YAML list's next items.
pub fn workers(text: &str) -> Vec<Worker> {
    commands(text)
        .iter()
        .filter_map(|words| worker(text, words))
        .collect()
}

/// The words of one command.
type Words = Vec<Span>;

fn worker(text: &str, words: &Words) -> Option<Worker> {
    let celery = words.iter().position(|span| {
        let word = span.of(text);
        let name = word.rsplit('/').next().unwrap_or_default();
        ["celery", "celeryd", "celeryd-multi"].contains(&name)
    })?;
    let of = &words[celery..];
    let is_worker = of
        .iter()
        .any(|span| ["worker", "multi", "celeryd", "celeryd-multi", "-W"].contains(&span.of(text)));
    if !is_worker {
        return None;
    }
    let app = option(text, of, &["-A", "--app"]).map(|span| span.of(text).to_owned());
    let queues = option(text, of, &["-Q", "--queues"]);
    let first = of.first()?;
    let last = of.last()?;
    let split = |span: Span| {
        let names = span.of(text).split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    Some(Worker {
        span: queues.unwrap_or(Span::new(first.start, last.end)),
        app: app.filter(|app| !app.is_empty()),
        queues: queues.map(split),
    })
}

/// The value of `-Q a`, `-Qa`, `-Q:1 a` (celery multi), `--queues a`, `--queues=a`.
fn option(text: &str, words: &[Span], names: &[&str; 2]) -> Option<Span> {
    let [short, long] = *names;
    words.iter().enumerate().find_map(|(at, span)| {
        let word = span.of(text);
        let next = words.get(at + 1).copied();
        if word == short || word == long {
            return next;
        }
        if let Some(rest) = word
            .strip_prefix(long)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return Some(Span::new(span.end - rest.len(), span.end));
        }
        let rest = word.strip_prefix(short)?;
        if rest.starts_with(':') {
            return next;
        }
        let rest = rest.strip_prefix('=').unwrap_or(rest);
        Some(Span::new(span.end - rest.len(), span.end))
    })
}

/// The commands of a text, as words.
fn commands(text: &str) -> Vec<Words> {
    let mut found: Vec<Words> = Vec::new();
    let mut goes_on = false;
    let mut brackets = 0_usize;
    let mut in_list = false;
    for line in lines(text.as_bytes()) {
        let line = trimmed(text.as_bytes(), line);
        let content = line.of(text);
        if content.is_empty() || content.starts_with('#') || content.starts_with("//") {
            goes_on = false;
            continue;
        }
        let item = content.starts_with("- ") || content == "-";
        let words = words(text, line);
        // `- celery` begins a YAML list of words; `- name: x` is another thing.
        let list_word = item && words.len() <= 2 && !content.ends_with(':');
        let after_option = found.last().is_some_and(|last| {
            last.last()
                .is_some_and(|word| is_option_word(word.of(text)))
        });
        // The lines below `command: >` are one command.
        let plain = !content.contains(": ") && !content.ends_with(':') && !content.contains('=');
        let folded = !item && (content.starts_with('-') || (after_option && plain));
        let joins = goes_on || brackets > 0 || (list_word && in_list) || folded;
        let words: Words = words
            .into_iter()
            .filter(|span| span.of(text) != "-")
            .collect();
        match found.last_mut().filter(|_| joins) {
            Some(last) => last.extend(words),
            None => found.push(words),
        }
        in_list = list_word;
        brackets = open_brackets(content, brackets);
        goes_on = content.ends_with('\\') || content.ends_with('>') || content.ends_with('|');
    }
    found
}

fn is_option_word(word: &str) -> bool {
    ["celery", "worker", "-A", "-Q", "-l", "--app", "--queues"].contains(&word)
}

fn open_brackets(content: &str, before: usize) -> usize {
    content.bytes().fold(before, |open, byte| match byte {
        b'[' => open + 1,
        b']' => open.saturating_sub(1),
        _ => open,
    })
}

/// The words of a line: what white space, quotes and a list's commas leave; `a,b` without space is one.
fn words(text: &str, line: Span) -> Words {
    let bytes = line.of(text.as_bytes());
    let mut found = Vec::new();
    let mut start = None;
    for at in 0..=bytes.len() {
        let byte = bytes.get(at).copied().unwrap_or(b' ');
        let next = bytes.get(at + 1).copied();
        let ends = byte.is_ascii_whitespace()
            || b"\"'`[]()\\;&|".contains(&byte)
            || (byte == b','
                && next.is_none_or(|next| next.is_ascii_whitespace() || b"\"'".contains(&next)));
        match (start, ends) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                found.push(Span::new(line.start + from, line.start + at));
                start = None;
            }
            (None, true) | (Some(_), false) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn queues(text: &str) -> String {
        let found = workers(text);
        let shown = |worker: &Worker| {
            worker
                .queues
                .clone()
                .map_or("all".to_owned(), |queues| queues.join("+"))
        };
        found.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_spelling_of_queues_is_read() {
        assert_eq!(queues("worker: celery -A p worker -Q a,b -l info\n"), "a+b");
        assert_eq!(queues("celery worker --app=p --queues=a\n"), "a");
        assert_eq!(queues("celery worker -A p -Qa\n"), "a");
        assert_eq!(queues("celery multi start 2 -A p -Q:1 a -Q:2 b\n"), "a");
        assert_eq!(queues("python manage.py celeryd -Q a\n"), "a");
        assert_eq!(
            queues("exec /usr/bin/celery -A p worker \\\n  --queues a \\\n  -l info\n"),
            "a"
        );
    }

    #[test]
    fn lists_are_commands_too() {
        assert_eq!(
            queues("command: [\"celery\", \"-A\", \"p\", \"worker\", \"-Q\", \"a,b\"]\n"),
            "a+b"
        );
        assert_eq!(
            queues("args:\n  - celery\n  - -A\n  - p\n  - worker\n  - -Q\n  - a\n"),
            "a"
        );
        assert_eq!(queues("command: >\n  celery -A p worker\n  -Q a\n"), "a");
        assert_eq!(
            queues("command: >\n  celery -A p worker\n  --queues=a,b\n  -l info\n"),
            "a+b"
        );
        assert_eq!(
            queues("command:\n  - bash\n  - -c\n  - celery -A p worker -Q a,b -l INFO\n"),
            "a+b"
        );
    }

    #[test]
    fn a_worker_without_queues_consumes_all() {
        assert_eq!(queues("celery -A p worker -l info\n"), "all");
        assert_eq!(
            workers("celery -A p.celery:app worker\n")[0].app.as_deref(),
            Some("p.celery:app")
        );
    }

    #[test]
    fn other_commands_are_no_workers() {
        assert_eq!(
            queues(
                "celery -A p beat\n# celery -A p worker -Q a\ncurl -Q x\nRUN pip install celery\n"
            ),
            ""
        );
        assert_eq!(
            queues("a: celery -A p beat\nb: celery -A p worker -Q a\n"),
            "a"
        );
    }

    #[test]
    fn the_span_is_the_list_of_queues() {
        let text = "w: celery worker -Q a,b\r\n";
        assert_eq!(workers(text)[0].span.of(text), "a,b");
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(celery|worker|-Q|-A|--queues|[=,:\\[\\]\"'\\\\ #>\\-\\n\\r]|[a-c]){0,40}") {
            prop_assert!(workers(&text).iter().all(|worker| worker.span.end <= text.len()));
        }
    }
}
