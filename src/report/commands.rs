//! Our own commands as a person types them from where they are.

use super::Outcome;
use super::source::masked;

/// Those that take a service.
const VERBS: [&str; 6] = ["init", "sync", "check", "diff", "remove", "doctor"];

impl Outcome {
    /// Help lines, with the service in each command that they name.
    pub(super) fn helps(&self, help: &[String]) -> Vec<String> {
        let for_service = |text: String, verb: &str| {
            let named = format!("`scaffold-events {verb}");
            text.replace(&named, &format!("`{}", self.command(verb)))
        };
        help.iter()
            .map(|help| masked(&VERBS.into_iter().fold(help.clone(), for_service)))
            .collect()
    }

    /// What to type for this service.
    pub(super) fn command(&self, verb: &str) -> String {
        if self.is_here() {
            return format!("scaffold-events {verb}");
        }
        format!("scaffold-events {verb} {}", self.quoted())
    }

    /// The service's path as a shell takes it.
    pub(super) fn quoted(&self) -> String {
        let quoted = shlex::try_quote(&self.service);
        quoted.map_or_else(|_| self.service.clone(), std::borrow::Cow::into_owned)
    }
}
