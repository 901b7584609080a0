//! Doors: statements that bind names which are not spelled out, so that any name may come through. Pure.
//!
//! ```text
//! for name in dir(base):
//!     globals()[name] = getattr(base, name)
//! ```

use super::flow::Flow;
use super::scope::Scope;
use super::{Opaque, Target};
use crate::python::syntax::{Expr, ExprKind, FStringPart, Keyword, Operator, Stmt, StmtKind, walk};

/// A statement through which the target may come, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door<'a> {
    pub(super) stmt: &'a Stmt,
    pub(super) why: &'static str,
}

impl Door<'_> {
    pub(super) fn opaque(self) -> Opaque {
        super::target::opaque("bound-dynamically", self.why, self.stmt)
    }
}

const MAPPING: &str = "perhaps set through a mapping: its names are not spelled out";
const ATTRIBUTES: &str = "perhaps set by `setattr`: its names are not spelled out";
const CODE: &str = "perhaps set by `exec`: what it runs is not spelled out";
const FILES: &str = "perhaps bound in an included file: their names are not spelled out";
const CALLED: &str = "perhaps set by a call that is given the module's names";

impl<'a> Flow<'_, 'a> {
    /// The door that a simple statement opens, `top` being the outermost statement around it.
    pub(super) fn door(&self, stmt: &'a Stmt, top: &'a Stmt) -> Option<Door<'a>> {
        if self.except.is_some_and(|span| stmt.span.contains(span)) {
            return None;
        }
        let mut why = match &stmt.kind {
            StmtKind::Assign { targets, .. } => targets
                .iter()
                .find_map(|target| self.stores(target, top).then_some(MAPPING)),
            StmtKind::Expr { value } => self.hands_over(value),
            _ => None,
        };
        for expr in stmt.expressions() {
            expr.walk(&mut |part| why = why.or_else(|| self.through(part, stmt, top)));
        }
        why.map(|why| Door { stmt, why })
    }

    /// `globals()[key] = …`, `app.conf[key] = …`.
    fn stores(&self, target: &Expr, top: &Stmt) -> bool {
        match &target.kind {
            ExprKind::Subscript { value, index } => {
                // A literal is the target itself, or another.
                self.is_mapping(value) && index.string().is_none() && self.may_be(index, top)
            }
            _ => false,
        }
    }

    fn through(&self, call: &'a Expr, stmt: &'a Stmt, top: &'a Stmt) -> Option<&'static str> {
        let ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } = &call.kind
        else {
            return None;
        };
        match (function.name(), args.as_slice()) {
            // django-split-settings: which files these are is not spelled out.
            (Some("include"), args) if self.is_names() => {
                let unpacked = |arg: &Expr| matches!(arg.kind, ExprKind::Starred(_));
                return args.iter().any(unpacked).then_some(FILES);
            }
            (Some("setattr"), [object, key, _]) => {
                return (self.is_object(object) && self.may_be(key, top)).then_some(ATTRIBUTES);
            }
            (Some("exec" | "execfile"), [code, rest @ ..]) if self.is_names() => {
                let here = rest.first().is_none_or(|scope| self.is_mapping(scope));
                return (here && code.string().is_none()).then_some(CODE);
            }
            _ => {}
        }
        if let Some(name) = function.name() {
            return self.called(name);
        }
        let ExprKind::Attribute { value, name } = &function.kind else {
            return None;
        };
        if self.updated(call, stmt, top).is_some() {
            return None;
        }
        match name.text.as_str() {
            "update" if self.is_mapping(value) => self.unspelled(args, keywords),
            "add_defaults" if self.is_app(value) => self.unspelled(args, keywords),
            "setdefault" | "__setitem__" if self.is_mapping(value) => {
                let key = args.first()?;
                self.may_be(key, top).then_some(MAPPING)
            }
            "from_object" | "from_mapping" if self.is_flask(value) => {
                self.unspelled(args, keywords)
            }
            // With `silent=True` the file is this machine's own.
            "from_pyfile" if self.is_flask(value) => {
                let silent = keywords
                    .iter()
                    .any(|keyword| keyword.name.as_deref() == Some("silent"));
                (!silent && args.len() == 1).then_some(MAPPING)
            }
            _ => None,
        }
    }

    /// A function of this file that opens a door to the module's names.
    fn called(&self, name: &str) -> Option<&'static str> {
        if !self.is_names() || !self.scope.is_outermost() {
            return None;
        }
        let function = self.scope.function(name)?;
        let StmtKind::Function { body, .. } = &function.kind else {
            return None;
        };
        let inner = Flow {
            target: self.target,
            stars: self.stars,
            scope: self.scope.inside(body),
            except: None,
        };
        let mut why = None;
        walk(body, &mut |stmt| {
            if stmt.blocks().is_empty() {
                let door = inner.door(stmt, function);
                why = why.or(door.map(|door| door.why));
            }
        });
        why
    }

    /// `Settings.load_settings(__name__)`, `cbs.apply('Base', globals())`: for its effect, given the names.
    fn hands_over(&self, call: &Expr) -> Option<&'static str> {
        let ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } = &call.kind
        else {
            return None;
        };
        if !self.is_names() {
            return None;
        }
        let dotted = function.dotted().unwrap_or_default().to_ascii_lowercase();
        let named = keywords.iter().filter(|keyword| keyword.name.is_some());
        let mut given = args.iter().chain(named.map(|keyword| &keyword.value));
        let gives_names = given
            .clone()
            .any(|arg| self.is_mapping(arg) || self.scope.is_module(arg));
        let gives_name = given.any(|arg| arg.name() == Some("__name__"));
        let reads = READERS.iter().any(|word| dotted.contains(word));
        let loads = LOADERS.iter().any(|word| dotted.contains(word));
        let known = dotted == "include" || dotted == "setattr" || dotted.starts_with("exec");
        (!known && !reads && (gives_names || (gives_name && loads))).then_some(CALLED)
    }

    /// Arguments of an update that do not tell every name, or that tell the target's where we do not edit.
    fn unspelled(&self, args: &[Expr], keywords: &[Keyword]) -> Option<&'static str> {
        let packed = keywords.iter().filter(|keyword| keyword.name.is_none());
        let mut mappings = args.iter().chain(packed.map(|keyword| &keyword.value));
        let may_hold = |mapping: &Expr| match self.scope.keys(mapping) {
            Some(keys) => keys.iter().any(|key| self.names().contains(key)),
            None => !(self.is_conf() && is_flask_config(mapping)),
        };
        mappings.any(may_hold).then_some(MAPPING)
    }

    /// Whether a key that is not a literal may be one of the target's names.
    fn may_be(&self, key: &Expr, top: &Stmt) -> bool {
        let names = self.names();
        if let Some(key) = key.string() {
            // For module names, a literal is seen where it stands.
            return !self.is_names() && names.contains(&key);
        }
        if let Some(name) = key.name() {
            if let Some(spelled) = self.scope.looped(name, top) {
                return spelled.iter().any(|key| names.contains(key));
            }
            if let Some(prefixes) = guarded(name, key, top) {
                let begins = |name: &String| prefixes.iter().any(|prefix| name.starts_with(prefix));
                return names.iter().any(begins);
            }
        }
        let (start, end) = ends(key);
        names
            .iter()
            .any(|name| name.starts_with(&start) && name.ends_with(&end))
    }

    pub(super) fn is_names(&self) -> bool {
        matches!(self.target, Target::Name(_))
    }

    fn names(&self) -> &[String] {
        match self.target {
            Target::Name(names) | Target::Member(_, names) => names,
        }
    }

    /// The mapping whose keys are what is looked for: `globals()`, `app.conf`.
    fn is_mapping(&self, expr: &Expr) -> bool {
        match self.target {
            Target::Name(_) => self.scope.is_names(expr),
            Target::Member(object, _) => self.scope.is(expr, object),
        }
    }

    /// What has it as an attribute: the module itself, `app.conf`.
    fn is_object(&self, expr: &Expr) -> bool {
        match self.target {
            Target::Name(_) => self.scope.is_module(expr),
            Target::Member(object, _) => self.scope.is(expr, object),
        }
    }

    fn is_conf(&self) -> bool {
        matches!(self.target, Target::Member(object, _) if last(object) == "conf")
    }

    /// `app`, where `app.conf` is looked at.
    pub(super) fn is_app(&self, expr: &Expr) -> bool {
        match self.target {
            Target::Name(_) => false,
            Target::Member(object, _) => object
                .strip_suffix(".conf")
                .is_some_and(|app| expr.dotted().as_deref() == Some(app)),
        }
    }

    fn is_flask(&self, expr: &Expr) -> bool {
        matches!(self.target, Target::Member(object, _) if last(object) == "config")
            && self.is_mapping(expr)
    }
}

