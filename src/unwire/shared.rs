//! Our parts of the user's files: undone where a file is as we left it, else found by their meaning.

use super::piece::{Piece, pieces};
use super::removal::Removal;
use super::take_out::{Changed, take_out};
use crate::edit::{EditSet, Span};
use crate::facts::text::contains;
use crate::finding::{Finding, Place};
use crate::lock::{self, Shared};
use crate::path::RelPath;
use crate::python::syntax::{Module, StmtKind, walk};
use crate::tree::Tree;
use crate::verify;

impl Removal<'_> {
    pub(super) fn shared(&mut self) {
        for (path, shared) in &self.lock.shared {
            let path = &whereabouts(self.tree, path, shared);
            let bytes = self.tree.bytes(path);
            let all = || shared.undo.iter().flat_map(pieces);
            let spares = all().any(|piece| self.spares(&piece));
            let before = bytes.as_ref().and_then(|bytes| shared.undo(bytes));
            match before.filter(|_| !spares) {
                Some(before) => {
                    self.restored.insert(path.clone());
                    self.edit(path, before, &shared.establishes);
                }
                None if bytes.is_some() && !path.has_extension("py") => {
                    self.other_text(path, shared);
                }
                None => self.by_meaning(path, shared),
            }
        }
    }

    /// What is to go, without what is spared.
    fn pieces(&self, shared: &Shared) -> Vec<Piece> {
        let all = shared.undo.iter().flat_map(pieces);
        all.filter(|piece| !self.spares(piece)).collect()
    }

    fn spares(&self, piece: &Piece) -> bool {
        self.spared.iter().any(|name| piece.binds(name))
    }

    /// Our parts of a Python file, in it or, where they were moved, in another.
    fn by_meaning(&mut self, path: &RelPath, shared: &Shared) {
        let mut wanted = self.pieces(shared);
        if self.goes != Changed::Stays
            && let Some(before) = self.original(path, shared, &wanted)
        {
            self.restored.insert(path.clone());
            self.edit(path, before, &shared.establishes);
            return;
        }
        for file in self.where_they_may_be(path) {
            if wanted.is_empty() {
                break;
            }
            wanted = self.take_from(&file, &wanted, &shared.establishes);
        }
        let named = wanted.iter().filter_map(Piece::named);
        self.missing.extend(named.map(|name| (path.clone(), name)));
    }

    /// Whatever in this file still is about events, and no finding speaks of.
    fn tell_what_stays(&mut self, path: &RelPath, module: &Module, cuts: &EditSet) {
        let mut text = module.text.to_vec();
        for cut in cuts.iter() {
            text[cut.span().start..cut.span().end].fill(0);
        }
        let mut told = Vec::new();
        walk(&module.body, &mut |stmt| {
            let is_simple = match &stmt.kind {
                StmtKind::Assign { .. } | StmtKind::Augment { .. } => true,
                StmtKind::Expr { value } => value.string().is_none(),
                _ => false,
            };
            let mut words = self.events.iter();
            if is_simple && words.any(|word| contains(stmt.span.of(&text[..]), word)) {
                told.push(stmt.span);
            }
        });
        for span in told {
            let place = Place {
                path: path.clone(),
                span: Some(span),
            };
            if self
                .findings
                .iter()
                .any(|finding| finding.places.contains(&place))
            {
                continue;
            }
            self.findings.push(
                Finding::note("part-left", "this is about events, and stays")
                    .at(path, span)
                    .label("not as it was written: it may be yours by now")
                    .help("take it out by hand where you do not need it"),
            );
        }
    }

    /// The file without every statement that binds a name of ours, if that is what was there before us.
    fn original(&self, path: &RelPath, shared: &Shared, wanted: &[Piece]) -> Option<Vec<u8>> {
        let module = self.tree.python(path).ok()?;
        let taken = take_out(&module, wanted, &self.words, Changed::Whole);
        let mut before = taken.edits.splice(&module.text);
        // Of blank lines at the end of the file it cannot be said whose they were: the hash knows.
        while lock::hash(&before) != shared.before {
            let line = before.strip_suffix(b"\n")?.strip_suffix(b"\n")?.len();
            before.truncate(line + 1);
        }
        Some(before)
    }

    /// Gives what does not stand in this file.
    fn take_from(
        &mut self,
        path: &RelPath,
        wanted: &[Piece],
        establishes: &[String],
    ) -> Vec<Piece> {
        let Ok(module) = self.tree.python(path) else {
            return wanted.to_vec();
        };
        let taken = take_out(&module, wanted, &self.words, self.goes);
        self.changed.extend(taken.changed);
        for (span, reason) in &taken.left {
            self.findings.push(
                Finding::note("part-left", "this was ours, and stays")
                    .at(path, *span)
                    .label(*reason)
                    .help("take it out by hand where you do not need it"),
            );
        }
        self.tell_what_stays(path, &module, &taken.edits);
        if taken.edits.is_empty() {
            return taken.missing;
        }
        let after = taken.edits.splice(&module.text);
        if verify::takes_only(path, &module, &taken.edits, &after).is_err() {
            self.findings.push(inseparable(path, &taken.edits));
            return Vec::new();
        }
        let went = |what: &&String| {
            let is = |piece: &&Piece| piece.is_called(what);
            let mut stays = taken.stays.iter();
            let mut all = wanted.iter();
            !stays.any(|piece| is(&piece))
                || all.any(|piece| is(&piece) && !taken.stays.contains(piece))
        };
        let what: Vec<String> = establishes.iter().filter(went).cloned().collect();
        self.edit(path, after, &what);
        taken.missing
    }

    /// The file itself, then every other that names the event modules or the exchange.
    fn where_they_may_be(&self, path: &RelPath) -> Vec<RelPath> {
        let mut files = vec![path.clone()];
        let known = |file: &RelPath| {
            self.lock.owned.contains_key(file)
                || self.lock.seeded.contains_key(file)
                || self.lock.shared.contains_key(file)
        };
        if self.tree.bytes(path).is_some() && self.standing(path) {
            return files;
        }
        for file in self.tree.walk() {
            if file.has_extension("py") && !known(&file) && self.standing(&file) {
                files.push(file);
            }
        }
        files
    }

    fn standing(&self, path: &RelPath) -> bool {
        let Some(bytes) = self.tree.bytes(path) else {
            return false;
        };
        self.words.iter().any(|word| contains(&bytes, word))
    }

    /// An env sample that was edited: a URL that ends in `%2F` does no harm.
    fn other_text(&mut self, path: &RelPath, shared: &Shared) {
        let text = self.tree.bytes(path).unwrap_or_default();
        let slash = shared.undo.iter().any(|undo| undo.ours.ends_with("%2F"));
        let still = memchr::memmem::find(&text, b"%2F");
        if let (true, Some(at)) = (slash, still) {
            self.findings.push(
                Finding::note("part-left", "this was ours, and stays")
                    .at(path, Span::new(at, at + 3))
                    .label("`%2F` and `/` name one vhost: left as it is"),
            );
        } else if !slash {
            self.findings.push(
                Finding::note(
                    "part-left",
                    "this file was edited since: what is ours in it stays",
                )
                .in_file(path)
                .help("take it out by hand where you do not need it"),
            );
        }
    }
}

/// Where a file of theirs is now: one that was moved is known by its content, which we left there.
pub(crate) fn whereabouts(tree: &Tree, path: &RelPath, shared: &Shared) -> RelPath {
    if tree.bytes(path).is_some() {
        return path.clone();
    }
    let mut files = tree.walk().into_iter();
    let is_it = |file: &RelPath| {
        let same = || {
            tree.bytes(file)
                .is_some_and(|text| lock::hash(&text) == shared.hash)
        };
        file.has_extension("py") && same()
    };
    files.find(is_it).unwrap_or_else(|| path.clone())
}

fn inseparable(path: &RelPath, edits: &EditSet) -> Finding {
    let finding = Finding::refusal(
        "part-inseparable",
        "what is ours here cannot be taken out without touching what is yours",
    );
    let finding = edits
        .iter()
        .fold(finding, |finding, edit| finding.at(path, edit.span()));
    finding.help("take it out by hand, then run again")
}
