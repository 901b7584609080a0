//! Broker URLs inside expressions: where the vhost is written so that kombu and pika disagree. Gives edits.
//!
//! Pure. Edits one byte, the vhost's slash, and only in text that stands in the file as it is read.

mod segment;

use super::recognise::value_of;
use crate::edit::{Edit, Span};
use crate::facts::settings::{Settings, Site};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, Module};
use crate::url::{Vhost, is_kombus_amqp, scheme, split, vhost};
use segment::{HOLE, Segment, flatten, is_format, position};

/// What the URLs of one expression ask for.
#[derive(Default, Debug)]
pub struct Urls {
    /// The rewrites.
    pub edits: Vec<(RelPath, Edit)>,
    /// The schemes seen, with where.
    pub schemes: Vec<(String, RelPath, Span)>,
    /// Where more than one URL stands in one value.
    pub several: Option<(RelPath, Span)>,
    /// Old-form tails that we cannot edit, and why.
    pub warnings: Vec<Finding>,
}

/// Reads every URL that an expression can evaluate to.
pub fn read(settings: &Settings<'_>, site: &Site, expr: &Expr) -> Result<Urls, Finding> {
    let mut reader = Reader {
        settings,
        file: &site.file,
        module: &site.module,
        urls: Urls::default(),
    };
    reader.expr(expr, 0)?;
    Ok(reader.urls)
}

/// `URL` of `URL.replace(…)`, `URL.strip()`.
fn changed(function: &Expr) -> Option<&Expr> {
    let methods = [
        "replace",
        "strip",
        "lstrip",
        "rstrip",
        "removesuffix",
        "lower",
    ];
    match &function.kind {
        ExprKind::Attribute { value, name } if methods.contains(&&*name.text) => Some(value),
        _ => None,
    }
}

struct Reader<'a, 't> {
    settings: &'a Settings<'t>,
    file: &'a RelPath,
    module: &'a Module,
    urls: Urls,
}

impl Reader<'_, '_> {
    fn expr(&mut self, expr: &Expr, depth: usize) -> Result<(), Finding> {
        match &expr.kind {
            ExprKind::Or(values) => values.iter().try_for_each(|value| self.expr(value, depth)),
            ExprKind::If { body, orelse, .. } => {
                self.expr(body, depth)?;
                self.expr(orelse, depth)
            }
            ExprKind::Sequence(_, items) => {
                if items.len() > 1 {
                    self.urls
                        .several
                        .get_or_insert_with(|| (self.file.clone(), expr.span));
                }
                items.iter().try_for_each(|item| self.expr(item, depth))
            }
            ExprKind::Name(name) => self.name(name, expr, depth),
            ExprKind::Call { function, .. } if !is_format(expr) => match changed(function) {
                Some(url) => self.scheme_of(url, depth),
                None => self.default_of(expr, depth),
            },
            _ => {
                let mut segments = Vec::new();
                flatten(expr, false, &mut segments);
                self.string(expr.span, &segments)
            }
        }
    }

    /// What a method makes of a URL is unknown, but for the scheme, which it begins with.
    fn scheme_of(&mut self, url: &Expr, depth: usize) -> Result<(), Finding> {
        let mut reader = Reader {
            urls: Urls::default(),
            ..*self
        };
        reader.expr(url, depth)?;
        self.urls.schemes.extend(reader.urls.schemes);
        Ok(())
    }