/// Words in the names of calls that only read what they are given, or bind known names that are not Celery's.
const READERS: [&str; 7] = [
    "print",
    "heroku",
    "dump",
    "logg",
    "config_from_object",
    "autodiscover",
    "warn",
];

/// What the name of a call says that fills the module whose name it is given.
const LOADERS: [&str; 6] = ["load", "setting", "config", "populate", "inject", "env"];

/// Flask's own settings go into Celery's beside those that were loaded by name.
fn is_flask_config(mapping: &Expr) -> bool {
    mapping
        .dotted()
        .is_some_and(|dotted| dotted.contains('.') && last(&dotted) == "config")
}

fn last(dotted: &str) -> &str {
    dotted.rsplit('.').next().unwrap_or_default()
}

/// The prefixes that an `if name.startswith(…)` around a statement leaves to a name.
fn guarded(name: &str, inner: &Expr, top: &Stmt) -> Option<Vec<String>> {
    let mut found = None;
    walk(std::slice::from_ref(top), &mut |stmt| {
        let StmtKind::If { arms } = &stmt.kind else {
            return;
        };
        for arm in arms {
            let around = arm.body.iter().any(|stmt| stmt.span.contains(inner.span));
            if let Some(test) = arm.test.as_ref().filter(|_| around) {
                found = found.take().or_else(|| prefixes(name, test));
            }
        }
    });
    found
}

