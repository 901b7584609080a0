//! A settings module that lists its names in `__all__`: ours belong there too.

use super::Context;
use crate::draft::Draft;
use crate::facts::settings::Home;
use crate::finding::Finding;
use crate::python::insert::Item;
use crate::python::syntax::Expr;

const ALL: &str = "__all__";

/// Adds every name that the draft defines in a module to that module's `__all__`.
pub fn ensure(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    // The app's own module reads what it defines itself.
    if let Home::Members { .. } = context.settings.home {
        return Ok(());
    }
    for (file, names) in draft.defined_names() {
        let Some(site) = context.settings.in_file(&file, &[ALL.to_owned()])?.pop() else {
            continue;
        };
        let Some(literal) = site.value.as_ref() else {
            continue;
        };
        let listed: Vec<String> = super::element::held(&site)
            .into_iter()
            .filter_map(Expr::string)
            .collect();
        for name in names.into_iter().filter(|name| !listed.contains(name)) {
            let item = Item::flat(super::quoted(&site.module, site.stmt.end, &name));
            if !draft.append(&site.file, &site.module, literal, item, ALL) {
                return Err(Finding::refusal(
                    "exports-computed",
                    "`__all__` is computed: our names would not be exported",
                )
                .at(&site.file, site.stmt)
                .help(format!(
                    "add '{name}' to `__all__`, or write it as a list, then run again"
                )));
            }
        }
    }
    Ok(())
}
