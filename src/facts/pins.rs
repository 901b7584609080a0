//! Which versions of the packages that matter the service asks for, and where. Pure.

mod lock;
mod requirement;
mod version;

use crate::edit::Span;
use crate::facts::text;
use crate::finding::Place;
use crate::path::RelPath;
use crate::tree::Tree;
pub use version::Version;

/// One part of a version specifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    /// `==4.4.7`, a lock file's version, a git tag.
    Exact,
    /// `==4.4.*`, `~=4.4`, `^4.4`: this release and those like it.
    Like,
    /// `>=4.4`, `>4.4`
    AtLeast,
    /// `<=4.4`
    AtMost,
    /// `<5`
    Below,
}

/// A package asked for in one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pin {
    /// Its name as PyPI compares it: `zc-common` for `zc_common` and `Zc.Common`.
    pub package: String,
    /// What the place says of the version; empty where it says nothing.
    pub bounds: Vec<(Bound, Version)>,
    /// A lock file says so: what is installed, not what is asked for.
    pub locked: bool,
    /// Where.
    pub place: Place,
}

/// Every place where a package that matters is asked for, in path order.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Pins(Vec<Pin>);

impl Pins {
    /// The pins in these files of a service.
    pub fn read(tree: &Tree, files: &[RelPath]) -> Self {
        Self::read_with(tree, files, &[])
    }

    /// As [`Pins::read`], with libraries of the service's own contracts.
    pub fn read_with(tree: &Tree, files: &[RelPath], libraries: &[&str]) -> Self {
        let packages = &Packages::with(libraries);
        let mut pins = Vec::new();
        for path in files.iter().filter(|path| !is_module(files, path)) {
            let Some(form) = requirement::Form::of(path) else {
                continue;
            };
            let Some(bytes) = tree.bytes(path).filter(|bytes| packages.mentioned(bytes)) else {
                continue;
            };
            let found = match form {
                requirement::Form::Lock => lock::pins(&bytes, packages),
                requirement::Form::PipfileLock => lock::pipfile_pins(&bytes, packages),
                form => requirement::pins(form, &bytes, packages),
            };
            let locked = matches!(
                form,
                requirement::Form::Lock | requirement::Form::PipfileLock
            );
            pins.extend(found.into_iter().map(|found| found.in_file(path, locked)));
        }
        Self(pins)
    }

    /// Every pin of a package, by any spelling of its name.
    pub fn of(&self, package: &str) -> impl Iterator<Item = &Pin> {
        let package = normalised(package);
        self.0.iter().filter(move |pin| pin.package == package)
    }

    /// Every pin.
    pub fn iter(&self) -> impl Iterator<Item = &Pin> {
        self.0.iter()
    }

    /// The version of a package that is most likely installed: a lock file's, an exact one, else a range's
    /// lowest; of several that say as much, the lowest.
    pub fn version(&self, package: &str) -> Option<Version> {
        let rank = |pin: &Pin| (!pin.locked, pin.exact().is_none());
        self.of(package)
            .filter_map(|pin| Some((rank(pin), pin.lowest()?.clone())))
            .min()
            .map(|(_, version)| version)
    }

    /// Celery's version, as [`Pins::version`].
    pub fn celery(&self) -> Option<Version> {
        self.version("celery")
    }

    /// The pin that keeps a package at or below `newest`, if every place that names a version does.
    pub fn at_most(&self, package: &str, newest: &Version) -> Option<&Pin> {
        let saying: Vec<_> = self
            .of(package)
            .filter(|pin| !pin.bounds.is_empty())
            .collect();
        let first = *saying.first()?;
        let held = saying.iter().all(|pin| pin.stays_at_most(newest));
        held.then_some(first)
    }

    /// The pin that lets a package reach `version` or more: `pika==1.3`, `pika>=0.10`, `pika`.
    pub fn may_reach(&self, package: &str, version: &Version) -> Option<&Pin> {
        self.of(package).find(|pin| !pin.stays_below(version))
    }

    /// Whether some place asks for the package.
    pub fn requires(&self, package: &str) -> bool {
        self.of(package).next().is_some()
    }
}

/// Whether a `setup.py` is a module of a package, and installs nothing.
fn is_module(files: &[RelPath], path: &RelPath) -> bool {
    let package = path.parent().unwrap_or_default();
    path.has_extension("py") && files.contains(&package.join("__init__.py"))
}

