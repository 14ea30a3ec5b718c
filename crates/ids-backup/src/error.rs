//! Why a backup cannot be made or read.

use std::io;
use std::path::{Path, PathBuf};

use crate::stop::is_stop;

/// What happened, to which file, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder of the machine cannot be read or written.
    #[error("`{path}` cannot be read or written: {source}; check that it is there and whose it is")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No space is left.
    #[error(
        "the disk of `{path}` is full, and nothing of this backup was kept; free some space or give another folder"
    )]
    Full {
        /// Where.
        path: PathBuf,
    },
    /// Somebody else writes there.
    #[error("another backup is being made in `{path}`; wait for its end")]
    Busy {
        /// Where.
        path: PathBuf,
    },
    /// There is none.
    #[error("there is no backup in `{place}`; give another place with --from")]
    None {
        /// Where.
        place: String,
    },
    /// The name is not one of a backup.
    #[error("`{file}` is not the name of a backup; `ids backup list` shows those there are")]
    NotAName {
        /// Which.
        file: String,
    },
    /// It is encrypted, and there is no key.
    #[error("`{file}` is encrypted; set BACKUP_KEY to the key it was made with")]
    KeyMissing {
        /// Which.
        file: String,
    },
    /// The key is another one.
    #[error("`{file}` is not opened by this BACKUP_KEY; set the one it was made with")]
    WrongKey {
        /// Which.
        file: String,
    },
    /// It was changed, cut, or badly stored.
    #[error("`{file}` is damaged ({what}); take another backup (`ids backup list`)")]
    Damaged {
        /// Which.
        file: String,
        /// What was seen.
        what: String,
    },
    /// It is something else.
    #[error("`{file}` is no backup made by `ids backup`")]
    NotABackup {
        /// Which.
        file: String,
    },
    /// Its format is of a version to come.
    #[error(
        "`{file}` was made by ids {ids_version}, whose format of backups is newer than this version knows; use that version"
    )]
    NewerFormat {
        /// Which.
        file: String,
        /// By which version.
        ids_version: String,
    },
    /// Somebody asked for an end.
    #[error("stopped; nothing was left behind")]
    Stopped,
    /// What was read could not be put where it was to go.
    #[error("what the backup holds cannot be taken over: {source}")]
    Sink {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl BackupError {
    /// What an error at `path` means.
    pub fn at(path: &Path, source: io::Error) -> Self {
        if is_stop(&source) {
            return Self::Stopped;
        }
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full {
                path: path.to_owned(),
            },
            _ => Self::Folder {
                path: path.to_owned(),
                source,
            },
        }
    }
}

/// For `map_err`.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
    move |source| BackupError::at(path, source)
}
