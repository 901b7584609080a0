//! The lock file as TOML, written by hand: one block for each file, so that git merges it.

use std::fmt::{Display, Write};

use super::{CURRENT, Lock, Owned, Seeded, Shared, Text, Undo};
use crate::newline::Newline;
use crate::path::RelPath;

const HEADER: &str = "\
# What scaffold-events wrote into this service, so that `scaffold-events sync` can merge
# and `scaffold-events remove` can undo. Commit this file; do not edit it by hand.
# After a merge conflict take either side, then run `scaffold-events sync`.
";

pub(super) fn render(lock: &Lock) -> String {
    let Lock {
        version: _,
        contract,
        inputs,
        contract_files,
        owned,
        created,
        seeded,
        shared,
    } = lock;
    let mut out = Page(HEADER.to_owned());
    out.value("version", CURRENT);
    out.value("contract", quote(contract));
    if !inputs.is_empty() {
        out.table("inputs");
    }
    for (name, value) in inputs {
        out.value(&quote(name), quote(value));
    }
    if !contract_files.is_empty() {
        out.table("contract-files");
    }
    for (path, Text(text)) in contract_files {
        out.list(&quote(path.as_str()), text.split('\n'));
    }
    for (path, Owned { written, accepted }) in owned {
        out.file("owned", path);
        out.value("written", quote(written));
        out.value("accepted", quote(accepted));
    }
    for (path, Seeded { written }) in created {
        out.file("created", path);
        out.value("written", quote(written));
    }
    for (path, Seeded { written }) in seeded {
        out.file("seeded", path);
        out.value("written", quote(written));
    }
    for (path, edited) in shared {
        out.shared(path, edited);
    }
    out.0
}

struct Page(String);

impl Page {
    fn line(&mut self, line: impl Display) {
        let _ = writeln!(self.0, "{line}"); // a String takes everything
    }

    fn value(&mut self, key: &str, value: impl Display) {
        self.line(format_args!("{key} = {value}"));
    }

    fn list<'t>(&mut self, key: &str, values: impl Iterator<Item = &'t str>) {
        self.value(key, "[");
        for value in values {
            self.line(format_args!("  {},", quote(value)));
        }
        self.line("]");
    }

    fn table(&mut self, name: &str) {
        self.line(format_args!("\n[{name}]"));
    }

    fn file(&mut self, kind: &str, path: &RelPath) {
        self.table(&format!("{kind}.{}", quote(path.as_str())));
    }

    fn shared(&mut self, path: &RelPath, edited: &Shared) {
        let Shared {
            before,
            hash,
            newline,
            establishes,
            undo,
        } = edited;
        self.file("shared", path);
        self.value("before", quote(before));
        self.value("hash", quote(hash));
        self.value("newline", quote(name(*newline)));
        self.list("establishes", establishes.iter().map(String::as_str));
        for Undo { at, ours, insert } in undo {
            self.line(format_args!("\n[[shared.{}.undo]]", quote(path.as_str())));
            self.value("at", at);
            self.value("ours", quote(ours));
            self.value("insert", quote(insert));
        }
    }
}

fn name(newline: Newline) -> &'static str {
    match newline {
        Newline::Lf => "lf",
        Newline::Crlf => "crlf",
        Newline::Mixed => "mixed",
    }
}

/// A basic string on one line: JSON's, but for DEL, which TOML wants escaped. No newline stands in
/// it raw, so git may convert the file as it likes.
fn quote(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}
