//! Whether the service still runs on Python 2. Pure; says where it knows it from.

use crate::edit::Span;
use crate::facts::pins::{Pin, Pins, Version};
use crate::facts::service::{Service, is_own};
use crate::facts::text::{contains, line_at, lines, masked, trimmed};
use crate::finding::Place;
use crate::path::RelPath;
use crate::python::syntax::{ExprKind, Module, Sequence, StmtKind, walk};

/// The oldest Python that the service's modules must be imported by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Python {
    /// 2.7: packages need `__init__.py`, imports may be relative without a dot.
    Two,
    /// 3.
    Three,
}

/// The version, with the place that says so; Python 3 where nothing does.
///
/// Python 2 syntax in the files near the app speaks first, then packages that only Python 3 installs, then
/// what the project declares, then `from __future__` imports.
pub fn python(service: &Service<'_>, pins: &Pins, near: &[RelPath]) -> (Python, Option<Place>) {
    if let Some(place) = near.iter().find_map(|file| syntax(service, file)) {
        return (Python::Two, Some(place));
    }
    // A classifier outlives its truth; an installed Django 5 does not.
    if let Some(place) = needs_python_3(pins) {
        return (Python::Three, Some(place));
    }
    // A setup.py elsewhere is some test's, or another project's.
    let speaks = |path: &&RelPath| {
        let directory = path.parent().unwrap_or_default();
        near.first().is_none_or(|app| app.is_under(&directory))
            || (path.file_name().starts_with("Dockerfile") && is_own(service.tree, path))
    };
    let declared: Vec<(Python, Place)> = service
        .files
        .iter()
        .filter(speaks)
        .filter_map(|path| declared(service, path))
        .collect();
    let two = declared.iter().find(|(python, _)| *python == Python::Two);
    if let Some((python, place)) = two.or(declared.first()) {
        return (*python, Some(place.clone()));
    }
    match near.iter().find_map(|file| future(service, file)) {
        Some(place) => (Python::Two, Some(place)),
        None => (Python::Three, None),
    }
}

/// A pin of a release that Python 2 cannot install.
fn needs_python_3(pins: &Pins) -> Option<Place> {
    let first = [("django", "2"), ("celery", "5")];
    first.iter().find_map(|(package, version)| {
        let version = Version::parse(version)?;
        let is_newer = |pin: &&Pin| pin.lowest().is_some_and(|lowest| *lowest >= version);
        pins.of(package).find(is_newer).map(|pin| pin.place.clone())
    })
}

/// `from __future__ import absolute_import` and the like: written for a service that Python 2 imports.
fn future(service: &Service<'_>, file: &RelPath) -> Option<Place> {
    let module = service.module(file)?;
    let stmt = module.body.iter().find(|stmt| match &stmt.kind {
        StmtKind::ImportFrom {
            module: Some(module),
            names,
            ..
        } => module == "__future__" && names.iter().any(|alias| alias.name != "annotations"),
        _ => false,
    })?;
    Some(Place {
        path: file.clone(),
        span: Some(stmt.span),
    })
}

/// A place in a file that only Python 2 reads.
fn syntax(service: &Service<'_>, file: &RelPath) -> Option<Place> {
    let module = service.module(file)?;
    let error = module.errors.iter().find_map(|error| {
        let line = line_at(&module.text, error.span.start);
        is_python_2_at(&module.text, error.span).then_some(trimmed(&module.text, line))
    });
    Some(Place {
        path: file.clone(),
        span: Some(error.or_else(|| caught(&module))?),
    })
}

/// Whether the line of an error is one that Python 2 reads.
pub fn is_python_2_at(text: &[u8], error: Span) -> bool {
    let line = trimmed(text, line_at(text, error.start));
    is_python_2(&masked(line.of(text)))
}

/// `except E, e:`. Python 3.14 reads a tuple there, so it is no error to the parser.
fn caught(module: &Module) -> Option<Span> {
    let mut found = None;
    walk(&module.body, &mut |stmt| {
        let StmtKind::Try { handlers, .. } = &stmt.kind else {
            return;
        };
        for catches in handlers
            .iter()
            .filter_map(|handler| handler.catches.as_ref())
        {
            if let ExprKind::Sequence(Sequence::BareTuple, items) = &catches.kind
                && let [_, last] = items.as_slice()
                && last
                    .name()
                    .is_some_and(|name| name.starts_with(|first: char| first.is_lowercase()))
            {
                found = found.or(Some(catches.span));
            }
        }
    });
    found
}

/// `print x`, `exec "x"`, `except E, e:`, `raise E, "x"`, backticks, `<>`, `0755`, `ur""`, `10L`.
fn is_python_2(line: &str) -> bool {
    let statement = |word: &str| {
        let rest = line.strip_prefix(word);
        rest.is_some_and(|rest| {
            rest.starts_with([' ', '"', '\'']) && !rest.trim_start().starts_with(['=', '(', '.'])
        })
    };
    let comma = |word: &str| line.starts_with(word) && line.contains(',') && !line.contains(" as ");
    let number = line
        .split(|other: char| !other.is_ascii_alphanumeric())
        .any(|word| {
            let octal = word.len() > 1
                && word.starts_with('0')
                && word.bytes().all(|byte| byte.is_ascii_digit());
            let long = word.strip_suffix(['L', 'l']).is_some_and(|digits| {
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            });
            octal || long
        });
    let within = ["`", "<>", " ur'", " ur\"", "(ur'", "(ur\""];
    statement("print")
        || statement("exec")
        || line.contains(": print ")
        || comma("except ")
        || comma("raise ")
        || number
        || within.iter().any(|text| line.contains(text))
}

