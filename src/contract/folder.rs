//! A service's own contract: a folder of data and templates, read through the tree and believed in nothing.

use super::{Contract, FILE, Files, Invalid, TEMPLATES};
use crate::edit::Span;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::tree::{Entry, Tree};

/// The contract in a folder of the service.
pub(super) fn read(tree: &Tree, folder: &str) -> Result<Contract, Finding> {
    let folder = RelPath::parse(folder).ok_or_else(|| outside(folder))?;
    match tree.entry(&folder) {
        Entry::Directory => {}
        Entry::Missing => return Err(missing(&folder)),
        Entry::Outside => return Err(link(&folder)),
        Entry::File(_) | Entry::TooLarge(_) | Entry::Special(_) | Entry::Unreadable(_) => {
            return Err(invalid("this is no folder", &folder));
        }
    }
    let files = files(tree, &folder)?;
    let contract = contract(&folder, &files)?;
    for name in TEMPLATES {
        let path = RelPath::root().join(name);
        let Some(bytes) = files.get(&path) else {
            let what = format!("this contract has no template `{name}`");
            return Err(invalid(&what, &folder).help(format!(
                "write {}: docs/contracts.md shows one",
                folder.join(name)
            )));
        };
        stands_alone(&folder.join(name), bytes)?;
    }
    Ok(Contract {
        files,
        folder: Some(folder),
        ..contract
    })
}

/// A finding at a key of a contract's own file.
pub(super) fn at_key(contract: &Contract, key: &str, why: &str) -> Finding {
    let text = contract.template(FILE).unwrap_or_default();
    let Invalid { why, span } = Invalid::at_key(text, key, why.to_owned());
    located(&contract.folder.clone().unwrap_or_default(), &why, span)
}

/// Every file of the folder, none of them anything but data, a template, or words on them.
fn files(tree: &Tree, folder: &RelPath) -> Result<Files, Finding> {
    let mut files = Files::new();
    for (name, is_directory) in tree.list(folder) {
        let path = folder.join(&name);
        let known = name == FILE || name == "README.md" || TEMPLATES.contains(&name.as_str());
        if tree.real(&path).is_none_or(|real| real != path) {
            return Err(link(&path));
        }
        if is_directory || !known {
            return Err(invalid("a contract has no such file", &path).help(format!(
                "it holds {FILE}, {} and perhaps README.md: move this elsewhere",
                TEMPLATES.join(", ")
            )));
        }
        match tree.entry(&path) {
            Entry::File(bytes) => files.insert(RelPath::root().join(&name), bytes.to_vec()),
            _ => return Err(invalid("this file cannot be read", &path)),
        };
    }
    Ok(files)
}

fn contract(folder: &RelPath, files: &Files) -> Result<Contract, Finding> {
    let Some(bytes) = files.get(&RelPath::root().join(FILE)) else {
        return Err(invalid(&format!("this folder has no {FILE}"), folder)
            .help("docs/contracts.md says what stands in it"));
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| not_text(&folder.join(FILE), error.valid_up_to()))?;
    Contract::parse("", text).map_err(|Invalid { why, span }| located(folder, &why, span))
}

/// Tags that reach out of a template; and a macro in a macro, which may go round for ever.
fn stands_alone(path: &RelPath, bytes: &[u8]) -> Result<(), Finding> {
    let text = std::str::from_utf8(bytes).map_err(|error| not_text(path, error.valid_up_to()))?;
    let mut in_macro = false;
    for (at, _) in text.match_indices("{%") {
        let tag = text[at + 2..].trim_start_matches(['-', ' ', '\t', '\r', '\n']);
        let word = tag.split(|c: char| !c.is_ascii_alphabetic()).next();
        let end = text[at..].find("%}").map_or(text.len(), |end| at + end + 2);
        match word.unwrap_or_default() {
            "include" | "extends" | "import" => {
                return Err(template(
                    path,
                    Span::new(at, end),
                    "a template stands alone",
                ));
            }
            "macro" => in_macro = true,
            "endmacro" => in_macro = false,
            _ => {}
        }
        let next = text[end..].find("{%").map_or(text.len(), |next| end + next);
        if in_macro && let Some(call) = text[at..next].find("self::") {
            let span = Span::new(at + call, at + call + "self::".len());
            return Err(template(path, span, "a macro calls no macro"));
        }
    }
    Ok(())
}

fn template(path: &RelPath, span: Span, why: &str) -> Finding {
    Finding::refusal("contract-template", why)
        .at(path, span)
        .help("write its text out here")
}

fn located(folder: &RelPath, why: &str, span: Option<Span>) -> Finding {
    let finding = Finding::refusal("contract-invalid", format!("this is no contract: {why}"));
    let path = folder.join(FILE);
    let finding = match span {
        Some(span) => finding.at(&path, span),
        None => finding.in_file(&path),
    };
    finding.help("docs/contracts.md lists the keys")
}

fn not_text(path: &RelPath, at: usize) -> Finding {
    Finding::refusal("contract-invalid", "this is no UTF-8 text")
        .at(path, Span::new(at, at + 1))
        .help("save it as UTF-8")
}

fn invalid(what: &str, path: &RelPath) -> Finding {
    Finding::refusal("contract-invalid", what).in_file(path)
}

fn missing(folder: &RelPath) -> Finding {
    let message = format!("there is no contract `{folder}`: no folder of that name in the service");
    Finding::refusal("contract-folder-missing", message)
        .help("`scaffold-events contracts` lists those that need no folder")
}

fn link(path: &RelPath) -> Finding {
    invalid("a contract has no symbolic links", path).help("copy what it points to in its place")
}

fn outside(folder: &str) -> Finding {
    let message = format!("the contract `{folder}` is outside the service");
    Finding::refusal("contract-invalid", message)
        .help("copy the folder into the service, and name it from the service's root")
}
