//! Tells git's index of the three texts behind conflict markers, so that `git mergetool` works.
//!
//! Done behind the transaction, by git itself: the files are right without it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::merge::Sides;
use crate::path::RelPath;
use crate::tree::{GitState, Tree};

/// Makes each of these files unmerged in the index: stage 1 is what we wrote, 2 what we would write now,
/// 3 the user's own. Files that git does not know stay unknown to it.
pub fn stage_conflicts(root: &Path, tree: &Tree, conflicts: &[(RelPath, Sides)]) -> Result<()> {
    let Some(prefix) = tree.below_repository() else {
        return Ok(());
    };
    for (path, sides) in conflicts {
        let real = tree.real(path).unwrap_or_else(|| path.clone());
        if tree.git_state(&real) == GitState::Untracked {
            continue;
        }
        let in_index = prefix.join(real.as_str());
        let write = ["hash-object", "-w", "--stdin", "--path", real.as_str()];
        let texts = [&sides.base, &sides.ours, &sides.theirs].into_iter();
        let blobs = texts.map(|text| git(root, &write, text));
        let blobs: Vec<String> = blobs.collect::<Result<_>>()?;
        let line = |(stage, blob): (usize, &String)| {
            format!("100644 {} {}\t{in_index}\0", blob.trim_end(), stage + 1)
        };
        let stages: String = blobs.iter().enumerate().map(line).collect();
        let nothing = "0".repeat(blobs[0].trim_end().len());
        let lines = format!("0 {nothing}\t{in_index}\0{stages}");
        let update = ["update-index", "-z", "--index-info"];
        git(root, &update, lines.as_bytes())?;
    }
    Ok(())
}

/// What git prints, given these words and this input. No hook and no monitor of the checkout runs.
fn git(root: &Path, words: &[&str], input: &[u8]) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "git alone writes its index")]
    let mut git = Command::new("git");
    git.args([
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
    ]);
    let mut child = git
        .args(words)
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("git does not start")?;
    let mut pipe = child.stdin.take().context("git reads nothing")?;
    pipe.write_all(input).context("git stopped reading")?;
    drop(pipe);
    let done = child.wait_with_output()?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("git {}: {}", words[0], said.trim_end());
    }
    Ok(String::from_utf8(done.stdout)?)
}
