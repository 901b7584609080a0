//! One file per thing to ensure: a table of plain functions from facts to fixes and findings. Pure.

pub mod bound;
pub mod broker;
pub mod conditions;
mod constructor;
pub mod contract_choice;
pub mod default_queue;
pub mod element;
pub mod elsewhere;
pub mod exports;
pub mod hazards;
pub mod imports;
pub mod library;
pub mod modules;
pub mod names;
pub mod overrides;
pub mod own_contract;
pub mod queues;
pub mod recognise;
pub mod requirements;
pub mod route_choice;
pub mod routes;
pub mod service_name;
pub mod spelling;
pub mod unread;
pub mod url_literal;

use crate::celery::Setting;
use crate::config::{Config, Route};
use crate::contract::Contract;
use crate::draft::{Draft, Rank};
use crate::facts::Facts;
use crate::facts::settings::{Home, Settings};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::insert::Item;
use crate::python::style::quote_at;
use crate::python::syntax::Module;
use crate::tree::Tree;

/// Everything a rule may ask.
pub struct Context<'t> {
    /// The service's files.
    pub tree: &'t Tree,
    /// What the service is.
    pub facts: &'t Facts,
    /// Where its settings are.
    pub settings: Settings<'t>,
    /// What it is to be wired to.
    pub contract: &'t Contract,
    /// The contract that it was wired to before, where it moves from one to another.
    pub from: Option<&'t Contract>,
    /// What the user decided.
    pub config: &'t Config,
    /// The service's name on the bus.
    pub name: String,
    /// Never [`Route::Auto`]: what it came to.
    pub route: Route,
    /// Queues are quorum queues by default.
    pub quorum: bool,
}

/// Ensures one thing. An error is a refusal: it says why this thing cannot be done for this service.
pub type Rule = fn(&Context<'_>, &mut Draft) -> Result<(), Finding>;

/// What makes a service wired, in the order of the report.
pub const RULES: [Rule; 13] = [
    elsewhere::refuse,
    spelling::report,
    service_name::report,
    library::ensure,
    queues::ensure,
    bound::ensure,
    routes::ensure,
    imports::ensure,
    broker::ensure,
    modules::ensure,
    overrides::report,
    hazards::report,
    exports::ensure,
];

impl Context<'_> {
    /// Whether the contract's router sends ordinary tasks too.
    pub fn routed_by_router(&self) -> bool {
        self.route == Route::Router
    }

    /// A line that sets a setting in the service's own form, for a person to write.
    pub fn line(&self, setting: Setting, value: &str) -> String {
        let name = self.settings.dialect.spell(setting);
        statement(&self.settings.home, &name, &format!("'{name}'"), value)
    }

    /// Reads what is there by meaning.
    pub fn reader(&self) -> recognise::Reader<'_, '_> {
        recognise::Reader {
            settings: &self.settings,
            contract: self.contract,
            service: &self.name,
            quorum: self.quorum,
        }
    }

    /// Whether `from module import *` in `file` binds `name`.
    pub fn star_binds(
        &self,
        file: &RelPath,
        module: Option<&str>,
        level: usize,
        name: &str,
    ) -> bool {
        let targets = self.settings.whole(file, module, level);
        targets
            .iter()
            .any(|target| self.settings.binds(target, name))
    }
}

/// Writes a setting that is absent, in the service's own form.
pub fn define(
    context: &Context<'_>,
    draft: &mut Draft,
    scope: &names::Scope,
    setting: Setting,
    rank: Rank,
    value: &Item,
    what: &str,
) -> Result<(), Finding> {
    let name = context.settings.dialect.spell(setting);
    let text = value.block.as_ref().unwrap_or(&value.flat);
    let home = &context.settings.home;
    let quoted = quoted(&scope.module, scope.before, &name);
    match home {
        Home::Keys(..) => return define_key(context, draft, scope, &name, value, what),
        Home::Members { object, .. } => {
            if let Some(update) = names::update_call(&scope.module, object) {
                element::is_read(&scope.file, &scope.module, update.span)?;
                let key = if update.dict.is_some() {
                    format!("{quoted}: ")
                } else {
                    format!("{name}=")
                };
                let item = keyed(&key, value);
                draft.append_to(
                    &scope.file,
                    &scope.module,
                    update.span,
                    update.container,
                    item,
                    what,
                );
                return Ok(());
            }
        }
        Home::Names(_) | Home::Class(..) => {}
    }
    let statement = statement(home, &name, &quoted, text);
    draft.define(
        &scope.file,
        &scope.module,
        scope.anchor,
        rank,
        statement,
        what,
    );
    Ok(())
}

/// The statement that binds a setting where the settings are.
fn statement(home: &Home, name: &str, quoted: &str, value: &str) -> String {
    match home {
        Home::Names(_) | Home::Class(..) => format!("{name} = {value}"),
        Home::Members {
            object,
            items: false,
            ..
        } => format!("{object}.{name} = {value}"),
        Home::Keys(_, object) | Home::Members { object, .. } => {
            format!("{object}[{quoted}] = {value}")
        }
    }
}

/// A value behind its key, flat or broken.
fn keyed(key: &str, value: &Item) -> Item {
    Item {
        flat: format!("{key}{}", value.flat),
        block: value.block.as_ref().map(|block| format!("{key}{block}")),
    }
}

/// A new key in every live dict of settings.
fn define_key(
    context: &Context<'_>,
    draft: &mut Draft,
    scope: &names::Scope,
    key: &str,
    value: &Item,
    what: &str,
) -> Result<(), Finding> {
    let Home::Keys(_, dict) = &context.settings.home else {
        return Ok(());
    };
    let item = keyed(
        &format!("{}: ", quoted(&scope.module, scope.before, key)),
        value,
    );
    for site in context.settings.named(std::slice::from_ref(dict))? {
        element::outside_errors(&site, site.top)?;
        let appended = match &site.value {
            Some(value) => draft.append_setting(&site.file, &site.module, value, key, &item, what),
            None => false,
        };
        if !appended {
            return Err(Finding::refusal(
                "settings-dict-computed",
                format!("`{dict}` is no dict literal"),
            )
            .at(&site.file, site.stmt)
            .help(format!("write `{dict} = {{…}}`, then run again")));
        }
    }
    Ok(())
}

/// A string literal in the quotes of its neighbours at `at`.
pub fn quoted(module: &Module, at: usize, text: &str) -> String {
    let quote = quote_at(module, at);
    let escaped = text
        .replace('\\', "\\\\")
        .replace(quote, &format!("\\{quote}"));
    format!("{quote}{escaped}{quote}")
}
