//! The tasks a service declares, and those that a router over everything would take off their queues. Pure.

use std::sync::Arc;

use crate::edit::Span;
use crate::facts::app::makes_app;
use crate::facts::scope::expressions;
use crate::facts::service::{Meaning, Service};
use crate::facts::text::contains;
use crate::facts::value::keyword;
use crate::finding::Place;
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, Keyword, Module, Stmt, StmtKind, walk};

/// What the service's code says of its tasks.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Tasks {
    /// Every function that is a task.
    pub declared: Vec<Task>,
    /// Where a task or a call names its own queue, exchange or routing key.
    pub routed: Vec<Place>,
    /// Names of apps, in `Celery('orders')`: tasks of a module run as a script are called by them.
    pub apps: Vec<Task>,
    /// Outermost packages: a task that is written into one is called by it.
    pub packages: Vec<Task>,
}

/// A Celery task, or what names its tasks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// Its name on the broker, as written or as Celery makes it.
    pub name: String,
    /// The decorator, the app's name, or the package's file.
    pub place: Place,
}

impl Tasks {
    /// The tasks of a service.
    pub fn read(service: &Service<'_>) -> Self {
        let mut found = Self::default();
        for file in service.python() {
            let Some(bytes) = service.tree.bytes(file) else {
                continue;
            };
            let words = [
                "task",
                "Task",
                "queue=",
                "'queue'",
                "\"queue\"",
                "queue =",
                "exchange=",
                "routing_key",
                "Celery(",
            ];
            if !words.iter().any(|word| contains(&bytes, word)) {
                continue;
            }
            if let Some(module) = service.module(file) {
                found.scan(service, file, &module);
            }
        }
        found.packages = packages(service);
        found
    }

    fn scan(&mut self, service: &Service<'_>, file: &RelPath, module: &Arc<Module>) {
        let place = |span: Span| Place {
            path: file.clone(),
            span: Some(span),
        };
        let dotted = crate::facts::app::module_name(service, file).unwrap_or_default();
        walk(&module.body, &mut |stmt| match &stmt.kind {
            StmtKind::Function {
                name, decorators, ..
            } => {
                for decorator in decorators {
                    if let Some(keywords) = task_decorator(service, file, decorator) {
                        let given = keyword(keywords, "name").and_then(Expr::string);
                        let made = || {
                            format!("{dotted}.{}", name.text)
                                .trim_start_matches('.')
                                .to_owned()
                        };
                        self.declared.push(Task {
                            name: given.unwrap_or_else(made),
                            place: place(decorator.span),
                        });
                        self.routed.extend(routing(keywords).map(place));
                    }
                }
            }
            StmtKind::Class { bases, body, .. } if is_task_class(bases) => {
                self.routed.extend(class_routing(body).map(place));
                self.declared
                    .extend(class_name(body).map(|(name, span)| Task {
                        name,
                        place: place(span),
                    }));
            }
            _ => {}
        });
        expressions(&module.body, &mut |expr| {
            self.apps
                .extend(app_name(service, file, expr).map(|(name, span)| Task {
                    name,
                    place: place(span),
                }));
            self.routed
                .extend(call_routing(expr).into_iter().map(place));
        });
    }
}

fn packages(service: &Service<'_>) -> Vec<Task> {
    let files = service.python();
    files
        .filter(|file| file.file_name() == "__init__.py")
        .filter_map(|file| {
            let name = service.roots.dotted(file)?;
            let place = Place {
                path: file.clone(),
                span: None,
            };
            (!name.contains('.')).then_some(Task { name, place })
        })
        .collect()
}

/// The keywords of a decorator that makes a task: `@app.task`, `@shared_task(…)`, `@periodic_task(…)`.
fn task_decorator<'a>(
    service: &Service<'_>,
    file: &RelPath,
    decorator: &'a Expr,
) -> Option<&'a [Keyword]> {
    let (function, keywords) = match &decorator.kind {
        ExprKind::Call {
            function, keywords, ..
        } => (&**function, keywords.as_slice()),
        _ => (decorator, &[][..]),
    };
    let dotted = function.dotted()?;
    let last = dotted.rsplit('.').next()?;
    if !["task", "shared_task", "periodic_task"].contains(&last) {
        return None;
    }
    let is_celery = match service.meaning(file, &dotted) {
        Some(Meaning::Library(name)) => {
            let top = name.split('.').next().unwrap_or_default();
            // `app.task` of an app that is not ours to see, but not invoke's or locust's `task`.
            ["celery", "djcelery"].contains(&top) || name.matches('.').count() > 1
        }
        Some(Meaning::Module(_)) => false,
        Some(Meaning::Bound { .. }) | None => dotted.contains('.') || last == "shared_task",
    };
    is_celery.then_some(keywords)
}

/// The name in `Celery('orders')`.
fn app_name(service: &Service<'_>, file: &RelPath, expr: &Expr) -> Option<(String, Span)> {
    let ExprKind::Call { args, keywords, .. } = &expr.kind else {
        return None;
    };
    let argument = args.first().or_else(|| keyword(keywords, "main"))?;
    let name = argument.string()?;
    makes_app(service, file, expr).map(|_| (name, argument.span))
}

fn is_task_class(bases: &[Expr]) -> bool {
    bases
        .iter()
        .any(|base| base.dotted().is_some_and(|dotted| dotted.ends_with("Task")))
}