    /// `os.environ.get(key, default)`, `env(key, default=…)` and their like.
    fn default_of(&mut self, call: &Expr, depth: usize) -> Result<(), Finding> {
        const READERS: [&str; 8] = [
            "get",
            "getenv",
            "env",
            "config",
            "str",
            "url",
            "setdefault",
            "get_env",
        ];
        let ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } = &call.kind
        else {
            return Ok(());
        };
        let dotted = function.dotted().unwrap_or_default();
        let last = dotted.rsplit('.').next().unwrap_or_default();
        let reads = READERS.contains(&last)
            || last.to_ascii_lowercase().contains("env")
            || last.ends_with("Value");
        if !reads {
            return Ok(());
        }
        // `str(url)` and `values.Value(url)` have it first; every other reader has the variable's name there.
        let first = last.ends_with("Value") || function.name() == Some("str");
        let skip = usize::from(!first);
        for arg in args.iter().skip(skip) {
            self.expr(arg, depth)?;
        }
        for keyword in keywords
            .iter()
            .filter(|keyword| keyword.name.as_deref() == Some("default"))
        {
            self.expr(&keyword.value, depth)?;
        }
        match self.in_scheme(function, args) {
            Some(default) if args.len() == 1 && keywords.is_empty() => self.expr(&default, depth),
            _ => Ok(()),
        }
    }

    /// `env('URL')` of an `env = environ.Env(URL=(str, 'amqp://…'))`: the default stands there.
    fn in_scheme(&self, env: &Expr, args: &[Expr]) -> Option<Expr> {
        let variable = args.first()?.string()?;
        let name = env.dotted()?;
        let made_by = value_of(self.module, name.split('.').next()?)?;
        let ExprKind::Call { keywords, .. } = &made_by.kind else {
            return None;
        };
        let scheme = keywords
            .iter()
            .find(|keyword| keyword.name.as_ref() == Some(&variable))?;
        match &scheme.value.kind {
            ExprKind::Sequence(_, parts) => parts.get(1).cloned(),
            _ => None,
        }
    }

    /// A name bound once in this file and read once: its literal is the URL's own.
    fn name(&mut self, name: &str, expr: &Expr, depth: usize) -> Result<(), Finding> {
        let found = self
            .settings
            .in_file(self.file, &[name.to_owned()])
            .unwrap_or_default();
        let [
            Site {
                value: Some(value),
                additions,
                ..
            },
        ] = found.as_slice()
        else {
            return Ok(());
        };
        if depth > 4 || !additions.is_empty() {
            return Ok(());
        }
        let before = self.urls.edits.len();
        self.expr(value, depth + 1)?;
        if self.urls.edits.len() > before && mentions(self.module, name) > 2 {
            let edits = self.urls.edits.split_off(before);
            let span = edits[0].1.span();
            self.urls.warnings.push(
                old_form(self.file, span)
                    .at(self.file, expr.span)
                    .help(format!("`{name}` is read in other places too, so we left it: write `/%2F` there yourself")),
            );
        }
        Ok(())
    }

    fn string(&mut self, whole: Span, segments: &[Segment]) -> Result<(), Finding> {
        let text: String = segments.iter().map(Segment::shown).collect();
        let urls = split(&text);
        if urls.len() > 1 && scheme(&text).is_some() {
            self.urls
                .several
                .get_or_insert_with(|| (self.file.clone(), whole));
        }
        for url in urls {
            let url_text = url.of(text.as_str());
            let Some(scheme) = scheme(url_text) else {
                self.unschemed(url_text, whole);
                continue;
            };
            self.urls
                .schemes
                .push((scheme.to_ascii_lowercase(), self.file.clone(), whole));
            if !is_kombus_amqp(scheme) {
                continue;
            }
            self.vhost_in_a_hole(whole, url_text, segments);
            if let Vhost::Slash(at) = vhost(url_text) {
                let (span, percent) = position(segments, url.start + at)
                    .ok_or_else(|| escaped(self.file, whole, segments))?;
                let slash = if percent { "%%2F" } else { "%2F" };
                self.urls
                    .edits
                    .push((self.file.clone(), Edit::replace(span, slash)));
            }
        }
        Ok(())
    }

    /// `f'amqp://{HOST}/{VHOST}'` with a vhost that is `/` unless the environment says otherwise.
    fn vhost_in_a_hole(&mut self, whole: Span, url: &str, segments: &[Segment]) {
        let Some((_, rest)) = url.split_once("://") else {
            return;
        };
        let path = rest.split_once('/').map_or("", |(_, path)| path);
        if !path.starts_with(HOLE) {
            return;
        }
        // One URL a string: the holes in front of its path are counted.
        let before = url.len() - path.len();
        let number = url[..before].matches(HOLE).count();
        let mut holes = segments.iter().filter_map(|segment| match segment {
            Segment::Hole(expr) => Some(expr.as_ref()),
            Segment::Literal { .. } => None,
        });
        let Some(slash) = holes
            .nth(number)
            .flatten()
            .and_then(|hole| self.slash(hole, 0))
        else {
            return;
        };
        self.urls.warnings.push(
            Finding::warning(
                "url-old-vhost",
                "a broker URL whose vhost is put in as `/`: it ends in `//`, and the emitter does not connect",
            )
            .at(self.file, slash)
            .at(self.file, whole)
            .label("the URL's path starts with `/` already")
            .help("write '%2F' here, and in the environment, if nothing but URLs reads it"),
        );
    }

    /// Where an expression gives `'/'`: itself, a reader's default, a name bound once in this file.
    fn slash(&self, expr: &Expr, depth: usize) -> Option<Span> {
        match &expr.kind {
            ExprKind::String(_) => (expr.string()? == "/").then_some(expr.span),
            ExprKind::Call { args, keywords, .. } => {
                let default = keywords
                    .iter()
                    .find(|keyword| keyword.name.as_deref() == Some("default"));
                self.slash(
                    args.get(1).or(default.map(|keyword| &keyword.value))?,
                    depth,
                )
            }
            ExprKind::Or(values) => self.slash(values.last()?, depth),
            ExprKind::Name(name) if depth < 4 => {
                let sites = self.settings.in_file(self.file, &[name.to_owned()]).ok()?;
                match sites.as_slice() {
                    [site] => self.slash(site.value.as_ref()?, depth + 1),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// `PREFIX + '//'`: we see the tail of something, but not of what.
    fn unschemed(&mut self, text: &str, whole: Span) {
        let hole = text.starts_with(HOLE) || text.starts_with('%') || text.starts_with('{');
        if hole && text.ends_with("//") {
            let finding = old_form(self.file, whole)
                .help("we cannot see the scheme: if this is AMQP, end it in `/%2F`");
            self.urls.warnings.push(finding);
        }
    }
}

fn escaped(file: &RelPath, whole: Span, segments: &[Segment]) -> Finding {
    let span = match segments {
        [Segment::Literal { .. }] | [] => whole,
        many => many
            .iter()
            .rev()
            .find_map(|segment| match segment {
                Segment::Literal {
                    content,
                    verbatim: false,
                    ..
                } => Some(*content),
                _ => None,
            })
            .unwrap_or(whole),
    };
    Finding::refusal(
        "url-escaped",
        "the end of this broker URL is spelt with escapes",
    )
    .at(file, span)
    .label("its vhost is read differently by kombu and pika")
    .help("write the end of the URL as `/%2F`, then run again")
}

fn old_form(file: &RelPath, span: Span) -> Finding {
    Finding::warning(
        "url-old-vhost",
        "a broker URL that may end in `//`: the worker connects, the emitter does not",
    )
    .at(file, span)
}

/// How often a name stands in a module's text as a word of its own.
fn mentions(module: &Module, name: &str) -> usize {
    let mut count = 0;
    crate::python::syntax::walk(&module.body, &mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| count += usize::from(part.name() == Some(name)));
        }
    });
    count
}
