//! Which files are meant: folders searched through, files taken as they are named.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::Gitignore;

use super::report::{FailedFile, SkipReason, SkippedFile};
use crate::cli::values::is_supported_extension;

/// The name of the files in which people list what is not to be ingested; lines as in `.gitignore`.
const IGNORE_FILE: &str = ".idsignore";

/// A path that is not there.
pub const FILE_NOT_FOUND: &str = "FILE_NOT_FOUND";
/// A file or folder that this user cannot read.
pub const FILE_UNREADABLE: &str = "FILE_UNREADABLE";

/// A file to be ingested.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// As it was named, or found below what was named.
    pub path: PathBuf,
    /// Where it lies, without links: what it is known by. `None` when that is not UTF-8.
    pub source: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Whether it was named itself, and not only its folder.
    pub is_named: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order named, folders in the order of their names.
    pub files: Vec<FoundFile>,
    /// What is not tried.
    pub skipped: Vec<SkippedFile>,
    /// What cannot be tried.
    pub failed: Vec<FailedFile>,
    /// How many of the named paths are not there.
    pub missing: usize,
    seen: HashSet<PathBuf>,
}

/// Looks at every path. Does file I/O on the calling thread.
pub fn walk(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => found.folder(path, &mut Vec::new()),
            Ok(metadata) if metadata.is_file() => found.file(path, metadata.len(), true),
            Ok(_) => found.fail(
                path,
                FILE_UNREADABLE,
                "it is neither a file nor a folder".to_owned(),
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                found.missing += 1;
                found.fail(path, FILE_NOT_FOUND, "there is no such file or folder".to_owned());
            }
            Err(error) => found.unreadable(path, &error),
        }
    }
    found
}

impl Found {
    /// One folder and all below it; `rules` are those of the folders above, outermost first.
    fn folder(&mut self, folder: &Path, rules: &mut Vec<Gitignore>) {
        let mut entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(folder, &error),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        let (own, problem) = match folder.join(IGNORE_FILE) {
            file if file.is_file() => Gitignore::new(file),
            _ => (Gitignore::empty(), None),
        };
        // Lines that cannot be read are worth a word: files that were to be left out would go in.
        if let Some(problem) = problem {
            tracing::warn!("`{}`: {problem}", folder.join(IGNORE_FILE).display());
        }
        rules.push(own);
        for entry in entries {
            self.entry(&entry, rules);
        }
        rules.pop();
    }

    fn entry(&mut self, entry: &fs::DirEntry, rules: &mut Vec<Gitignore>) {
        let path = entry.path();
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return self.unreadable(&path, &error),
        };
        let is_folder = metadata.is_dir();
        if is_hidden(&path) || !(is_folder || metadata.is_file()) || is_listed(&path, is_folder, rules) {
            self.skip(&path, SkipReason::Ignored);
        } else if is_folder {
            self.folder(&path, rules);
        } else if path
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(is_supported_extension)
        {
            self.file(&path, metadata.len(), false);
        } else {
            self.skip(&path, SkipReason::Unsupported);
        }
    }

    fn file(&mut self, path: &Path, size: u64, is_named: bool) {
        let absolute = match path.canonicalize() {
            Ok(absolute) => absolute,
            Err(error) => return self.unreadable(path, &error),
        };
        let source = absolute.to_str().map(str::to_owned);
        // A folder and a file in it may both be named.
        if self.seen.insert(absolute) {
            self.files.push(FoundFile {
                path: path.to_owned(),
                source,
                size,
                is_named,
            });
        }
    }

    fn skip(&mut self, path: &Path, reason: SkipReason) {
        self.skipped.push(SkippedFile {
            path: path.to_owned(),
            reason,
        });
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.fail(path, FILE_UNREADABLE, format!("it cannot be read: {error}"));
    }

    fn fail(&mut self, path: &Path, code: &str, error: String) {
        self.failed.push(FailedFile {
            path: path.to_owned(),
            error_code: code.to_owned(),
            error,
        });
    }
}

/// Hidden files, and the lock files that Office leaves beside an open document.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.starts_with(b".") || name.starts_with(b"~$")
}

/// Whether a rule says so; the innermost folder's last rule counts.
fn is_listed(path: &Path, is_folder: bool, rules: &[Gitignore]) -> bool {
    for rules in rules.iter().rev() {
        match rules.matched(path, is_folder) {
            Match::None => {}
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{FILE_NOT_FOUND, walk};
    use crate::cli::ingest::report::SkipReason;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn names(root: &tempfile::TempDir, paths: impl Iterator<Item = PathBuf>) -> Vec<String> {
        paths
            .map(|path| {
                path.strip_prefix(root.path())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn folders_give_supported_files_in_order_and_say_what_they_skip() {
        let root = tree(&[
            ("b.txt", "b"),
            ("a/z.PDF", "z"),
            ("photo.raw", "p"),
            (".hidden.txt", "h"),
            ("a/~$z.docx", "l"),
        ]);
        std::os::unix::fs::symlink(root.path().join("b.txt"), root.path().join("link.txt")).unwrap();

        let found = walk(&[root.path().to_owned()]);

        assert_eq!(
            names(&root, found.files.iter().map(|file| file.path.clone())),
            ["a/z.PDF", "b.txt"]
        );
        let ignored = found
            .skipped
            .iter()
            .filter(|skipped| skipped.reason == SkipReason::Ignored);
        assert_eq!(
            names(&root, ignored.map(|skipped| skipped.path.clone())),
            [".hidden.txt", "a/~$z.docx", "link.txt"]
        );
        assert_eq!(
            found
                .skipped
                .iter()
                .filter(|skipped| skipped.reason == SkipReason::Unsupported)
                .count(),
            1
        );
    }

    #[test]
    fn an_idsignore_counts_below_its_folder_and_a_gitignore_does_not() {
        let root = tree(&[
            (".idsignore", "drafts/\n*.md\n"),
            (".gitignore", "*.txt\n"),
            ("drafts/a.txt", "a"),
            ("b.txt", "b"),
            ("c.md", "c"),
            ("keep/.idsignore", "!*.md\n"),
            ("keep/d.md", "d"),
        ]);
        let found = walk(&[root.path().to_owned()]);
        assert_eq!(
            names(&root, found.files.iter().map(|file| file.path.clone())),
            ["b.txt", "keep/d.md"]
        );
    }

    #[test]
    fn named_files_are_taken_whatever_their_name_and_each_once() {
        let root = tree(&[("notes", "n"), ("a.txt", "a")]);
        let paths = [
            root.path().join("notes"),
            root.path().join("a.txt"),
            root.path().to_owned(),
        ];
        let found = walk(&paths);
        assert_eq!(
            names(&root, found.files.iter().map(|file| file.path.clone())),
            ["notes", "a.txt"]
        );
        assert!(found.files.iter().all(|file| file.is_named));
    }

    #[test]
    fn a_path_that_is_not_there_fails_and_the_others_go_on() {
        let root = tree(&[("a.txt", "a")]);
        let found = walk(&[root.path().join("none"), root.path().join("a.txt")]);
        assert_eq!((found.files.len(), found.missing), (1, 1));
        assert_eq!(found.failed[0].error_code, FILE_NOT_FOUND);
    }
}