/// What a project file declares.
fn declared(service: &Service<'_>, path: &RelPath) -> Option<(Python, Place)> {
    let name = path.file_name();
    let keys: &[&str] = match name {
        "setup.py" | "setup.cfg" => &["python_requires", "Programming Language :: Python ::"],
        "pyproject.toml" => &[
            "requires-python",
            "python",
            "Programming Language :: Python ::",
        ],
        "Pipfile" => &["python_version"],
        "runtime.txt" => &["python-"],
        ".python-version" => &[""],
        "tox.ini" => &["envlist"],
        name if name.starts_with("Dockerfile") => &["FROM "],
        _ => return None,
    };
    let bytes = service.tree.bytes(path)?;
    if !keys.iter().any(|key| contains(&bytes, key)) || bytes.len() > LARGEST {
        return None;
    }
    let mut found = None;
    for line in lines(&bytes) {
        let span = trimmed(&bytes, line);
        let text = masked(span.of(&*bytes));
        let Some(python) = says(&text, keys) else {
            continue;
        };
        let place = Place {
            path: path.clone(),
            span: Some(span),
        };
        if python == Python::Two {
            return Some((python, place));
        }
        found.get_or_insert((python, place));
    }
    found
}

const LARGEST: usize = 256 * 1024;

fn says(line: &str, keys: &[&str]) -> Option<Python> {
    let key = keys.iter().find(|key| line.contains(**key))?;
    let at = line.find(key)? + key.len();
    let rest = line[at..].trim_start_matches([' ', '=', '"', '\'', ':', '>', '~', '^', '(']);
    let version = match *key {
        "FROM " => rest.split_once("python:")?.1,
        "envlist" => {
            let two = rest.contains("py2");
            return (two || rest.contains("py3")).then_some(if two {
                Python::Two
            } else {
                Python::Three
            });
        }
        "python" if !line.trim_start().starts_with("python") => return None,
        _ => rest.trim_start_matches("python-"),
    };
    match version.bytes().next()? {
        b'2' => Some(Python::Two),
        b'3' => Some(Python::Three),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;
    use proptest::prelude::*;

    fn said(file: &str, text: &str) -> Option<Python> {
        let path = RelPath::parse(file).unwrap();
        let tree = Tree::memory([(path.clone(), text.as_bytes().to_vec())]);
        let pins = Pins::read(&tree, &tree.walk());
        let (python, place) = python(&Service::read(&tree), &pins, &[path]);
        place.map(|_| python)
    }

    #[test]
    fn project_files_declare_it() {
        for (file, text) in [
            ("setup.py", "setup(python_requires='>=2.7',)"),
            (
                "setup.py",
                "'Programming Language :: Python :: 2.7',\n'Programming Language :: Python :: 3',",
            ),
            ("runtime.txt", "python-2.7.14\n"),
            (".python-version", "2.7.18\n"),
            ("Pipfile", "[requires]\npython_version = \"2.7\"\n"),
            ("Dockerfile", "FROM python:2.7-slim\n"),
            ("tox.ini", "[tox]\nenvlist = py27,py36\n"),
        ] {
            assert_eq!(said(file, text), Some(Python::Two), "{text}");
        }
        assert_eq!(
            said("pyproject.toml", "[project]\nrequires-python = \">=3.9\"\n"),
            Some(Python::Three)
        );
        assert_eq!(
            said(
                "pyproject.toml",
                "[tool.poetry.dependencies]\npython = \"^3.11\"\n"
            ),
            Some(Python::Three)
        );
        assert_eq!(said("Dockerfile", "FROM node:20\n"), None);
    }

    #[test]
    fn syntax_gives_it_away() {
        for text in [
            "print 'x'\n",
            "try:\n    a\nexcept E, e:\n    pass\n",
            "x = `y`\n",
            "m = 0755\n",
            "exec 'x'\n",
        ] {
            assert_eq!(said("a.py", text), Some(Python::Two), "{text}");
        }
        assert_eq!(said("a.py", "print('x')\nx = (\n"), None);
    }

    #[test]
    fn future_imports_count_where_nothing_is_declared() {
        assert_eq!(
            said("a.py", "from __future__ import absolute_import\n"),
            Some(Python::Two)
        );
        assert_eq!(said("a.py", "from __future__ import annotations\n"), None);
    }

    #[test]
    fn packages_of_python_3_outweigh_future_imports() {
        let text = "from __future__ import absolute_import\n";
        let path = |text: &str| RelPath::parse(text).unwrap();
        let tree = Tree::memory([
            (path("a.py"), text.into()),
            (path("requirements.txt"), "Django==3.2\n".into()),
        ]);
        let pins = Pins::read(&tree, &tree.walk());
        assert_eq!(
            python(&Service::read(&tree), &pins, &[path("a.py")]).0,
            Python::Three
        );
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text: String) {
            is_python_2(&masked(text.as_bytes()));
            for file in ["setup.py", "Dockerfile", ".python-version", "tox.ini"] {
                said(file, &text);
            }
        }
    }
}
