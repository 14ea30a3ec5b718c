//! The files of the repository as tidy sees them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::stdout_of;

/// Files by their path from the root, `/` between folders.
pub struct Tree {
    /// `None`: not text.
    files: BTreeMap<String, Option<String>>,
    committed: Vec<String>,
}

impl Tree {
    /// What git tracks or would track; files that are ignored do not exist here.
    pub fn of_repository(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        for path in list(root, &["--cached", "--others", "--exclude-standard"])? {
            // Deleted or a link to nowhere: as good as gone.
            if let Ok(bytes) = fs::read(root.join(&path)) {
                files.insert(
                    path,
                    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')),
                );
            }
        }
        Ok(Self {
            files,
            committed: list(root, &["--cached"])?,
        })
    }

    /// The text of one file, if it is there and is text.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// All text files, by path.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// All text files below `folder` whose names end in `ending`.
    pub fn texts_in<'a>(
        &'a self,
        folder: &'a str,
        ending: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts()
            .filter(move |(path, _)| path.starts_with(folder) && path.ends_with(ending))
    }

    /// Whether a file or folder of that name is there.
    pub fn holds(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.contains_key(path)
            || self
                .files
                .range(folder.clone()..)
                .next()
                .is_some_and(|(next, _)| next.starts_with(&folder))
    }

    /// Whether git tracks the file.
    pub fn is_committed(&self, path: &str) -> bool {
        self.committed.iter().any(|committed| committed == path)
    }
}

fn list(root: &Path, which: &[&str]) -> Result<Vec<String>> {
    let names = stdout_of(
        Command::new("git")
            .args(["ls-files", "-z"])
            .args(which)
            .current_dir(root),
    )
    .context("tidy needs git and a clone of the repository")?;
    let mut paths: Vec<String> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

#[cfg(test)]
impl Tree {
    /// A made-up tree, all of it committed.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self {
            files: files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())))
                .collect(),
            committed: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_their_folders_are_there_and_their_namesakes_are_not() {
        let tree = Tree::of(&[("docs/adr/0001-a.md", ""), ("docs-old/x.md", "")]);
        for path in ["docs/adr/0001-a.md", "docs", "docs/", "docs/adr", "docs-old"] {
            assert!(tree.holds(path), "{path}");
        }
        for path in ["doc", "docs/adr/0001", "x.md"] {
            assert!(!tree.holds(path), "{path}");
        }
    }
}
