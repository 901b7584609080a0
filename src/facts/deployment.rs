//! How the service is deployed: env files, old broker URLs, worker commands. Pure; reads text by bytes.

mod url;
mod worker;

use crate::config::Config;
use crate::facts::text::{contains, masked};
use crate::finding::Place;
use crate::path::RelPath;
use crate::tree::Tree;

use url::SCHEMES;
pub use url::old_urls;
pub use worker::{Worker, workers};

/// What the files beside the code say of how the service runs.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Deployment {
    /// Env files that are samples for others: ours to keep right.
    pub env_samples: Vec<RelPath>,
    /// Env files of this machine: only named.
    pub env_local: Vec<RelPath>,
    /// AMQP URLs of the old form (`…//`, `…//name`) in files that are not ours to edit.
    pub old_urls: Vec<Place>,
    /// Worker commands, with the queues they name.
    pub workers: Vec<(Place, Worker)>,
}

impl Deployment {
    /// What these files of a service say.
    pub fn read(tree: &Tree, config: &Config, files: &[RelPath]) -> Self {
        let mut found = Self::default();
        for path in files {
            match role(path) {
                Some(Role::Env) if !is_sample(path) => found.env_local.push(path.clone()),
                Some(Role::Env) => found.env_samples.push(path.clone()),
                Some(Role::Deployment | Role::Script) | None => {}
            }
        }
        if let Some(chosen) = &config.env_files {
            found.env_local.retain(|path| !chosen.contains(path));
            found.env_samples.clone_from(chosen);
        }
        for path in files {
            if let Some(role) = role(path).filter(|_| !found.env_samples.contains(path)) {
                found.scan(tree, path, role);
            }
        }
        found
    }

    /// The apps that worker commands name, as written after `-A`.
    pub fn started(&self) -> Vec<String> {
        let named = self
            .workers
            .iter()
            .filter_map(|(_, worker)| worker.app.clone());
        named.collect()
    }

    fn scan(&mut self, tree: &Tree, path: &RelPath, role: Role) {
        let Some(bytes) = tree.bytes(path).filter(|bytes| bytes.len() <= LARGEST) else {
            return;
        };
        let says_url = SCHEMES.iter().any(|scheme| contains(&bytes, scheme));
        let says_worker = contains(&bytes, "celery");
        if !(says_url || says_worker) || bytes.contains(&0) {
            return;
        }
        if role == Role::Script && !bytes.starts_with(b"#!") {
            return;
        }
        let place = |span| Place {
            path: path.clone(),
            span: Some(span),
        };
        let text = masked(&bytes);
        if says_url {
            self.old_urls.extend(old_urls(&text).into_iter().map(place));
        }
        if says_worker && role != Role::Env {
            self.workers.extend(
                workers(&text)
                    .into_iter()
                    .map(|worker| (place(worker.span), worker)),
            );
        }
    }
}

/// Whether an env file is one that git carries as an example: `.env.sample`, `.env_example`, `.envs/.local/.django`.
pub fn is_sample(path: &RelPath) -> bool {
    let name = path.file_name();
    let words = [
        "sample", "example", "template", "dist", "tmpl", "default", "ci", "test",
    ];
    let marked = name
        .split(['.', '_', '-'])
        .any(|part| words.contains(&part.to_ascii_lowercase().as_str()));
    let plain = [
        ".env",
        "local.env",
        ".env.local",
        ".env.prod",
        ".env.production",
        ".env.dev",
        ".env.staging",
    ];
    marked || !plain.contains(&name)
}

/// What a file is to us, by its name alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Env,
    Deployment,
    /// Without an extension: a script if it starts with `#!`.
    Script,
}

const LARGEST: usize = 1024 * 1024;