fn prefixes(name: &str, test: &Expr) -> Option<Vec<String>> {
    let ExprKind::Call { function, args, .. } = &test.kind else {
        return None;
    };
    if function.dotted()? != format!("{name}.startswith") {
        return None;
    }
    match &args.first()?.kind {
        ExprKind::Sequence(_, items) => items.iter().map(Expr::string).collect(),
        _ => Some(vec![args.first()?.string()?]),
    }
}

/// The literal text that a composed key begins and ends with.
fn ends(key: &Expr) -> (String, String) {
    let nothing = || (String::new(), String::new());
    match &key.kind {
        ExprKind::String(_) => {
            let text = key.string().unwrap_or_default();
            (text.clone(), text)
        }
        ExprKind::FString(parts) => {
            let literal = |part: Option<&FStringPart>| match part {
                Some(FStringPart::Literal { value, .. }) => value.clone(),
                Some(FStringPart::Value(_)) | None => String::new(),
            };
            (literal(parts.first()), literal(parts.last()))
        }
        ExprKind::Binary {
            left,
            operator: Operator::Add,
            right,
        } => (ends(left).0, ends(right).1),
        ExprKind::Binary {
            left,
            operator: Operator::Modulo,
            ..
        } => {
            let text = left.string().unwrap_or_default();
            (before(&text, '%'), String::new())
        }
        ExprKind::Call { function, .. } => match &function.kind {
            ExprKind::Attribute { value, name } if name.text == "format" => {
                let text = value.string().unwrap_or_default();
                (before(&text, '{'), String::new())
            }
            ExprKind::Attribute { value, name } if name.text == "upper" => {
                let (start, end) = ends(value);
                (start.to_uppercase(), end.to_uppercase())
            }
            _ => nothing(),
        },
        _ => nothing(),
    }
}

fn before(text: &str, mark: char) -> String {
    text.split(mark).next().unwrap_or_default().to_owned()
}

