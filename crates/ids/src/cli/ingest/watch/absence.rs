//! Whether a file that is not there was removed. A drive that is not mounted shows an empty folder, and a server that does not answer
//! shows nothing: neither may cost anybody his documents.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::root::Root;

/// What can be said of a file that was not seen.
#[derive(Debug, PartialEq, Eq)]
pub enum Absence {
    /// It is there.
    None,
    /// It was removed.
    Sure,
    /// The file system does not say.
    Unknown,
    /// It is not there, and this folder looks as if its drive was not there either.
    Doubtful(PathBuf),
}

/// The file systems that folders lay on when they were first seen.
#[derive(Default)]
pub struct Mounts(HashMap<PathBuf, u64>);

impl Mounts {
    /// A folder was seen.
    pub fn saw(&mut self, folder: &Path, device: u64) {
        self.0.entry(folder.to_owned()).or_insert(device);
    }

    /// What can be said of a file below `root`. `is_old` when it went while nobody watched: then an empty folder is no proof.
    pub fn absence(&self, root: &Root, file: &Path, is_old: bool) -> Absence {
        match fs::symlink_metadata(file) {
            Ok(_) => return Absence::None,
            Err(error) if is_missing(error.kind()) => {}
            Err(_) => return Absence::Unknown,
        }
        let mut folder = file.parent();
        while let Some(path) = folder.filter(|path| root.holds(path)) {
            match fs::symlink_metadata(path) {
                Ok(metadata) if metadata.is_dir() => {
                    let is_other = self.0.get(path).is_some_and(|&device| device != metadata.dev());
                    let is_bare = is_old && fs::read_dir(path).is_ok_and(|mut names| names.next().is_none());
                    return if is_other || is_bare {
                        Absence::Doubtful(path.to_owned())
                    } else {
                        Absence::Sure
                    };
                }
                // A file stands where the folder was.
                Ok(_) => {}
                Err(error) if is_missing(error.kind()) => {}
                Err(_) => return Absence::Unknown,
            }
            folder = path.parent();
        }
        // The watched folder itself is not there.
        Absence::Unknown
    }
}

fn is_missing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Absence, Mounts};
    use crate::cli::ingest::watch::root::Root;

    #[test]
    fn only_a_file_missing_from_a_folder_that_is_as_it_was_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().canonicalize().unwrap().join(name);
        fs::create_dir_all(at("root/full")).unwrap();
        fs::create_dir_all(at("root/bare")).unwrap();
        fs::write(at("root/full/a"), "a").unwrap();
        let root = Root::new(&at("root")).unwrap();
        let mut mounts = Mounts::default();
        mounts.saw(&at("root/other"), u64::MAX);
        fs::create_dir(at("root/other")).unwrap();
        fs::write(at("root/other/readme"), "mount the drive here").unwrap();
        let check = |file: &str, is_old, expected: Absence| {
            assert_eq!(mounts.absence(&root, &at(file), is_old), expected, "{file}");
        };

        check("root/full/a", false, Absence::None);
        check("root/full/b", false, Absence::Sure);
        check("root/full/b", true, Absence::Sure);
        check("root/full/deep/er/b", true, Absence::Sure);
        check("root/full/a/b", true, Absence::Sure);
        check("root/bare/b", false, Absence::Sure);
        check("root/bare/b", true, Absence::Doubtful(at("root/bare")));
        check("root/bare/deep/b", true, Absence::Doubtful(at("root/bare")));
        check("root/other/b", false, Absence::Doubtful(at("root/other")));
        fs::remove_dir_all(at("root")).unwrap();
        check("root/full/b", false, Absence::Unknown);
    }
}
