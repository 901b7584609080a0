//! New import lines for one place, as one group. Pure.

use super::section::is_standard;
use crate::edit::Edit;

/// Edits with the new import lines for one place in isort's order, as one group: each alone would set itself
/// apart by blank lines.
pub fn together(edits: Vec<Edit>) -> Vec<Edit> {
    let mut out: Vec<Edit> = Vec::new();
    let mut lines: Vec<Line> = Vec::new();
    for edit in edits {
        match Line::of(&edit) {
            Some(line) => lines.push(line),
            None => out.push(edit),
        }
    }
    lines.sort_by(|a, b| (a.at, a.third_party, &a.key).cmp(&(b.at, b.third_party, &b.key)));
    let of_one_group = |a: &Line, b: &Line| {
        (a.at, a.third_party, &a.before, &a.behind) == (b.at, b.third_party, &b.before, &b.behind)
    };
    for group in lines.chunk_by(of_one_group) {
        let Line {
            at, before, behind, ..
        } = &group[0];
        let around = format!("{before}{behind}");
        let newline = ["\r\n", "\r"]
            .into_iter()
            .find(|newline| around.contains(newline))
            .unwrap_or("\n");
        let statements: Vec<&str> = group.iter().map(|line| line.statement.as_str()).collect();
        let text = format!("{before}{}{behind}", statements.join(newline));
        out.push(Edit::insert(*at, text));
    }
    out
}

/// A new import on a line of its own.
struct Line {
    at: usize,
    third_party: bool,
    key: String,
    before: String,
    statement: String,
    behind: String,
}

impl Line {
    fn of(edit: &Edit) -> Option<Self> {
        let text = edit.text();
        let statement = text.trim_matches(['\r', '\n']);
        let module = ["from ", "import "]
            .iter()
            .find_map(|word| statement.strip_prefix(word))?;
        let apart = text.len() > statement.len() && !statement.contains([';', '\n', '\r']);
        if !edit.is_insertion() || !apart {
            return None;
        }
        let start = text.find(statement)?;
        let module = module.split([' ', '.']).next().unwrap_or_default();
        Some(Self {
            at: edit.span().start,
            third_party: !is_standard(module),
            key: statement.to_ascii_lowercase(),
            before: text[..start].to_owned(),
            statement: statement.to_owned(),
            behind: text[start + statement.len()..].to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_one_place_are_one_group_in_order() {
        let at = |at: usize, text: &str| Edit::insert(at, text);
        let edits = together(vec![
            at(9, "\n\nfrom zc_events import x"),
            at(9, "\n\nimport os"),
            at(9, "\n\nfrom kombu import Queue"),
            at(9, "X = 1\n"),
            at(12, "from a import b\r\n"),
            at(12, "from B import c\r\n"),
        ]);
        let texts: Vec<&str> = edits.iter().map(Edit::text).collect();
        assert_eq!(
            texts,
            [
                "X = 1\n",
                "\n\nimport os",
                "\n\nfrom kombu import Queue\nfrom zc_events import x",
                "from a import b\r\nfrom B import c\r\n",
            ]
        );
    }

    #[test]
    fn names_added_to_an_import_are_no_lines() {
        let edit = Edit::insert(3, ", Queue");
        assert_eq!(together(vec![edit.clone()]), [edit]);
    }
}
