//! Embedded templates to text. The only user of tera and `include_dir`. Pure.

use include_dir::{Dir, DirEntry, include_dir};
use tera::{Context, Tera};

use crate::contract::Contract;
use crate::path::RelPath;

/// What the event modules' text depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inputs {
    /// The Celery app's module, dotted.
    pub app_module: String,
    /// The variable that holds it there.
    pub app_variable: String,
    /// The handlers module, dotted.
    pub handlers_module: String,
}

/// The listener's source.
pub fn listener(contract: &Contract, inputs: &Inputs) -> String {
    let Inputs {
        app_module,
        app_variable,
        handlers_module,
    } = inputs;
    let (package, name) = handlers_module
        .rsplit_once('.')
        .unwrap_or(("", handlers_module));
    let mut context = Context::new();
    context.insert("app_module", app_module);
    context.insert("app_variable", app_variable);
    context.insert("handlers_package", package);
    context.insert("handlers_name", name);
    context.insert("event_task", &contract.event_task);
    of_contract(contract, "listener.py.tera", &context)
}

/// The handlers module's first source; the user's from then on.
pub fn handlers(contract: &Contract) -> String {
    of_contract(contract, "handlers.py.tera", &Context::new())
}

/// The files of a new service, unwired.
pub fn service(name: &str, package: &str) -> Vec<(RelPath, String)> {
    let mut context = Context::new();
    context.insert("name", name);
    context.insert("package", package);
    let folder = TEMPLATES.get_dir("service").expect("embedded");
    let mut files = Vec::new();
    collect(folder, &mut |file| {
        let path = file
            .path()
            .strip_prefix("service")
            .expect("below the folder");
        let path = path
            .to_str()
            .expect("our own names")
            .replace("__package__", package);
        let path = RelPath::parse(path.trim_end_matches(".tera")).expect("below the root");
        files.push((
            path,
            text(file.contents_utf8().expect("our own text"), &context),
        ));
    });
    files.sort();
    files
}

/// Every embedded contract as (line, version), sorted.
pub fn contract_folders() -> Vec<(String, String)> {
    let lines = TEMPLATES.get_dir("contracts").expect("embedded").dirs();
    let mut found: Vec<(String, String)> = lines
        .flat_map(|line| {
            line.dirs()
                .map(move |version| (name_of(line), name_of(version)))
        })
        .collect();
    found.sort();
    found
}

/// A file of an embedded contract.
pub fn contract_file(id: &str, name: &str) -> Option<&'static str> {
    let (line, version) = id.split_once('@')?;
    TEMPLATES
        .get_file(format!("contracts/{line}/{version}/{name}"))?
        .contents_utf8()
}

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

fn of_contract(contract: &Contract, name: &str, context: &Context) -> String {
    let template = contract_file(&contract.id, name).expect("every contract has both modules");
    text(template, context)
}

fn text(template: &str, context: &Context) -> String {
    Tera::one_off(template, context, false).expect("a test renders every template")
}

fn name_of(folder: &Dir<'_>) -> String {
    folder
        .path()
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn collect<'d>(folder: &'d Dir<'d>, visit: &mut dyn FnMut(&'d include_dir::File<'d>)) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(inner) => collect(inner, visit),
            DirEntry::File(file) => visit(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_renders() {
        let contract = crate::contract::find(crate::contract::DEFAULT).unwrap();
        let inputs = Inputs {
            app_module: "orders.celery".into(),
            app_variable: "app".into(),
            handlers_module: "orders.tasks.microservice_events".into(),
        };
        assert!(listener(&contract, &inputs).contains("from orders.celery import app\n"));
        assert!(handlers(&contract).starts_with("\"\"\""));
        assert!(
            service("demo", "demo")
                .iter()
                .any(|(path, _)| path.as_str() == "demo/settings.py")
        );
    }
}
