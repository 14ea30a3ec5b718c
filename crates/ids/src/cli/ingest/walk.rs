//! Which files are meant: folders searched through, files taken as they are named.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::Gitignore;

use super::report::{FailedFile, SkipReason, SkippedFile};
use crate::cli::values::is_supported_extension;

/// The name of the files in which people list what is not to be ingested; lines as in `.gitignore`.
const IGNORE_FILE: &str = ".idsignore";
/// How files end that a program is still writing, or that it will rename.
const UNFINISHED: [&str; 5] = [".part", ".partial", ".crdownload", ".download", ".tmp"];

/// A path that is not there.
pub const FILE_NOT_FOUND: &str = "FILE_NOT_FOUND";
/// A file or folder that this user cannot read.
pub const FILE_UNREADABLE: &str = "FILE_UNREADABLE";

/// A file to be ingested.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// As it was named, or found below what was named.
    pub path: PathBuf,
    /// What it is called in reports, where that is not its path: the address of a page.
    pub shown: Option<PathBuf>,
    /// Where it lies, without links, or its address: what it is known by. `None` when that is not UTF-8.
    pub source: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Whether it was named itself, and not only its folder.
    pub is_named: bool,
    /// What tells it from what it was before.
    pub state: FileState,
}

impl FoundFile {
    /// What it is called in reports.
    pub fn shown(&self) -> PathBuf {
        self.shown.as_ref().unwrap_or(&self.path).clone()
    }
}

/// What the file system says of a file: another state, and it may hold other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    /// Bytes.
    pub size: u64,
    inode: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// The same of the last change of anything but the time of the last read; no program can set it.
    changed: (i64, i64),
}

impl FileState {
    /// Of what is there.
    pub fn of(metadata: &fs::Metadata) -> Self {
        Self {
            size: metadata.len(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A folder that was looked into.
#[derive(Debug)]
pub struct FoundFolder {
    /// Which.
    pub path: PathBuf,
    /// The file system it lies on.
    pub device: u64,
    /// Whatever lies in it, what is ignored too.
    pub names: HashSet<OsString>,
    /// The folders in it that are not ignored.
    pub folders: Vec<PathBuf>,
    /// Its `.idsignore`.
    pub rules: Option<FileState>,
}

/// How far a look goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Into one folder.
    Folder,
    /// And into all below it.
    Tree,
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
    /// The folders that could be read, where they were asked for ([`look`]).
    pub folders: Vec<FoundFolder>,
    depth: Option<Depth>,
    seen: HashSet<PathBuf>,
}

/// Looks at every path. Does file I/O on the calling thread.
pub fn walk(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => found.folder(path, &mut Vec::new()),
            Ok(metadata) if metadata.is_file() => found.file(path, &metadata, true),
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

/// Looks into a folder that is `root` or lies below it, as [`walk`] would on its way, and tells what else lies there. What is
/// ignored is not looked into.
pub fn look(root: &Path, folder: &Path, depth: Depth) -> Found {
    let mut found = Found {
        depth: Some(depth),
        ..Found::default()
    };
    let Ok(below) = folder.strip_prefix(root) else {
        return found;
    };
    let mut rules = Vec::new();
    let mut above = root.to_owned();
    for part in below {
        rules.push(rules_of(&above));
        above.push(part);
        let is_folder = fs::symlink_metadata(&above).is_ok_and(|metadata| metadata.is_dir());
        if !is_folder || is_hidden(&above) || is_listed(&above, true, &rules) {
            return found;
        }
    }
    found.folder(folder, &mut rules);
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
        rules.push(rules_of(folder));
        if self.depth.is_some() {
            self.record(folder, &entries, rules);
        }
        for entry in entries {
            self.entry(&entry, rules);
        }
        rules.pop();
    }

    fn record(&mut self, folder: &Path, entries: &[fs::DirEntry], rules: &[Gitignore]) {
        let Ok(metadata) = fs::symlink_metadata(folder) else {
            return;
        };
        let is_folder = |entry: &&fs::DirEntry| entry.file_type().is_ok_and(|of| of.is_dir());
        let folders = entries.iter().filter(is_folder).map(fs::DirEntry::path);
        let rules_file = fs::symlink_metadata(folder.join(IGNORE_FILE)).ok();
        self.folders.push(FoundFolder {
            path: folder.to_owned(),
            device: metadata.dev(),
            names: entries.iter().map(fs::DirEntry::file_name).collect(),
            folders: folders
                .filter(|path| !is_hidden(path) && !is_listed(path, true, rules))
                .collect(),
            rules: rules_file.as_ref().map(FileState::of),
        });
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
            if self.depth != Some(Depth::Folder) {
                self.folder(&path, rules);
            }
        } else if path
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(is_supported_extension)
        {
            self.file(&path, &metadata, false);
        } else {
            self.skip(&path, SkipReason::Unsupported);
        }
    }

    fn file(&mut self, path: &Path, metadata: &fs::Metadata, is_named: bool) {
        let absolute = match path.canonicalize() {
            Ok(absolute) => absolute,
            Err(error) => return self.unreadable(path, &error),
        };
        let source = absolute.to_str().map(str::to_owned);
        // A folder and a file in it may both be named.
        if self.seen.insert(absolute) {
            self.files.push(FoundFile {
                path: path.to_owned(),
                shown: None,
                source,
                size: metadata.len(),
                is_named,
                state: FileState::of(metadata),
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

/// The rules that stand in a folder itself.
fn rules_of(folder: &Path) -> Gitignore {
    let (rules, problem) = match folder.join(IGNORE_FILE) {
        file if file.is_file() => Gitignore::new(file),
        _ => (Gitignore::empty(), None),
    };
    // Lines that cannot be read are worth a word: files that were to be left out would go in.
    if let Some(problem) = problem {
        tracing::warn!("`{}`: {problem}", folder.join(IGNORE_FILE).display());
    }
    rules
}

/// Hidden files, the lock files that Office and LibreOffice leave beside an open document, and what is not written to its end.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let is_unfinished = UNFINISHED.iter().any(|end| {
        let from = name.len().saturating_sub(end.len());
        name[from..].eq_ignore_ascii_case(end.as_bytes())
    });
    name.starts_with(b".") || name.starts_with(b"~$") || is_unfinished
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
            ("a/.~lock.z.odt#", "l"),
            ("a/half.pdf.crdownload", "h"),
            ("a/half.pdf.PART", "h"),
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
            [
                ".hidden.txt",
                "a/.~lock.z.odt#",
                "a/half.pdf.PART",
                "a/half.pdf.crdownload",
                "a/~$z.docx",
                "link.txt"
            ]
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
