//! Where new definitions stand: in front of a statement, behind one, at the end. Pure.

use super::Anchor;
use crate::edit::Edit;
use crate::python::style::{
    BOM, indentation, line_above, line_end, line_indentation, line_start, newline, starts_line,
};
use crate::python::syntax::{Module, Stmt, StmtKind, walk};

/// The edit that puts definitions at their anchor; `begun` is what already goes below everything.
pub(super) fn place(
    module: &Module,
    anchor: Anchor,
    texts: &[String],
    begun: Option<&Edit>,
) -> Edit {
    match anchor {
        Anchor::Before(at) => in_front(&module.text, at, texts),
        Anchor::Behind(end, model) | Anchor::ClassEnd(end, model) => {
            behind(module, end, model, texts)
        }
        Anchor::End => at_end(module, texts, begun),
    }
}

/// Above a statement and the comment lines on it; blank lines between as there are above it.
fn in_front(text: &[u8], at: usize, texts: &[String]) -> Edit {
    if !starts_line(text, at) {
        return Edit::insert(
            at,
            texts
                .iter()
                .map(|text| text.clone() + "; ")
                .collect::<String>(),
        );
    }
    let indent = indentation(text, at);
    let newline = newline(text, at);
    let own = line_start(text, at);
    let mut start = own;
    while let Some(above) = line_above(text, start) {
        if !text[above..start].trim_ascii().starts_with(b"#")
            || text[above..start].starts_with(b"#!")
        {
            break;
        }
        start = above;
    }
    // Comments at the top are the file's: a coding line stays where it is, and imports go below them too.
    let above = line_above(text, start);
    let top = if text.starts_with(BOM) { BOM.len() } else { 0 };
    let is_first = above.is_some_and(|above| above <= top) && text[top..].starts_with(b"#");
    if above.is_none() || is_first {
        start = own;
    }
    let blank = above.is_none()
        || is_first
        || line_above(text, start).is_some_and(|above| text[above..start].trim_ascii().is_empty());
    let gap = if blank { newline } else { "" };
    let lines = texts
        .iter()
        .map(|text| format!("{indent}{}{newline}{gap}", indented(text, indent, newline)));
    Edit::insert(start, lines.collect::<String>())
}

/// On new lines behind the statement that ends at `end`; several have blank lines between.
fn behind(module: &Module, end: usize, model: usize, texts: &[String]) -> Edit {
    let text = &*module.text;
    let newline = newline(text, end);
    let indent = line_indentation(text, model);
    let at = logical_end(module, end);
    let gap = if texts.len() > 1 { newline } else { "" };
    let lines = texts
        .iter()
        .map(|text| format!("{newline}{gap}{indent}{}", indented(text, indent, newline)));
    let last = if at == text.len() { newline } else { "" };
    Edit::insert(at, format!("{}{last}", lines.collect::<String>()))
}

/// The end of the line on which a statement ends, and of those that begin on it: `A = 1; B = (\n…)`.
fn logical_end(module: &Module, end: usize) -> usize {
    let mut at = line_end(&module.text, end);
    walk(&module.body, &mut |stmt| {
        if (end..at).contains(&stmt.span.start) {
            at = at.max(line_end(&module.text, stmt.span.end));
        }
    });
    at
}

/// Below everything, a blank line above each; two below a class or function, as black has it.
fn at_end(module: &Module, texts: &[String], begun: Option<&Edit>) -> Edit {
    let text = &*module.text;
    let end = text.len();
    let newline = newline(text, end);
    let last = begun.map_or(text, |edit| edit.text().as_bytes()).last();
    let open = last.is_some_and(|byte| !matches!(byte, b'\n' | b'\r'));
    let blank = text.ends_with(&[newline.as_bytes(), newline.as_bytes()].concat());
    let defines = module.body.last().is_some_and(is_definition);
    let mut out = String::new();
    if open {
        out.push_str(newline);
    }
    for (at, text) in texts.iter().enumerate() {
        let nothing_above = at == 0 && (blank || module.text.is_empty());
        if !nothing_above {
            out.push_str(newline);
        }
        if at == 0 && defines {
            out.push_str(newline);
        }
        out.push_str(&indented(text, "", newline));
        out.push_str(newline);
    }
    Edit::insert(end, out)
}

fn is_definition(stmt: &Stmt) -> bool {
    matches!(
        stmt.kind,
        StmtKind::Function { .. } | StmtKind::Class { .. }
    )
}

fn indented(text: &str, indent: &str, newline: &str) -> String {
    text.replace('\n', &format!("{newline}{indent}"))
}
