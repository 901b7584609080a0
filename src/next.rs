//! What a person does after `init`, in order. Pure text.

use crate::rules::Context;

/// The deploy order and the next commands.
pub fn steps(context: &Context<'_>) -> Vec<String> {
    let old = context.from;
    let mut steps = old.map_or(Vec::new(), |old| {
        context.contract.steps_from(old, &context.name)
    });
    steps.extend([
        "look at `git diff`, and commit it with the two scaffold-events files".to_owned(),
        format!(
            "write a handler: a function named after its event in {}",
            context
                .facts
                .layout
                .directory
                .join(&format!("{}.py", context.contract.handlers_module))
        ),
    ]);
    if context.routed_by_router() {
        steps.push("deploy workers before producers: the router sends ordinary tasks to an exchange that workers declare".to_owned());
    } else {
        steps.push(
            "deploy workers first: an event sent before a worker has declared the exchange is lost"
                .to_owned(),
        );
    }
    steps.push(format!("celery -A {} worker", context.facts.app.name()));
    steps.push("scaffold-events check".to_owned());
    steps
}
