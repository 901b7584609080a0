//! Fixes on their way to a plan: edits, definitions and new items gathered per file, folded at the end.
//!
//! Pure. Rules add to it in any order; the text of a file is decided once, by [`Draft::fold`].

mod place;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::change::Kind;
use crate::edit::{Edit, EditSet, Overlap, Span};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::imports::together;
use crate::python::insert::{Container, Item};
use crate::python::syntax::{Expr, ExprKind, Module};
use place::place;

/// What the rules want so far.
#[derive(Default)]
pub struct Draft {
    files: BTreeMap<RelPath, Pending>,
    /// New files, whole.
    pub created: BTreeMap<RelPath, (Kind, String)>,
    /// What the rules found.
    pub findings: Vec<Finding>,
}

/// Where a definition goes in its scope.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Anchor {
    /// In front of the statement that begins here, and of the comments on it.
    Before(usize),
    /// On the line behind the statement that ends here, indented like the one at `.1`: its own last line
    /// may be a continuation.
    Behind(usize, usize),
    /// At the end of the class body whose last statement ends here, indented like the one at `.1`.
    ClassEnd(usize, usize),
    /// At the end of the module.
    End,
}

/// The order of definitions at one place: what is read stands above its reader.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "named for what they define")]
pub enum Rank {
    ServiceName,
    LibrarySetting,
    DefaultQueueName,
    Exchange,
    Queues,
    Routes,
    Imports,
    Broker,
}

#[derive(Default)]
struct Pending {
    module: Option<Arc<Module>>,
    text: Arc<[u8]>,
    edits: Vec<Edit>,
    definitions: BTreeMap<Anchor, Vec<(Rank, String)>>,
    items: BTreeMap<Span, (Container, Vec<Item>)>,
    what: Vec<String>,
}

/// One shared file with everything decided.
pub struct Folded {
    /// Its bytes now.
    pub before: Arc<[u8]>,
    /// The edits.
    pub edits: EditSet,
    /// What they do, a few words each.
    pub what: Vec<String>,
}

