//! Which Python a service runs on: named, active, beside the service, its tools', or any.
#![expect(
    clippy::disallowed_methods,
    reason = "a Python may stand anywhere, and is none of the service's files"
)]

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::probe::line_of;

/// A Python to ask.
pub struct Python {
    /// The program.
    pub path: PathBuf,
    /// Why this one: "the active virtualenv".
    pub why: &'static str,
}

/// The service's Python: the one named, the active virtualenv's, the service's own, poetry's, or `python3`.
pub(super) fn choose(root: &Path, named: Option<&Path>) -> Result<Python> {
    if let Some(path) = named {
        let is_path = path.components().count() > 1;
        if is_path && !path.is_file() {
            bail!("there is no Python `{}`", path.display());
        }
        // Relative to where the user is, not to the service.
        let path = if is_path {
            std::path::absolute(path)?
        } else {
            path.to_owned()
        };
        return Ok(Python {
            path,
            why: "as named by --python",
        });
    }
    let active = env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let uv = env::var_os("UV_PROJECT_ENVIRONMENT").map(|path| root.join(path));
    let own = ["venv", "env", ".env"].map(|name| root.join(name));
    let directories = active
        .map(|path| (path, "the active virtualenv"))
        .into_iter();
    let found = directories
        .chain(uv.map(|path| (path, "uv's environment")))
        .chain([(root.join(".venv"), "the service's .venv")])
        .chain(own.map(|path| (path, "the service's virtualenv")))
        .find_map(|(directory, why)| within(&directory).map(|path| Python { path, why }));
    Ok(found.or_else(|| poetry(root)).unwrap_or_else(|| Python {
        path: PathBuf::from("python3"),
        why: "the first python3 on the path",
    }))
}

fn within(directory: &Path) -> Option<PathBuf> {
    let python = directory.join("bin/python");
    let python = std::path::absolute(python).ok()?; // without following the link: it is what makes it an environment
    python.is_file().then_some(python)
}

fn poetry(root: &Path) -> Option<Python> {
    if !root.join("poetry.lock").is_file() {
        return None;
    }
    let path = line_of("poetry", &["env", "info", "--executable"], root)?;
    Some(Python {
        path: PathBuf::from(path),
        why: "poetry's environment",
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_named_one_beats_all_and_must_be_there() {
        let python = choose(Path::new("."), Some(Path::new("python2.7"))).unwrap();
        assert_eq!(python.path, Path::new("python2.7"));
        let error = choose(Path::new("."), Some(Path::new("no/such")))
            .err()
            .unwrap();
        assert_eq!(error.to_string(), "there is no Python `no/such`");
    }

    #[test]
    fn the_link_in_an_environment_is_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join(".venv/bin");
        std::fs::create_dir_all(&bin).unwrap();
        symlink("/bin/sh", bin.join("python")).unwrap();
        assert_eq!(within(&root.path().join(".venv")), Some(bin.join("python")));
        assert_eq!(within(&root.path().join("venv")), None);
    }
}
