//! What code puts on an app's `conf`, wherever in the service it stands. Pure.

use crate::celery::Setting;
use crate::edit::Span;
use crate::facts::app::{Candidate, makes_app};
use crate::facts::scope::level;
use crate::facts::service::{Meaning, Service};
use crate::finding::Place;
use crate::path::RelPath;
use crate::python::bindings::keyword_or_key;
use crate::python::syntax::{Expr, ExprKind, Stmt, StmtKind};

/// `app.conf.task_queues = …`, `app.conf['task_queues'] = …`, `app.conf.update(task_queues=…)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// What it sets.
    pub setting: Setting,
    /// On what, as written: `app.conf`.
    pub object: String,
    /// The statement.
    pub place: Place,
}

/// Every such statement, but for those that surely set another app than this one. Where the app comes in
/// as an argument, we cannot tell and take it for this one.
pub fn writes(service: &Service<'_>, app: &Candidate) -> Vec<Write> {
    let mut found = Vec::new();
    for (file, module) in service.mentioning(".conf") {
        let mut scan = Scan {
            service,
            app,
            file,
            other_apps: Vec::new(),
            aliases: Vec::new(),
            found: &mut found,
        };
        scan.local(&module.body);
        scan.block(&module.body);
    }
    found
}

struct Scan<'s, 'm> {
    service: &'s Service<'s>,
    app: &'s Candidate,
    file: &'s RelPath,
    /// Local variables of the functions around, that hold an app of their own.
    other_apps: Vec<&'m str>,
    /// Names for what they stand for: `conf` for `app.conf`.
    aliases: Vec<(&'m str, &'m Expr)>,
    found: &'s mut Vec<Write>,
}

impl<'m> Scan<'_, 'm> {
    fn block(&mut self, block: &'m [Stmt]) {
        for stmt in block {
            self.statement(stmt);
            let outside = (self.other_apps.len(), self.aliases.len());
            if let StmtKind::Function { body, .. } = &stmt.kind {
                self.own_apps(body);
                self.local(body);
            }
            for inner in stmt.blocks() {
                self.block(inner);
            }
            self.other_apps.truncate(outside.0);
            self.aliases.truncate(outside.1);
        }
    }

    fn own_apps(&mut self, body: &'m [Stmt]) {
        level(body, &mut |stmt| {
            if let StmtKind::Assign { targets, value, .. } = &stmt.kind
                && makes_app(self.service, self.file, value).is_some()
            {
                self.other_apps
                    .extend(targets.iter().filter_map(Expr::name));
            }
        });
    }

    /// `conf = app.conf`
    fn local(&mut self, body: &'m [Stmt]) {
        level(body, &mut |stmt| {
            if let StmtKind::Assign { targets, value, .. } = &stmt.kind
                && let ExprKind::Attribute { name, .. } = &value.kind
                && name.text == "conf"
            {
                let names = targets.iter().filter_map(Expr::name);
                self.aliases.extend(names.map(|name| (name, value)));
            }
        });
    }

    fn statement(&mut self, stmt: &'m Stmt) {
        for setting in Setting::ALL {
            let names = [setting.lower().to_owned(), setting.old().to_owned()];
            let holder = match &stmt.kind {
                StmtKind::Assign { targets, .. } => {
                    targets.iter().find_map(|target| member(target, &names))
                }
                StmtKind::Augment { target, .. } => member(target, &names),
                StmtKind::Expr { value } => updated(value, &names),
                _ => None,
            };
            let holder = holder.map(|holder| self.behind(holder));
            if let Some(holder) = holder.filter(|holder| self.is_ours(holder)) {
                self.found.push(self.write(setting, holder, stmt.span));
            }
        }
    }

    fn behind(&self, holder: &'m Expr) -> &'m Expr {
        let mut aliases = self.aliases.iter().rev();
        let alias = aliases.find(|(name, _)| holder.name() == Some(name));
        alias.map_or(holder, |(_, value)| value)
    }

    fn write(&self, setting: Setting, holder: &Expr, span: Span) -> Write {
        Write {
            setting,
            object: holder.dotted().unwrap_or_default(),
            place: Place {
                path: self.file.clone(),
                span: Some(span),
            },
        }
    }

    /// Whether this is, or may be, the `conf` of our app.
    fn is_ours(&self, holder: &Expr) -> bool {
        let ExprKind::Attribute { value, name } = &holder.kind else {
            return false;
        };
        if name.text != "conf" || value.name().is_some_and(|it| self.other_apps.contains(&it)) {
            return false;
        }
        match self.service.meaning_of(self.file, value) {
            Some(Meaning::Bound { file, name }) => {
                (file, name) == (self.app.file.clone(), self.app.variable.clone())
            }
            Some(Meaning::Library(_) | Meaning::Module(_)) | None => true,
        }
    }
}

