//! Runs the probe in the service's own Python: the one place that starts a process.
#![expect(
    clippy::disallowed_methods,
    reason = "the user asked for their code to be run, and was told"
)]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wait_timeout::ChildExt as _;

use super::answer::{Answer, Failure, Interpreter};
use super::live::{Question, Replies};
use super::python::Python;
use crate::path::RelPath;
use crate::templates;

/// What the probe needs to load the app.
pub(super) struct Request {
    pub(super) python: Python,
    /// The service's directory, absolute.
    pub(super) root: PathBuf,
    /// Where its modules are imported from, the app's own root first.
    pub(super) paths: Vec<RelPath>,
    pub(super) module: String,
    pub(super) variable: String,
    /// The event's task.
    pub(super) task: String,
    /// What is set besides our own environment.
    pub(super) environment: Vec<(String, String)>,
}

/// Loads the app and asks it. An app that cannot be loaded is an answer, too.
pub(super) fn ask(request: &Request) -> Result<Answer> {
    let Some(done) = run(request, &["doctor/probe.py"], LOADING, None)? else {
        return Ok(Answer::Failed {
            python: Interpreter {
                version: String::new(),
                path: request.python.path.display().to_string(),
            },
            error: Failure {
                line: format!("no answer in {LOADING} s: something that it imports waits"),
                place: None,
                missing: None,
            },
        });
    };
    read(request, &done)
}

/// Loads the app and asks its broker, which may take `question.seconds` for each step.
pub(super) fn ask_live(request: &Request, question: &Question) -> Result<Replies> {
    let seconds = LOADING + STEPS * question.seconds;
    let scripts = ["doctor/live.py", "doctor/probe.py"];
    match run(request, &scripts, seconds, Some(question))? {
        Some(done) => read(request, &done),
        None => Ok(Replies::silent()),
    }
}

/// The first line that a program prints; `None` if it is not there, or fails.
pub(super) fn line_of(program: &str, arguments: &[&str], directory: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    let done = finished(&mut command, Duration::from_secs(LOADING)).ok()??;
    let text = String::from_utf8(done.stdout).ok()?;
    let line = text.split('\n').next()?.trim();
    (done.status.success() && !line.is_empty()).then(|| line.to_owned())
}

/// How many seconds the service may take to load.
const LOADING: u64 = 60;
/// How often a live probe waits, at the most.
const STEPS: u64 = 6;
/// Runs each text but the last argument, in one namespace.
const START: &str =
    "import sys\nfor text in sys.argv[1:-1]: exec(compile(text, '<doctor>', 'exec'))";

#[derive(Serialize)]
struct Message<'r> {
    root: &'r Path,
    paths: Vec<PathBuf>,
    module: &'r str,
    variable: &'r str,
    task: &'r str,
    live: Option<&'r Question>,
}

fn run(
    request: &Request,
    scripts: &[&str],
    seconds: u64,
    live: Option<&Question>,
) -> Result<Option<Output>> {
    let Request {
        python,
        root,
        paths,
        module,
        variable,
        task,
        environment,
    } = request;
    let message = Message {
        root,
        paths: paths.iter().map(|path| root.join(path.as_str())).collect(),
        module,
        variable,
        task,
        live,
    };
    let message = serde_json::to_string(&message).context("cannot spell the question as JSON")?;
    let mut command = Command::new(&python.path);
    command.args(["-B", "-c", START]);
    command.args(scripts.iter().map(|script| OsStr::new(text(script))));
    command
        .arg(message)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONIOENCODING", "utf-8");
    finished(&mut command, Duration::from_secs(seconds))
        .with_context(|| format!("cannot run `{}` ({})", python.path.display(), python.why))
}

/// Runs to the end, or ends it. What it says goes to files: a process that it leaves behind would keep a
/// pipe open.
fn finished(command: &mut Command, limit: Duration) -> io::Result<Option<Output>> {
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null());
    command
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?);
    let mut child = command.spawn()?;
    let Some(status) = child.wait_timeout(limit)? else {
        child.kill()?;
        child.wait()?;
        return Ok(None);
    };
    Ok(Some(Output {
        status,
        stdout: all(&mut stdout)?,
        stderr: all(&mut stderr)?,
    }))
}

fn all(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(script: &str) -> &'static str {
    templates::text(&RelPath::root().join(script)).expect("the probe is embedded")
}

fn read<T: DeserializeOwned>(request: &Request, done: &Output) -> Result<T> {
    let python = request.python.path.display();
    if done.stdout.is_empty() {
        let said = String::from_utf8_lossy(&done.stderr);
        let last = said.trim_end().rsplit('\n').next().unwrap_or_default();
        bail!(
            "`{python}` ended without an answer ({}): {last}",
            done.status
        );
    }
    serde_json::from_slice(&done.stdout)
        .with_context(|| format!("the answer of `{python}` cannot be read: this is a bug of ours"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a program that waits")]
    fn what_waits_is_ended_and_what_ends_is_read() {
        let shell = |text: &str, limit| {
            let mut command = Command::new("sh");
            command.args(["-c", text]);
            finished(&mut command, Duration::from_millis(limit)).unwrap()
        };
        assert!(shell("sleep 5", 50).is_none());
        let done = shell("sleep 5 & echo read", 60_000).unwrap();
        assert_eq!(done.stdout, b"read\n");
    }
}