fn role(path: &RelPath) -> Option<Role> {
    let name = path.file_name().to_ascii_lowercase();
    if is_env(path, &name) {
        return Some(Role::Env);
    }
    let starts = [
        "procfile",
        "dockerfile",
        "makefile",
        "vagrantfile",
        "jenkinsfile",
        "justfile",
    ];
    let extensions = [
        ".yml",
        ".yaml",
        ".conf",
        ".service",
        ".sh",
        ".ini",
        ".toml",
        ".j2",
        ".tpl",
        ".tf",
        ".json",
        ".dockerfile",
        ".supervisor",
        ".bash",
        ".nomad",
        ".hcl",
        ".upstart",
    ];
    let lock = ["package-lock.json", "pipfile.lock", "poetry.lock"];
    if lock.contains(&name.as_str()) {
        None
    } else if starts.iter().any(|start| name.starts_with(start))
        || extensions.iter().any(|extension| name.ends_with(extension))
    {
        Some(Role::Deployment)
    } else if name.contains('.') {
        None
    } else {
        Some(Role::Script)
    }
}

/// `.env`, `.env.sample`, `.env_sample`, `env.example`, `django.env`, `.envs/.local/.django`.
fn is_env(path: &RelPath, name: &str) -> bool {
    let in_envs = path
        .parts()
        .any(|part| part == ".envs" || part == "envs" || part == "env_files");
    let code = [
        ".py", ".sh", ".md", ".rst", ".js", ".ts", ".json", ".yml", ".yaml", ".ini", ".toml",
    ];
    if code.iter().any(|extension| name.ends_with(extension)) {
        return false;
    }
    let after = |prefix: &str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_', '-']))
    };
    (in_envs && name != ".gitignore" && name != ".gitkeep")
        || after(".env")
        || path.has_extension("env")
        || [
            "env.sample",
            "env.example",
            "env.template",
            "env.dist",
            "sample.env",
            "example.env",
        ]
        .contains(&name)
        || name.contains(".env.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    fn read(files: &[(&str, &str)]) -> Deployment {
        let tree = Tree::memory(
            files
                .iter()
                .map(|(name, text)| (path(name), text.as_bytes().to_vec())),
        );
        Deployment::read(&tree, &Config::default(), &tree.walk())
    }

    #[test]
    fn env_samples_have_many_names() {
        for name in [
            ".env.sample",
            ".env.example",
            ".env_sample",
            ".env.template",
            ".env.django.example",
            "django.env",
            ".envs/.local/.django",
            "docker.env",
            "env.example",
            "dev.env.sample",
            "config/.env.dist",
        ] {
            let found = read(&[(name, "")]);
            assert_eq!(found.env_samples, [path(name)], "{name}");
        }
    }

    #[test]
    fn the_local_env_is_only_named() {
        let found = read(&[
            (".env", "BROKER_URL=amqp://rabbit//\n"),
            ("environment.py", ""),
            (".envrc", ""),
        ]);
        assert_eq!(found.env_local, [path(".env")]);
        assert!(found.env_samples.is_empty());
        assert_eq!(found.old_urls.len(), 1);
    }

    #[test]
    fn old_urls_are_found_where_services_are_deployed() {
        for name in [
            "docker-compose.yml",
            "compose.prod.yaml",
            ".github/workflows/ci.yml",
            ".travis.yml",
            "k8s/worker.yaml",
            "supervisor/celery.conf",
            "celery.service",
            "Dockerfile",
            "Procfile",
            "start.sh",
        ] {
            assert_eq!(
                read(&[(name, "x amqp://a:b@h:5672//\n")]).old_urls.len(),
                1,
                "{name}"
            );
        }
        assert!(read(&[("README.md", "amqp://h//\n")]).old_urls.is_empty());
        assert!(
            read(&[(".env.sample", "U=amqp://h//\n")])
                .old_urls
                .is_empty()
        );
    }

    #[test]
    fn scripts_without_extension_need_a_shebang() {
        let command = "celery -A p worker -Q a\n";
        assert_eq!(
            read(&[("compose/start", &format!("#!/bin/sh\n{command}"))])
                .workers
                .len(),
            1
        );
        assert!(read(&[("LICENSE", command)]).workers.is_empty());
    }

    #[test]
    fn the_users_env_files_win() {
        let tree = Tree::memory([(path(".env.sample"), vec![]), (path("x"), vec![])]);
        let config = Config {
            env_files: Some(vec![path("x")]),
            ..Config::default()
        };
        assert_eq!(
            Deployment::read(&tree, &config, &tree.walk()).env_samples,
            [path("x")]
        );
    }
}