impl Scope<'_> {
    /// The literal names that a loop around gives to its variable.
    fn looped(&self, name: &str, top: &Stmt) -> Option<Vec<String>> {
        let mut found = None;
        walk(std::slice::from_ref(top), &mut |stmt| {
            if let StmtKind::Loop {
                target: Some(target),
                head,
                ..
            } = &stmt.kind
            {
                let first = match &target.kind {
                    ExprKind::Sequence(_, items) => items.first(),
                    _ => Some(target),
                };
                if first.and_then(Expr::name) == Some(name) {
                    found = self.strings(head);
                }
            }
        });
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Block, Target};
    use crate::python::parse::parse;

    /// Whether `CELERY_QUEUES` may come through these lines.
    fn opens(text: &str) -> bool {
        let module = parse(text.as_bytes().into()).unwrap();
        let wanted = ["CELERY_QUEUES".to_owned()];
        let found = Block::of(&module.body).live(Target::Name(&wanted), &|_, _| false);
        found.is_err_and(|opaque| opaque.is_unspelled())
    }

    /// Whether `task_queues` may come through these lines onto `app.conf`.
    fn opens_conf(text: &str) -> bool {
        let module = parse(text.as_bytes().into()).unwrap();
        let wanted = ["task_queues".to_owned()];
        let target = Target::Member("app.conf", &wanted);
        let found = Block::of(&module.body).live(target, &|_, _| false);
        found.is_err_and(|opaque| opaque.is_unspelled())
    }

    #[test]
    fn names_that_are_not_spelled_out_may_be_any() {
        for text in [
            "for k in dir(m):\n    locals()[k] = getattr(m, k)\n",
            "globals().update(vars(m))\n",
            "g = globals()\ng.update(read())\n",
            "this = sys.modules[__name__]\nfor k in d:\n    setattr(this, k, d[k])\n",
            "for k in d:\n    globals()['CELERY_' + k] = d[k]\n",
            "if x:\n    exec(open(x).read())\n",
            "with open(x) as f:\n    exec(f.read(), globals())\n",
            "def load():\n    for k in d:\n        globals()[k] = d[k]\nload()\n",
            "Settings.load_settings(__name__)\n",
            "cbs.apply('Base', globals())\n",
            "include(*FILES)\n",
        ] {
            assert!(opens(text), "{text}");
        }
    }

    #[test]
    fn names_that_are_told_and_readers_open_nothing() {
        for text in [
            "globals()['DEBUG'] = 1\n",
            "for k in ('A', 'B'):\n    globals()[k] = 1\n",
            "KEYS = ['A']\nfor k in KEYS:\n    globals()[k] = 1\n",
            "for k in d:\n    if k.startswith('DJANGO_'):\n        globals()[k] = 1\n",
            "for k in d:\n    globals()[f'DB_{k}'] = 1\n    globals()['DB_%s' % k] = 1\n",
            "globals().update({'A': 1}, B=2)\n",
            "exec('A = 1')\nexec(code, {})\n",
            "print(locals())\nx = '%(A)s' % vars()\ny = dir()\n",
            "django_heroku.settings(locals())\n",
            "def load():\n    globals()[k] = 1\n",
            "app.config_from_object(__name__)\n",
            "globals().update(vars(m))\nCELERY_QUEUES = ()\n",
        ] {
            assert!(!opens(text), "{text}");
        }
    }

    #[test]
    fn what_conf_is_given_is_followed_or_doubted() {
        for text in [
            "app.conf.update(read())\n",
            "C = {}\nC['task_queues'] = ()\napp.conf.update(C)\n",
            "app.conf.update(**C)\n",
            "app.add_defaults(read)\n",
            "for k in d:\n    setattr(app.conf, k, d[k])\n",
            "for k in d:\n    app.conf[k] = d[k]\n",
            "B = {'task_queues': ()}\napp.conf.update({**B})\n",
        ] {
            assert!(opens_conf(text), "{text}");
        }
        for text in [
            "app.conf.update(timezone='UTC')\n",
            "C = {'timezone': 'UTC'}\napp.conf.update(C)\n",
            "C = {'task_queues': ()}\napp.conf.update(**C)\n",
            "app.conf.update(read())\napp.conf.task_queues = ()\n",
            "other.conf.update(read())\n",
        ] {
            assert!(!opens_conf(text), "{text}");
        }
    }
}
