//! The contracts that a plan may choose from. Pure.

use std::collections::BTreeMap;
use std::fmt;

use super::{Contract, Files, Invalid, folder};
use crate::config::values::contract_id;
use crate::finding::{Finding, nearest};
use crate::lock::{self, Lock, Text};
use crate::path::RelPath;
use crate::templates;
use crate::tree::Tree;

/// Contracts by id: the released ones, which we carry, and those that were added.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Contracts(BTreeMap<Id, Files>);

/// `line@generation.revision`; sorts oldest first within a line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Id {
    /// `zc-common` of `zc-common@1.0`.
    pub line: String,
    /// `1` of `zc-common@1.0`: what goes over the wire.
    pub generation: u32,
    revision: u32,
}

impl Contracts {
    /// The released ones.
    pub fn embedded() -> Self {
        let folders = templates::directories(&released());
        let versions = folders.iter().flat_map(templates::directories);
        Self(
            versions
                .map(|folder| (Id::of_folder(&folder), files(&folder)))
                .collect(),
        )
    }

    /// With one more, or another in its place. `None` where the id is not `line@generation.revision`.
    #[must_use]
    pub fn with(mut self, id: &str, files: Files) -> Option<Self> {
        self.0.insert(Id::parse(id)?, files);
        Some(self)
    }

    /// The contract of this id; without a revision (`zc-common@1`), the newest of that generation.
    pub fn find(&self, id: &str) -> Result<Contract, Finding> {
        let mut newest_first = self.0.iter().rev();
        let (found, files) = newest_first
            .find(|(known, _)| id == known.to_string() || id == known.newest())
            .ok_or_else(|| self.unknown(id))?;
        Contract::of(&found.to_string(), files.clone())
            .map_err(|invalid| unreadable(found, &invalid))
    }

    /// The contract that a config names: by id, or by its folder in the service.
    pub fn named(&self, tree: &Tree, text: &str) -> Result<Contract, Finding> {
        if text.contains('@') {
            return self.find(text);
        }
        let contract = folder::read(tree, text).map_err(|finding| {
            let ids = self.ids();
            match nearest(text, ids.iter().map(String::as_str)) {
                Some(near) if finding.code == "contract-folder-missing" => {
                    finding.help(format!("did you mean `{near}`?"))
                }
                _ => finding,
            }
        })?;
        if self.ids().contains(&contract.id) {
            return Err(
                folder::at_key(&contract, "id", "this is the id of a released contract")
                    .help("name your own, as in `our-bus@1.0`"),
            );
        }
        Ok(contract)
    }

    /// The contract of a lock: a released one, or the service's own as it was.
    pub fn recorded(&self, lock: &Lock) -> Result<Contract, Finding> {
        if lock.contract_files.is_empty() {
            return self.find(&lock.contract);
        }
        let kept = lock.contract_files.iter();
        let files = kept
            .map(|(path, Text(text))| (path.clone(), text.clone().into_bytes()))
            .collect();
        Contract::of(&lock.contract, files).map_err(|invalid| lock::damaged_contract(&invalid.why))
    }

    /// Every id, oldest first within a line.
    pub fn ids(&self) -> Vec<String> {
        self.0.keys().map(Id::to_string).collect()
    }

    fn unknown(&self, id: &str) -> Finding {
        let ids = self.ids();
        let finding = Finding::refusal("contract-unknown", format!("there is no contract `{id}`"));
        let finding = match nearest(id, ids.iter().map(String::as_str)) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding,
        };
        finding.help(format!("this version knows {}", ids.join(", ")))
    }
}

impl Id {
    /// Reads the id of one version: `zc-common@1.0`.
    pub fn parse(text: &str) -> Option<Self> {
        contract_id(text).ok()?;
        let (line, version) = text.split_once('@')?;
        let (generation, revision) = version.split_once('.')?;
        Some(Self {
            line: line.to_owned(),
            generation: generation.parse().ok()?,
            revision: revision.parse().ok()?,
        })
    }

