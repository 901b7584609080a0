//! Git's index, as far as it says which files it holds. Pure: bytes in, names out.
//!
//! Format: <https://git-scm.com/docs/index-format>.

use std::collections::HashMap;

use sha1::{Digest, Sha1};

/// What the index holds for a path.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Held {
    /// This blob.
    Blob([u8; 20]),
    /// The sides of a merge that is not settled.
    Conflict,
}

/// The files git holds, by their path below the checkout's top.
#[derive(Default)]
pub(super) struct Index(HashMap<Vec<u8>, Held>);

impl Index {
    /// Reads versions 2 to 4; `None` for what is damaged or does not name every file itself.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(20)?)?;
        // Git leaves the sum out where `index.skipHash` is set.
        if sum != [0; 20] && Sha1::digest(body)[..] != *sum {
            return None;
        }
        let mut reader = Reader { body, at: 0 };
        if reader.take(4)? != b"DIRC" {
            return None;
        }
        let version = reader.number()?;
        let count = reader.number()?;
        if !(2..=4).contains(&version) {
            return None;
        }
        let mut files = HashMap::new();
        let mut path = Vec::new();
        for _ in 0..count {
            let (blob, is_conflict) = reader.entry(version, &mut path)?;
            let held = if is_conflict {
                Held::Conflict
            } else {
                Held::Blob(blob)
            };
            files.insert(path.clone(), held);
        }
        reader.names_every_file()?.then_some(Self(files))
    }

    /// What is held for `path`; `None` if git does not know it.
    pub(super) fn held(&self, path: &str) -> Option<&Held> {
        self.0.get(path.as_bytes())
    }
}

struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.body.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// One entry: `path` is the one before it and becomes its own.
    fn entry(&mut self, version: u32, path: &mut Vec<u8>) -> Option<([u8; 20], bool)> {
        const STAT: usize = 40;
        const EXTENDED: u16 = 0x4000;
        const STAGE: u16 = 0x3000;
        let start = self.at;
        self.take(STAT)?;
        let blob = self.take(20)?.try_into().ok()?;
        let flags = self.short()?;
        if flags & EXTENDED != 0 {
            self.short()?;
        }
        let kept = match version {
            4 => path.len().checked_sub(self.varint()?)?,
            _ => 0,
        };
        let length = self.body[self.at..].iter().position(|&byte| byte == 0)?;
        path.truncate(kept);
        path.extend_from_slice(self.take(length)?);
        let padding = match version {
            4 => 1,
            _ => 8 - (self.at - start) % 8,
        };
        self.take(padding)?;
        Some((blob, flags & STAGE != 0))
    }

    /// Version 4 says in git's own way how many bytes of the path before it go.
    fn varint(&mut self) -> Option<usize> {
        let mut value = 0_usize;
        loop {
            let byte = self.take(1)?[0];
            value = value
                .checked_mul(128)?
                .checked_add(usize::from(byte & 0x7f))?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            value += 1;
        }
    }

    /// Whether no extension says that files are named elsewhere (split) or not at all (sparse).
    fn names_every_file(&mut self) -> Option<bool> {
        while self.at < self.body.len() {
            let signature = self.take(4)?;
            let size = self.number()?;
            if matches!(signature, b"link" | b"sdir") {
                return Some(false);
            }
            self.take(usize::try_from(size).ok()?)?;
        }
        Some(true)
    }
}
