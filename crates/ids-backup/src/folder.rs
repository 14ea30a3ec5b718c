//! A folder of backups: names, publishing in one step, lists, removal of what is old.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ids_core::time::Timestamp;
use time::{Date, Month, OffsetDateTime, Time};

use crate::archive::WrittenArchive;
use crate::error::{BackupError, at};
use crate::originals::Originals;

const PARTIAL: &str = ".partial-";
const LOCK: &str = ".lock";
const ENCRYPTED: &str = ".age";

/// The name of a backup: when it began, and whether it is encrypted. Ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackupName {
    /// When it began, to the second.
    pub started_at: Timestamp,
    /// Whether a key is needed.
    pub is_encrypted: bool,
}

impl BackupName {
    /// Reads `ids-20260131T031500Z.tar.gz`, with or without `.age`.
    pub fn parse(name: &str) -> Option<Self> {
        let (rest, is_encrypted) = match name.strip_suffix(ENCRYPTED) {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let digits = rest.strip_prefix("ids-")?.strip_suffix("Z.tar.gz")?;
        let (day, time) = digits.split_once('T')?;
        if day.len() != 8 || time.len() != 6 || !(day.bytes().chain(time.bytes())).all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let number = |text: &str| text.parse::<u16>().ok();
        let two = |text: &str| text.parse::<u8>().ok();
        let month = Month::try_from(two(&day[4..6])?).ok()?;
        let date = Date::from_calendar_date(number(&day[..4])?.into(), month, two(&day[6..])?).ok()?;
        let time = Time::from_hms(two(&time[..2])?, two(&time[2..4])?, two(&time[4..])?).ok()?;
        let seconds = OffsetDateTime::new_utc(date, time).unix_timestamp();
        Some(Self {
            started_at: Timestamp::from_micros(seconds.checked_mul(1_000_000)?),
            is_encrypted,
        })
    }

    /// The time it began, as RFC 3339 has it.
    pub fn started_at_text(&self) -> String {
        let at = self.at();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )
    }

    /// The name without its endings.
    pub fn stem(&self) -> String {
        let at = self.at();
        format!(
            "ids-{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )
    }

    fn at(&self) -> OffsetDateTime {
        // Times are those of a clock; one that is out of its mind is taken for the beginning of time.
        OffsetDateTime::from_unix_timestamp(self.started_at.as_unix_seconds())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The name of the list of its hash, for `sha256sum -c`.
    pub fn sha256_name(&self) -> String {
        format!("{}.sha256", self.stem())
    }

    /// The name of the list of the bytes of documents that it needs.
    pub fn originals_name(&self) -> String {
        format!("{}.originals", self.stem())
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encrypted = if self.is_encrypted { ENCRYPTED } else { "" };
        write!(f, "{}.tar.gz{encrypted}", self.stem())
    }
}

/// A backup of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBackup {
    /// Its name.
    pub name: BackupName,
    /// Bytes of its archive.
    pub bytes: u64,
}

/// The backups of a folder, newest first; what has another name is not one.
///
/// # Errors
/// `Folder`.
pub fn list_backups(folder: &Path) -> Result<Vec<ListedBackup>, BackupError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(folder)(error)),
    };
    let mut listed = Vec::new();
    for entry in entries {
        let entry = entry.map_err(at(folder))?;
        let name = entry.file_name().to_str().and_then(BackupName::parse);
        let metadata = entry.metadata().map_err(at(folder))?;
        if let Some(name) = name
            && metadata.is_file()
        {
            listed.push(ListedBackup {
                name,
                bytes: metadata.len(),
            });
        }
    }
    listed.sort_unstable_by_key(|backup| Reverse(backup.name));
    Ok(listed)
}

/// The names, below `originals/`, of the bytes that a backup needs; `None` where its list is gone or is none.
pub fn originals_of(folder: &Path, name: &BackupName) -> Option<BTreeSet<String>> {
    let text = fs::read_to_string(folder.join(name.originals_name())).ok()?;
    // Its last line says that it is whole.
    let names = text.strip_suffix("#\n")?;
    Some(names.lines().map(str::to_owned).collect())
}

/// A folder that this process alone writes backups to.
#[derive(Debug)]
pub struct BackupFolder {
    path: PathBuf,
    _lock: File,
}

/// A backup that is being made.
#[derive(Debug)]
pub struct NewBackup {
    /// What it will be called.
    pub name: BackupName,
    /// What its archive is called until then; removed on drop.
    pub partial: PathBuf,
}

impl Drop for NewBackup {
    fn drop(&mut self) {
        // After publishing there is nothing; what cannot be removed is removed before the next backup.
        let _ = fs::remove_file(&self.partial);
    }
}

