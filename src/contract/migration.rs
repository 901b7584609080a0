//! What a person does when a service moves to a contract: text, commands, and what is lost in between.

use serde::Deserialize;

use super::Contract;

/// One step. `{service}`, `{queue}` and `{exchange}` stand for the names of this service's.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Which moves need it.
    #[serde(default)]
    pub when: When,
    /// What to do, and why.
    pub say: String,
    /// The exact command.
    #[serde(default)]
    pub run: Option<String>,
    /// What is lost in between.
    #[serde(default)]
    pub loses: Option<String>,
}

/// What must differ between the two contracts for a step to be needed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Nothing: every move needs it.
    #[default]
    Always,
    /// The arguments of the events queue.
    QueueArguments,
    /// How the exchange is named.
    Exchange,
    /// Who calls the handlers: the listener or the library.
    Handlers,
    /// The package that carries emitter and router.
    Library,
}

impl Contract {
    /// The steps of a service's move from another contract to this one, a line each, in order.
    pub fn steps_from(&self, old: &Self, service: &str) -> Vec<String> {
        let needed = |step: &&Step| match step.when {
            When::Always => true,
            When::QueueArguments => self.queue_arguments != old.queue_arguments,
            When::Exchange => {
                (&self.exchange, &self.exchange_setting) != (&old.exchange, &old.exchange_setting)
            }
            When::Handlers => !self.calls_handlers_as(old),
            When::Library => self.library != old.library,
        };
        let steps = self.migration.iter().filter(needed);
        steps.map(|step| self.filled(step, service)).collect()
    }

    /// Whether handlers written for the other contract serve this one, too.
    pub fn calls_handlers_as(&self, old: &Self) -> bool {
        self.listener_needs_library == old.listener_needs_library
    }

    fn filled(&self, step: &Step, service: &str) -> String {
        let Step {
            when: _,
            say,
            run,
            loses,
        } = step;
        let mut text = say.clone();
        if let Some(run) = run {
            text = format!("{text}: `{run}`");
        }
        if let Some(loses) = loses {
            text = format!("{text}; lost in between: {loses}");
        }
        text.replace("{service}", service)
            .replace("{queue}", &format!("{service}{}", self.queue_suffix))
            .replace("{exchange}", &self.exchange)
    }
}