impl Pin {
    /// The one version it can be.
    pub fn exact(&self) -> Option<&Version> {
        let exact = |(bound, _): &&(Bound, Version)| *bound == Bound::Exact;
        self.bounds.iter().find(exact).map(|(_, version)| version)
    }

    /// The lowest version it allows, or for `<5` alone the number that bounds it.
    pub fn lowest(&self) -> Option<&Version> {
        let lower = |(bound, _): &&(Bound, Version)| !matches!(bound, Bound::AtMost | Bound::Below);
        let bounds = &self.bounds;
        bounds
            .iter()
            .find(lower)
            .or(bounds.first())
            .map(|(_, version)| version)
    }

    fn stays_at_most(&self, newest: &Version) -> bool {
        self.bounds.iter().any(|(bound, version)| match bound {
            Bound::Exact | Bound::AtMost | Bound::Below => version <= newest,
            Bound::Like => version.next() <= *newest,
            Bound::AtLeast => false,
        })
    }

    fn stays_below(&self, limit: &Version) -> bool {
        self.bounds.iter().any(|(bound, version)| match bound {
            Bound::Exact | Bound::AtMost => version < limit,
            Bound::Below => version <= limit,
            Bound::Like => version.next() <= *limit,
            Bound::AtLeast => false,
        })
    }
}

/// A pin before its file is known.
struct Found {
    package: String,
    bounds: Vec<(Bound, Version)>,
    span: Span,
}

impl Found {
    fn in_file(self, path: &RelPath, locked: bool) -> Pin {
        Pin {
            package: self.package,
            bounds: self.bounds,
            locked,
            place: Place {
                path: path.clone(),
                span: Some(self.span),
            },
        }
    }
}

const PACKAGES: [&str; 6] = [
    "celery",
    "zc-common",
    "zc-events",
    "django",
    "pika",
    "kombu",
];

/// The packages that matter: those of our contracts, and libraries of a service's own.
#[derive(Default)]
struct Packages<'a> {
    libraries: &'a [&'a str],
}

impl<'a> Packages<'a> {
    fn with(libraries: &'a [&'a str]) -> Self {
        Self { libraries }
    }

    /// A package's name as PyPI compares it, if it is one that matters.
    fn named(&self, name: &str) -> Option<String> {
        let name = normalised(name);
        let own = |library: &&str| normalised(library) == name;
        let matters = PACKAGES.contains(&name.as_str()) || self.libraries.iter().any(own);
        matters.then_some(name)
    }

    /// Whether one of them may be in a file: letters that no spelling of its name changes.
    fn mentioned(&self, bytes: &[u8]) -> bool {
        let words = ["elery", "zc", "ZC", "Zc", "jango", "ika", "ombu"];
        let other = |library: &&str| !PACKAGES.contains(&normalised(library).as_str());
        self.libraries.iter().any(other) || words.iter().any(|word| text::contains(bytes, word))
    }
}

fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            other => out.push(other.to_ascii_lowercase()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(files: &[(&str, &str)]) -> Pins {
        let tree = Tree::memory(
            files
                .iter()
                .map(|(path, text)| (RelPath::parse(path).unwrap(), text.as_bytes().to_vec())),
        );
        Pins::read(&tree, &tree.walk())
    }

    fn celery(path: &str, text: &str) -> String {
        pins(&[(path, text)])
            .celery()
            .map_or("none".to_owned(), |version| version.to_string())
    }

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn a_release_has_no_largest_number() {
        let pins = pins(&[("requirements.txt", "zc_common~=18446744073709551615")]);
        assert!(pins.at_most("zc_common", &version("0.2.12")).is_none());
    }

    #[test]
    fn requirements_files_are_read_by_line() {
        assert_eq!(
            celery("requirements.txt", "a\ncelery[redis]==4.4.7  # x\n"),
            "4.4.7"
        );
        assert_eq!(celery("requirements/base.txt", "Celery>=3.1,<4\r\n"), "3.1");
        assert_eq!(celery("requirements.txt", "celery\n#celery==2\n"), "none");
        assert_eq!(celery("requirements.txt", "celery-beat==2.0\n"), "none");
        assert_eq!(
            celery("reqs.in", "celery==5.3 ; python_version > '3'\n"),
            "5.3"
        );
    }

    #[test]
    fn git_urls_name_package_and_tag() {
        for line in [
            "git+https://host/zc_common.git@0.2.12#egg=zc_common",
            "-e git+ssh://git@host/x.git@v0.2.12#egg=zc-common",
            "git+https://host/x#egg=zc.common==0.2.12",
            "zc_common @ git+https://host/x@0.2.12",
            "https://host/x/archive/0.2.12.tar.gz#egg=zc_common",
        ] {
            let pins = pins(&[("requirements.txt", line)]);
            assert!(
                pins.at_most("zc_common", &version("0.2.12")).is_some(),
                "{line}"
            );
        }
    }

    #[test]
    fn setup_py_pyproject_and_setup_cfg_are_read() {
        assert_eq!(
            celery(
                "setup.py",
                "setup(install_requires=['django', \"celery==3.1.26\"])"
            ),
            "3.1.26"
        );
        assert_eq!(
            celery(
                "setup.cfg",
                "[options]\ninstall_requires =\n    celery ~= 5.2\n"
            ),
            "5.2"
        );
        assert_eq!(
            celery(
                "pyproject.toml",
                "dependencies = [\n  \"celery[redis]>=5.3,<6\",\n]\n"
            ),
            "5.3"
        );
        assert_eq!(
            celery(
                "pyproject.toml",
                "[tool.poetry.dependencies]\ncelery = \"^5.2.1\"\n"
            ),
            "5.2.1"
        );
        assert_eq!(
            celery(
                "pyproject.toml",
                "celery = {version = \"~5.1\", extras = [\"redis\"]}\n"
            ),
            "5.1"
        );
        assert_eq!(
            celery(
                "pyproject.toml",
                "[tool.poetry.dependencies.celery]\nversion = \"4.4\"\n"
            ),
            "4.4"
        );
        assert_eq!(celery("Pipfile", "[packages]\ncelery = \"==4.2\"\n"), "4.2");
    }

    #[test]
    fn a_poetry_number_without_operator_is_exact() {
        let pins = pins(&[(
            "pyproject.toml",
            "[tool.poetry.dependencies]\npika = \"0.10.0\"\n",
        )]);
        assert!(pins.may_reach("pika", &version("1")).is_none());
        assert_eq!(
            pins.of("pika").next().unwrap().exact().unwrap().to_string(),
            "0.10.0"
        );
    }

    #[test]
    fn a_lock_file_says_what_is_installed() {
        let lock = "[[package]]\nname = \"celery\"\nversion = \"5.2.7\"\n";
        let pins = pins(&[
            ("pyproject.toml", "celery = \"^5.0\"\n"),
            ("poetry.lock", lock),
        ]);
        assert_eq!(pins.celery().unwrap().to_string(), "5.2.7");
        assert_eq!(pins.of("celery").count(), 2);
        let json = "{\n \"default\": {\n  \"celery\": {\n   \"hashes\": [\n   ],\n   \"version\": \"==4.4.2\"\n  }\n }\n}";
        assert_eq!(celery("Pipfile.lock", json), "4.4.2");
    }

    #[test]
    fn a_library_is_pinned_only_if_every_place_agrees() {
        let newest = version("0.2.12");
        let open = pins(&[("requirements.txt", "zc_common>=0.2\n")]);
        assert!(open.at_most("zc_common", &newest).is_none());
        let two = pins(&[
            ("requirements.txt", "zc_common==0.2.12\n"),
            ("requirements/dev.txt", "zc_common==0.3\n"),
        ]);
        assert!(two.at_most("zc_common", &newest).is_none());
        let one = pins(&[("requirements.txt", "zc_common<=0.2.12\n")]);
        assert!(one.at_most("zc-common", &newest).is_some());
    }

    #[test]
    fn pika_1_is_seen_unless_excluded() {
        let one = version("1");
        assert!(
            pins(&[("requirements.txt", "pika>=0.10\n")])
                .may_reach("pika", &one)
                .is_some()
        );
        assert!(
            pins(&[("requirements.txt", "pika<1.0\n")])
                .may_reach("pika", &one)
                .is_none()
        );
        assert!(
            pins(&[("requirements.txt", "pika~=0.13\n")])
                .may_reach("pika", &one)
                .is_none()
        );
    }
}