impl BackupFolder {
    /// Makes the folder where there is none, takes it, and removes what a killed backup left.
    ///
    /// # Errors
    /// `Busy`, `Full`, `Folder`.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        // What lies there is people's data: nobody else on the machine may read it.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(at(path))?;
        let path = path.canonicalize().map_err(at(path))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy { path }),
            Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
        }
        let folder = Self { path, _lock: lock };
        folder.remove_partials()?;
        Ok(folder)
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A name for a backup that begins at `started_at`, or in the next second whose name is free.
    ///
    /// # Errors
    /// `Folder`.
    pub fn begin(&self, started_at: Timestamp, is_encrypted: bool) -> Result<NewBackup, BackupError> {
        let mut name = BackupName {
            started_at: Timestamp::from_micros(started_at.as_unix_seconds() * 1_000_000),
            is_encrypted,
        };
        let taken: BTreeSet<String> = list_backups(&self.path)?
            .iter()
            .map(|backup| backup.name.stem())
            .collect();
        while taken.contains(&name.stem()) {
            name.started_at = name.started_at.plus(Duration::from_secs(1));
        }
        Ok(NewBackup {
            partial: self.partial_of(&name.to_string()),
            name,
        })
    }

    /// A name for a file that goes when this run is over, or at the latest before the next backup.
    pub fn partial_of(&self, name: &str) -> PathBuf {
        self.path.join(format!("{PARTIAL}{name}"))
    }

    /// Gives a written archive its name, after its lists: whoever sees the name has a whole backup.
    ///
    /// # Errors
    /// `Full`, `Folder`.
    pub fn publish(
        &self,
        new: &NewBackup,
        written: &WrittenArchive,
        originals: &BTreeSet<String>,
    ) -> Result<PathBuf, BackupError> {
        let path = self.path.join(new.name.to_string());
        let hash = format!("{}  {}\n", written.sha256, new.name);
        self.write_list(&new.name.sha256_name(), &hash)?;
        let mut list: String = originals.iter().map(|name| format!("{name}\n")).collect();
        list.push_str("#\n");
        self.write_list(&new.name.originals_name(), &list)?;
        // The lists, whose names must be on the disk before that of the backup.
        sync(&self.path)?;
        fs::rename(&new.partial, &path).map_err(at(&path))?;
        sync(&self.path)?;
        Ok(path)
    }

    fn write_list(&self, name: &str, text: &str) -> Result<(), BackupError> {
        let partial = self.partial_of(name);
        let write = || {
            let mut options = OpenOptions::new();
            let mut file = options
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&partial)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&partial, self.path.join(name))
        };
        write().map_err(at(&self.path))
    }

    /// Removes backups that began more than `keep` before `now`, never the newest, and the bytes of documents that none of those left
    /// needs. Gives the names of the backups removed.
    ///
    /// # Errors
    /// `Folder`.
    pub fn prune(&self, keep: Duration, now: Timestamp) -> Result<Vec<String>, BackupError> {
        let oldest = now.minus(keep);
        let mut removed = Vec::new();
        for backup in list_backups(&self.path)?.iter().skip(1) {
            if backup.name.started_at >= oldest {
                continue;
            }
            // Its name first: what is left of it is no backup.
            remove(&self.path.join(backup.name.to_string()))?;
            remove(&self.path.join(backup.name.sha256_name()))?;
            remove(&self.path.join(backup.name.originals_name()))?;
            removed.push(backup.name.to_string());
        }
        let mut needed = BTreeSet::new();
        for backup in list_backups(&self.path)? {
            match originals_of(&self.path, &backup.name) {
                Some(names) => needed.extend(names),
                // Not known what it needs: nothing is removed that it might.
                None => return Ok(removed),
            }
        }
        Originals::remove_others(&self.path, &needed)?;
        Ok(removed)
    }

    fn remove_partials(&self) -> Result<(), BackupError> {
        for entry in fs::read_dir(&self.path).map_err(at(&self.path))? {
            let entry = entry.map_err(at(&self.path))?;
            if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                let path = entry.path();
                let removed = if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    fs::remove_dir_all(&path)
                } else {
                    fs::remove_file(&path)
                };
                removed.map_err(at(&path))?;
            }
        }
        Ok(())
    }
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// Makes a file, or the names in a folder, durable.
pub(crate) fn sync(path: &Path) -> Result<(), BackupError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(at(path))
}

/// One call for thousands of files, where a call for each would take minutes.
pub(crate) fn sync_file_system(folder: &Path) -> Result<(), BackupError> {
    let synced = File::open(folder).and_then(|file| Ok(rustix::fs::syncfs(file)?));
    synced.map_err(at(folder))
}
