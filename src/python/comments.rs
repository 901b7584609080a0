//! The comments of a module, and which of them an edit takes away. Pure.

use std::collections::BTreeMap;

use super::style::line_end;
use super::syntax::{ExprKind, Module, walk};
use crate::edit::Span;

/// Every comment, from its `#` to the end of the line, in text order.
pub fn comments(module: &Module) -> Vec<Span> {
    let text = &*module.text;
    let mut strings: Vec<Span> = Vec::new();
    walk(&module.body, &mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::String(_) | ExprKind::FString(_) | ExprKind::Bytes = part.kind {
                    strings.push(part.span);
                }
            });
        }
    });
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(next) = text[at..].iter().position(|byte| *byte == b'#') {
        let start = at + next;
        let mut strings = strings.iter();
        // Between the pieces of one string that is joined of several, a comment is not seen.
        if let Some(string) = strings.find(|span| (span.start..span.end).contains(&start)) {
            at = string.end;
            continue;
        }
        let end = line_end(text, start);
        found.push(Span::new(start, end));
        at = end;
    }
    found
}

/// The comments of `before` that `after` has no more, each as often as it is gone.
pub fn lost(before: &Module, after: &Module) -> Vec<Span> {
    let mut left: BTreeMap<&[u8], usize> = BTreeMap::new();
    for comment in comments(after) {
        *left
            .entry(comment.of(&*after.text).trim_ascii_end())
            .or_default() += 1;
    }
    let mut gone = comments(before);
    gone.retain(
        |comment| match left.get_mut(comment.of(&*before.text).trim_ascii_end()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        },
    );
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::parse::parse;

    #[test]
    fn comments_are_told_from_strings_and_counted() {
        let module = |text: &str| parse(text.as_bytes().into()).unwrap();
        let before = module("# a\nA = ('#x',  # b\n    f'{A}#',  # a\n)\nB = 1# c");
        let after = module("A = ()  # a\r\n");
        let texts = |spans: Vec<Span>| -> Vec<String> {
            let text = |span: Span| String::from_utf8_lossy(span.of(&*before.text)).into_owned();
            spans.into_iter().map(text).collect()
        };
        assert_eq!(texts(comments(&before)), ["# a", "# b", "# a", "# c"]);
        assert_eq!(texts(lost(&before, &after)), ["# b", "# a", "# c"]);
    }
}