    /// `contracts/zc-common/1.0` holds `zc-common@1.0`.
    fn of_folder(folder: &RelPath) -> Self {
        let line = folder.parent().unwrap_or_default();
        let text = format!("{}@{}", line.file_name(), folder.file_name());
        Self::parse(&text).expect("contract folders are named 1.0, 1.1, …")
    }

    /// What the newest revision of its generation is asked for by: `zc-common@1` of `zc-common@1.0`.
    pub fn newest(&self) -> String {
        format!("{}@{}", self.line, self.generation)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            generation,
            revision,
        } = self;
        write!(f, "{line}@{generation}.{revision}")
    }
}

fn released() -> RelPath {
    RelPath::root().join("contracts")
}

fn files(folder: &RelPath) -> Files {
    let content = |path: &RelPath| {
        let name = path.below(folder)?;
        let text = templates::text(path)?;
        Some((RelPath::root().join(name), text.into()))
    };
    templates::files(folder)
        .iter()
        .filter_map(content)
        .collect()
}

fn unreadable(id: &Id, invalid: &Invalid) -> Finding {
    let what = &invalid.why;
    Finding::refusal(
        "contract-invalid",
        format!("the contract `{id}` cannot be read: {what}"),
    )
    .help("choose another one: `--contract ID`")
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::contract::DEFAULT;

    /// A released folder never changes: make a new version instead.
    const RELEASED: &[(&str, &str)] = &[
        (
            "zc-common@1.0",
            "54181b56cd7b7ee8793ce313731097b4c1573c42a438e5ded354d7f0756fc947",
        ),
        (
            "zc-events@1.0",
            "848ae4e975e06fb004e797149a0ba1f9dba8e1dbd29bc4652a4cbdeb9b4e45ce",
        ),
        (
            "zc-events@2.0",
            "8b255551e1d2dc81405c9bf527eaa86709869f07d6a6c2fe7b8d08930e0c1200",
        ),
        (
            "zc-events@3.0",
            "0ce93181e1bf3e1057be943917772a446d1f587c9c613cc3354ef50060e29a30",
        ),
    ];

    #[test]
    fn a_released_contract_stays_as_it_is() {
        let found: Vec<(String, String)> = Contracts::embedded()
            .0
            .iter()
            .map(|(id, files)| (id.to_string(), hash(files)))
            .collect();
        let known: Vec<(String, String)> = RELEASED
            .iter()
            .map(|(id, hash)| ((*id).to_owned(), (*hash).to_owned()))
            .collect();
        assert_eq!(found, known);
    }

    /// Of each file's path and text, both with their length: no two folders give one input.
    fn hash(files: &Files) -> String {
        use std::fmt::Write as _;
        let mut hasher = Sha256::new();
        for (path, text) in files {
            for part in [path.as_str().as_bytes(), text] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
        }
        hasher
            .finalize()
            .iter()
            .fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            })
    }

    #[test]
    fn a_generation_is_its_newest_revision() {
        let contracts = Contracts::embedded();
        let find = |id| contracts.find(id).unwrap();
        assert_eq!(find("zc-common@1").id, "zc-common@1.0");
        assert_eq!(find(DEFAULT), find("zc-common@1.0"));
    }

    #[test]
    fn an_added_contract_is_found_like_a_released_one() {
        let contracts = Contracts::embedded();
        let first = contracts.find("zc-common@1.0").unwrap();
        let second = contracts.with("zc-common@1.10", first.files).unwrap();
        assert_eq!(second.find("zc-common@1").unwrap().id, "zc-common@1.10");
        assert_eq!(second.find("zc-common@1.0").unwrap().id, "zc-common@1.0");
        assert!(second.with("zc-common@1", Files::new()).is_none());
    }

    #[test]
    fn an_unknown_contract_lists_what_there_is() {
        let finding = Contracts::embedded().find("zc-comon@1.0").unwrap_err();
        assert_eq!(finding.code, "contract-unknown");
        assert_eq!(finding.help[0], "did you mean `zc-common@1.0`?");
        assert!(finding.help[1].starts_with("this version knows zc-common@1.0"));
        let finding = Contracts::embedded().find("x@9").unwrap_err();
        assert_eq!(finding.help.len(), 1);
    }
}