impl Draft {
    /// Whether no file would change.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.created.is_empty()
    }

    /// Edits of a Python file; what two rules both ask for is done once.
    pub fn edit(&mut self, file: &RelPath, module: &Arc<Module>, edits: Vec<Edit>, what: &str) {
        for edit in edits {
            let pending = self.python(file, module, what);
            if !pending.edits.contains(&edit) {
                pending.edits.push(edit);
            }
        }
    }

    /// Edits of any other text file.
    pub fn edit_text(&mut self, file: &RelPath, text: &Arc<[u8]>, edits: Vec<Edit>, what: &str) {
        let pending = self.files.entry(file.clone()).or_default();
        pending.text = Arc::clone(text);
        pending.edits.extend(edits);
        pending.say(what);
    }

    /// A new statement; `text` has LF line ends and no indentation of its own scope.
    pub fn define(
        &mut self,
        file: &RelPath,
        module: &Arc<Module>,
        at: Anchor,
        rank: Rank,
        text: String,
        what: &str,
    ) {
        let pending = self.python(file, module, what);
        let place = pending.definitions.entry(at).or_default();
        if place.iter().all(|(_, have)| *have != text) {
            place.push((rank, text));
        }
    }

    /// New items at the end of a tuple, list, set or dict literal.
    pub fn append(
        &mut self,
        file: &RelPath,
        module: &Arc<Module>,
        literal: &Expr,
        item: Item,
        what: &str,
    ) -> bool {
        let Some(container) = Container::of(literal) else {
            return false;
        };
        self.append_to(file, module, literal.span, container, item, what);
        true
    }

    /// A new key in a dict of settings: a literal, or the keywords of `dict(…)`.
    pub fn append_setting(
        &mut self,
        file: &RelPath,
        module: &Arc<Module>,
        value: &Expr,
        key: &str,
        item: &Item,
        what: &str,
    ) -> bool {
        let ExprKind::Call {
            function,
            args,
            keywords,
            arguments,
        } = &value.kind
        else {
            return matches!(value.kind, ExprKind::Dict(_))
                && self.append(file, module, value, item.clone(), what);
        };
        if function.name() != Some("dict") {
            return false;
        }
        let keyword = |text: &String| {
            text.split_once(": ")
                .map(|(_, value)| format!("{key}={value}"))
        };
        let item = Item {
            flat: keyword(&item.flat).unwrap_or_default(),
            block: item.block.as_ref().and_then(keyword),
        };
        let container = Container::of_call(args, keywords, *arguments);
        self.append_to(file, module, *arguments, container, item, what);
        true
    }

    /// New items at the end of a container; `span` tells it from others.
    pub fn append_to(
        &mut self,
        file: &RelPath,
        module: &Arc<Module>,
        span: Span,
        container: Container,
        item: Item,
        what: &str,
    ) {
        let pending = self.python(file, module, what);
        let (_, items) = pending
            .items
            .entry(span)
            .or_insert_with(|| (container, Vec::new()));
        if !items.contains(&item) {
            items.push(item);
        }
    }

    /// The names that new statements at module level bind, by file.
    pub fn defined_names(&self) -> Vec<(RelPath, Vec<String>)> {
        let of_file = |pending: &Pending| {
            let module_level = pending
                .definitions
                .iter()
                .filter(|(at, _)| !matches!(at, Anchor::ClassEnd(..)));
            let texts = module_level.flat_map(|(_, definitions)| definitions);
            let names = texts.filter_map(|(_, text)| Some(text.split_once(" = ")?.0.to_owned()));
            names
                .filter(|name| !name.contains(['.', '[']))
                .collect::<Vec<_>>()
        };
        self.files
            .iter()
            .map(|(file, pending)| (file.clone(), of_file(pending)))
            .collect()
    }

    /// Whether a new statement in a file binds this name.
    pub fn defines(&self, file: &RelPath, name: &str) -> bool {
        let texts = self.files.get(file).into_iter();
        texts
            .flat_map(|pending| pending.definitions.values().flatten())
            .any(|(_, text)| {
                text.split_once(" = ")
                    .is_some_and(|(bound, _)| bound == name)
            })
    }

    /// Decides the text of every changed file.
    pub fn fold(self) -> Result<BTreeMap<RelPath, Folded>, (RelPath, Overlap)> {
        let mut folded = BTreeMap::new();
        for (path, pending) in self.files {
            let before = Arc::clone(&pending.text);
            let what = pending.what.clone();
            let edits = pending.fold().map_err(|overlap| (path.clone(), overlap))?;
            folded.insert(
                path,
                Folded {
                    before,
                    edits,
                    what,
                },
            );
        }
        Ok(folded)
    }

    fn python(&mut self, file: &RelPath, module: &Arc<Module>, what: &str) -> &mut Pending {
        let pending = self.files.entry(file.clone()).or_default();
        pending.module.get_or_insert_with(|| Arc::clone(module));
        pending.text = Arc::clone(&module.text);
        pending.say(what);
        pending
    }
}

impl Pending {
    fn say(&mut self, what: &str) {
        if self.what.iter().all(|have| have != what) {
            self.what.push(what.to_owned());
        }
    }

    fn fold(self) -> Result<EditSet, Overlap> {
        let mut edits = EditSet::default();
        for edit in together(self.edits) {
            edits.add(edit)?;
        }
        let Some(module) = self.module else {
            return Ok(edits);
        };
        for (container, items) in self.items.into_values() {
            for edit in container.append(&module, &items) {
                edits.add(edit)?;
            }
        }
        for (anchor, mut definitions) in self.definitions {
            definitions.sort_by_key(|(rank, _)| *rank);
            let texts: Vec<String> = definitions.into_iter().map(|(_, text)| text).collect();
            let begun = edits
                .iter()
                .rfind(|edit| edit.span().start == module.text.len());
            let edit = place(&module, anchor, &texts, begun);
            edits.add(edit)?;
        }
        Ok(edits)
    }
}