/// `HOLDER` of `HOLDER.name` and `HOLDER['name']`.
fn member<'e>(target: &'e Expr, names: &[String]) -> Option<&'e Expr> {
    match &target.kind {
        ExprKind::Attribute { value, name } => names.contains(&name.text).then_some(value),
        ExprKind::Subscript { value, index } => {
            let key = index.string()?;
            names.contains(&key).then_some(value)
        }
        _ => None,
    }
}

/// `HOLDER` of `HOLDER.update(name=…)`, `HOLDER.update({'name': …})` and `setattr(HOLDER, 'name', …)`.
fn updated<'e>(call: &'e Expr, names: &[String]) -> Option<&'e Expr> {
    let ExprKind::Call {
        function,
        args,
        keywords,
        ..
    } = &call.kind
    else {
        return None;
    };
    if let (Some("setattr"), [holder, name, _]) = (function.name(), args.as_slice()) {
        return names.contains(&name.string()?).then_some(holder);
    }
    let ExprKind::Attribute { value, name } = &function.kind else {
        return None;
    };
    keyword_or_key(args, keywords, names).filter(|_| name.text == "update")?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::facts::app::find;
    use crate::tree::Tree;

    const APP: &str = "from celery import Celery\napp = Celery('p')\n";

    /// What is set by `text` in a module beside the app's.
    fn set_by(text: &str) -> Vec<Setting> {
        let file = |path: &str, text: &str| (RelPath::parse(path).unwrap(), text.into());
        let tree = Tree::memory([file("p/app.py", APP), file("p/more.py", text)]);
        let service = Service::read(&tree);
        let config = Config {
            celery_app: crate::config::values::celery_app("p.app:app").ok(),
            ..Config::default()
        };
        let app = find(&service, &config).unwrap();
        let writes = writes(&service, &app);
        writes.into_iter().map(|write| write.setting).collect()
    }

    #[test]
    fn every_spelling_of_a_write_is_seen() {
        for text in [
            "from p.app import app\napp.conf.task_queues = ()\n",
            "from p import app as m\nm.app.conf['CELERY_QUEUES'] = ()\n",
            "def f(celery):\n    celery.conf.update(task_queues=())\n",
            "def f(celery):\n    if celery:\n        celery.conf.update({'task_queues': ()})\n",
            "class C:\n    def f(self):\n        self.app.conf.task_queues += ()\n",
            "from celery import current_app\ncurrent_app.conf.task_queues = ()\n",
            "from p.app import app\nconf = app.conf\nconf.task_queues = ()\n",
            "def f(celery):\n    conf = celery.conf\n    conf.update(task_queues=())\n",
            "def f(celery):\n    setattr(celery.conf, 'task_queues', ())\n",
        ] {
            assert_eq!(set_by(text), [Setting::TaskQueues], "{text}");
        }
    }

    #[test]
    fn other_settings_other_apps_and_readers_are_none() {
        for text in [
            "from p.app import app\napp.conf.timezone = 'UTC'\n",
            "from p.app import app\nprint(app.conf.task_queues)\n",
            "from celery import Celery\nother = Celery('o', set_as_current=False)\ndef f():\n    other.conf.imports = ()\n",
            "from celery import Celery\ndef f():\n    local = Celery('o')\n    local.conf.imports = ()\n    return 1\n",
            "from celery import Celery\ndef f(x):\n    if x:\n        local = Celery('o')\n        local.conf.imports = ()\n",
            "def f(flask):\n    flask.config['CELERY_QUEUES'] = ()\n",
        ] {
            assert_eq!(set_by(text), [], "{text}");
        }
    }
}
