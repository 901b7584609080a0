//! A service's own contract, tried out: its templates render, and what they give is Python. Findings only.

use super::{Context, modules};
use crate::edit::Span;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::parse::parse;
use crate::render::{self, Fault};

/// Refuses a contract that would write something else than a listener and a handlers module.
pub fn check(context: &Context<'_>) -> Result<(), Finding> {
    let contract = context.contract;
    let Some(folder) = &contract.folder else {
        return Ok(());
    };
    let of = |name: &str| contract.template(name).unwrap_or_default();
    let listener = render::try_listener(contract, &modules::inputs(context))
        .map_err(|fault| unrendered(folder, of(fault.template), &fault))?;
    let handlers = render::try_handlers(contract)
        .map_err(|fault| unrendered(folder, of(fault.template), &fault))?;
    let path = |name: &str| folder.join(name);
    is_python(&path("listener.py.tera"), of("listener.py.tera"), &listener)?;
    is_python(&path("handlers.py.tera"), of("handlers.py.tera"), &handlers)?;
    let task = &contract.event_task;
    if modules::registers_in(&listener, task) {
        return Ok(());
    }
    Err(Finding::refusal(
        "contract-template",
        format!("the listener does not register the task `{task}`"),
    )
    .in_file(&path("listener.py.tera"))
    .help("give its task this name: `name={{ event_task | py_str }}`"))
}

fn unrendered(folder: &RelPath, text: &str, fault: &Fault) -> Finding {
    let Fault { template, why, at } = fault;
    let finding = Finding::refusal("contract-template", format!("this does not render: {why}"));
    let path = folder.join(template);
    let finding = match at
        .map(|at| offset(text, at))
        .or_else(|| mentioned(text, why))
    {
        Some(span) => finding.at(&path, span),
        None => finding.in_file(&path),
    };
    finding.help("docs/contracts.md lists what a template may use")
}

/// The character at a line and column, both from one.
fn offset(text: &str, (line, column): (usize, usize)) -> Span {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let rest = text[start..].char_indices().nth(column.saturating_sub(1));
    let at = rest.map_or(text.len(), |(at, _)| start + at);
    let width = text[at..].chars().next().map_or(0, char::len_utf8);
    Span::new(at, at + width)
}

/// The first word in backticks or quotes that the template has too.
fn mentioned(text: &str, why: &str) -> Option<Span> {
    why.split(['`', '\''])
        .skip(1)
        .step_by(2)
        .filter(|word| !word.is_empty())
        .find_map(|word| text.find(word).map(|at| Span::new(at, at + word.len())))
}

fn is_python(path: &RelPath, template: &str, text: &str) -> Result<(), Finding> {
    let (why, at) = match parse(text.as_bytes().into()) {
        Err(why) => (why.message, None),
        Ok(module) => match module.errors.first() {
            Some(error) => (error.message.clone(), Some(error.span)),
            None => return Ok(()),
        },
    };
    let message = format!("what this renders to is no Python: {why}");
    let finding = Finding::refusal("contract-template", message);
    let line = at.map(|span| {
        let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        &text[start..end]
    });
    let line = line.filter(|line| !line.trim().is_empty());
    let there = line.and_then(|line| Some((template.find(line)?, line)));
    let finding = match there {
        Some((at, line)) => finding.at(path, Span::new(at, at + line.len())),
        None => finding.in_file(path),
    };
    Err(match line {
        Some(line) => finding.help(format!("look at the line that becomes `{}`", line.trim())),
        None => finding.help("write it so that it renders to a Python module"),
    })
}