const ROUTING: [&str; 3] = ["queue", "exchange", "routing_key"];

/// The keywords that send a task elsewhere than its default.
fn routing(keywords: &[Keyword]) -> impl Iterator<Item = Span> + '_ {
    keywords.iter().filter_map(|keyword| {
        let name = keyword.name.as_deref()?;
        (ROUTING.contains(&name) && keyword.value.kind != ExprKind::None).then_some(keyword.span)
    })
}

/// `queue = 'mail'` in a task class.
fn class_routing(body: &[Stmt]) -> impl Iterator<Item = Span> + '_ {
    body.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Assign { targets, value, .. } => {
            let named = targets
                .iter()
                .any(|target| target.name().is_some_and(|name| ROUTING.contains(&name)));
            (named && value.kind != ExprKind::None).then_some(stmt.span)
        }
        _ => None,
    })
}

/// `name = 'orders.mail'` in a task class.
fn class_name(body: &[Stmt]) -> Option<(String, Span)> {
    body.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::Assign { targets, value, .. } => {
            let named = targets.iter().any(|target| target.name() == Some("name"));
            Some((value.string().filter(|_| named)?, stmt.span))
        }
        _ => None,
    })
}

/// Where a call names a queue: `t.apply_async(queue='mail')`, `send_task('x', queue='mail')`,
/// `t.s().set(queue='mail')`; and beat's `'options': {'queue': 'mail'}`.
fn call_routing(expr: &Expr) -> Vec<Span> {
    const CALLS: [&str; 8] = [
        "apply_async",
        "send_task",
        "signature",
        "subtask",
        "set",
        "retry",
        "task_from_fun",
        "add_periodic_task",
    ];
    match &expr.kind {
        ExprKind::Call {
            function, keywords, ..
        } => {
            let last = match &function.kind {
                ExprKind::Attribute { name, .. } => &name.text,
                ExprKind::Name(name) => name,
                _ => return Vec::new(),
            };
            if CALLS.contains(&last.as_str()) {
                routing(keywords).collect()
            } else {
                Vec::new()
            }
        }
        ExprKind::Dict(items) => items
            .iter()
            .filter(|(key, _)| key.as_ref().and_then(Expr::string).as_deref() == Some("options"))
            .flat_map(|(_, value)| dict_routing(value))
            .collect(),
        _ => Vec::new(),
    }
}

fn dict_routing(options: &Expr) -> Vec<Span> {
    match &options.kind {
        ExprKind::Dict(items) => items
            .iter()
            .filter_map(|(key, value)| {
                let key = key.as_ref()?;
                let named = ROUTING.contains(&key.string()?.as_str());
                named.then(|| Span::new(key.span.start, value.span.end.max(key.span.start)))
            })
            .collect(),
        ExprKind::Call { keywords, .. } => routing(keywords).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn tasks(file: &str, source: &str) -> Tasks {
        let tree = Tree::memory([(RelPath::parse(file).unwrap(), source.as_bytes().to_vec())]);
        Tasks::read(&Service::read(&tree))
    }

    fn routed(source: &str) -> usize {
        tasks("a.py", source).routed.len()
    }

    #[test]
    fn every_decorator_declares() {
        let source = "from celery import shared_task\nfrom celery.task import task, periodic_task as p\nfrom x import app\n@shared_task\ndef a(): pass\n@task()\ndef b(): pass\n@app.task(name='n')\ndef c(): pass\n";
        let names: Vec<_> = tasks("a.py", source)
            .declared
            .into_iter()
            .map(|task| task.name)
            .collect();
        assert_eq!(names, ["a.a", "a.b", "n"]);
        assert!(
            tasks("a.py", "from invoke import task\n@task\ndef a(): pass\n")
                .declared
                .is_empty()
        );
    }

    #[test]
    fn explicit_queues_are_seen() {
        assert_eq!(routed("@app.task(queue='mail')\ndef a(): pass\n"), 1);
        assert_eq!(routed("t.apply_async(args=[], queue='mail')\n"), 1);
        assert_eq!(
            routed("app.send_task('x', exchange='e', routing_key='k')\n"),
            2
        );
        assert_eq!(routed("t.s(1).set(queue=q)\n"), 1);
        assert_eq!(routed("class T(Task):\n    queue = 'mail'\n"), 1);
        assert_eq!(
            routed("B = {'x': {'task': 't', 'options': {'queue': 'mail'}}}\n"),
            1
        );
    }

    #[test]
    fn other_queues_are_none_of_ours() {
        assert_eq!(routed("Queue('a', exchange=e, routing_key='a')\n"), 0);
        assert_eq!(routed("t.apply_async(queue=None)\n"), 0);
        assert_eq!(routed("R = {'t': {'queue': 'a'}}\n"), 0);
    }

    #[test]
    fn apps_and_outermost_packages_name_tasks() {
        let names =
            |tasks: Vec<Task>| -> Vec<String> { tasks.into_iter().map(|task| task.name).collect() };
        let app = "from celery import Celery\nCelery('a')\nCelery(main='b')\nother('c')\n";
        assert_eq!(names(tasks("t.py", app).apps), ["a", "b"]);
        assert_eq!(names(tasks("a/__init__.py", "").packages), ["a"]);
        assert_eq!(names(tasks("a/t.py", "").packages), [""; 0]);
    }
}
