//! Imports go one way: a module uses only those of lower layers.
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads the program's source"
)]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// From what knows nothing to what knows everything. Those of one layer do not know each other.
const LAYERS: &[&[&str]] = &[
    &["newline", "path", "edit", "standing"],
    &["finding", "merge", "python", "templates", "url"],
    &["change", "lock", "tree", "verify"],
    &["config", "draft"],
    &["celery", "contract"],
    &["facts", "render"],
    &["rules"],
    &["next"],
    &["plan"],
    &["apply", "doctor", "report", "scaffold"],
    &["unwire"],
    &["sync"],
    &["init"],
    &["cli"],
];

#[test]
fn imports_go_one_way() {
    let modules = modules();
    let known: BTreeSet<&str> = LAYERS.concat().into_iter().collect();
    for (module, imported) in &modules {
        assert!(known.contains(&**module), "{module} is in no layer");
        for other in imported {
            assert!(
                known.contains(&**other),
                "{module} uses {other}, which is in no layer"
            );
            assert!(
                layer(other) < layer(module),
                "{module} uses {other}, which is not below it"
            );
        }
    }
    assert_eq!(
        modules.len(),
        known.len(),
        "a layer names what is not there"
    );
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The crate's top modules, each with those that its code names.
fn modules() -> Vec<(String, BTreeSet<String>)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut names: BTreeSet<String> = BTreeSet::new();
    for entry in fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        names.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
    }
    for not_a_module in ["lib", "main"] {
        names.remove(not_a_module);
    }
    let files = |name: &String| {
        let of_module = [source.join(name), source.join(name).with_extension("rs")];
        let walk = of_module.into_iter().flat_map(walkdir::WalkDir::new);
        let paths = walk.flatten().map(walkdir::DirEntry::into_path);
        paths.filter(|path| path.is_file() && !path.ends_with("tests.rs"))
    };
    let imported = |name: &String| -> BTreeSet<String> {
        let text = |path| fs::read_to_string(path).unwrap();
        let mut all: BTreeSet<String> = files(name).flat_map(|path| used(&text(path))).collect();
        all.remove(name);
        all
    };
    names
        .iter()
        .map(|name| (name.clone(), imported(name)))
        .collect()
}

/// What follows `crate::` in code, but for tests and comments.
fn used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .split('\n')
        .filter(|line| !line.trim_start().starts_with("//"));
    let uses = lines.flat_map(|line| line.split("crate::").skip(1));
    let word = |rest: &str| {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .map(str::to_owned)
    };
    uses.filter_map(word).collect()
}
