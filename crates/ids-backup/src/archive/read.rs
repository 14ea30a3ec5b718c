//! Reads an archive as if somebody hostile had made it: only names that we would have written, only files, no more than said, and
//! nothing is believed before its hash.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use ids_core::document::ContentHash;
use sha2::{Digest, Sha256};

use super::{ABOUT, INCLUDED, LIBRARY, MANIFEST, TABLES};
use crate::age::{AgeError, DecryptReader};
use crate::error::BackupError;
use crate::key::BackupKey;
use crate::manifest::{About, FORMAT, Manifest, Member, Shape};
use crate::stop::Stop;

/// A manifest names each document's bytes in some 200 bytes: room for two million documents.
const MANIFEST_BYTES: u64 = 512 * 1024 * 1024;
const ABOUT_BYTES: u64 = 4 * 1024 * 1024;
/// How what is encrypted begins: its name may have been changed on the way.
const AGE: &[u8] = b"age-encryption.org/";
const BUFFER: usize = 256 * 1024;

/// What stands next in an archive.
pub enum Part<'a> {
    /// The beginning.
    About(&'a About),
    /// The library of the embedded shape.
    Library(&'a mut dyn Read),
    /// Some rows of a table of the server.
    Rows {
        /// One of [`About::tables`].
        table: &'a str,
        /// Whole rows.
        rows: &'a mut dyn Read,
    },
    /// A file that was asked to be put in.
    Included {
        /// Where, below what it is taken out to: plain names only.
        path: &'a Path,
        /// Its bytes.
        bytes: &'a mut dyn Read,
    },
}

/// An archive that was read to its end, and holds what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadArchive {
    /// What it says.
    pub manifest: Manifest,
    /// Of the file.
    pub sha256: ContentHash,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Reads the archive in `path`, whose name is `name`, from its beginning to its end, and shows each part to `visit`, which need not read it.
///
/// Hashes can only be compared when a part has been read: until this returns, what `visit` got is not to be relied on.
///
/// # Errors
/// See [`BackupError`]; `Sink` is what `visit` failed with.
pub fn read_archive(
    path: &Path,
    name: &str,
    key: Option<&BackupKey>,
    stop: &Stop,
    visit: &mut dyn FnMut(Part<'_>) -> io::Result<()>,
) -> Result<ReadArchive, BackupError> {
    let reading = Reading {
        file: name,
        is_ours: false,
        visit,
    };
    let mut counted = Counted {
        from: BufReader::with_capacity(
            BUFFER,
            File::open(path).map_err(|error| BackupError::at(path, error))?,
        ),
        hash: Sha256::new(),
        bytes: 0,
        stop: stop.clone(),
    };
    let manifest = reading.read(&mut counted, key, path)?;
    // What stands behind the end is part of the file, too.
    io::copy(&mut counted, &mut io::sink()).map_err(|error| BackupError::at(path, error))?;
    Ok(ReadArchive {
        manifest,
        sha256: ContentHash::from_bytes(counted.hash.finalize().into()),
        bytes: counted.bytes,
    })
}

struct Reading<'a> {
    file: &'a str,
    /// A key of ours opened it: whatever is wrong with it is damage.
    is_ours: bool,
    visit: &'a mut dyn FnMut(Part<'_>) -> io::Result<()>,
}

impl Reading<'_> {
    fn read(
        mut self,
        counted: &mut Counted,
        key: Option<&BackupKey>,
        path: &Path,
    ) -> Result<Manifest, BackupError> {
        let file = self.file.to_owned();
        let begin = counted
            .from
            .fill_buf()
            .map_err(|error| BackupError::at(path, error))?;
        if !begin.starts_with(AGE) {
            return self.members(GzDecoder::new(counted));
        }
        let Some(key) = key else {
            return Err(BackupError::KeyMissing { file });
        };
        let opened = DecryptReader::new(counted, key.passphrase()).map_err(|error| match error {
            AgeError::WrongPassphrase => BackupError::WrongKey { file },
            AgeError::NotOurs => BackupError::NotABackup { file },
            AgeError::Damaged => BackupError::Damaged {
                file,
                what: "its header was changed or cut".to_owned(),
            },
            AgeError::Unreadable(error) => BackupError::at(path, error),
        })?;
        self.is_ours = true;
        self.members(GzDecoder::new(opened))
    }

    fn members<R: Read>(mut self, unpacked: GzDecoder<R>) -> Result<Manifest, BackupError> {
        let mut archive = tar::Archive::new(unpacked);
        let mut about: Option<About> = None;
        let mut found: Vec<Member> = Vec::new();
        let mut manifest = None;
        let entries = archive.entries().map_err(|error| self.unreadable(&error))?;
        for entry in entries {
            let mut entry = entry.map_err(|error| self.first_or_damaged(about.is_some(), &error))?;
            let name = self.name_of(&mut entry)?;
            let size = entry.size();
            if manifest.is_some() {
                return Err(self.damaged("something stands behind its manifest"));
            }
            let mut hashed = Hashed::new(&mut entry);
            if name == MANIFEST {
                manifest = Some(self.json::<Manifest>(&mut hashed, size, MANIFEST_BYTES)?);
                continue;
            }
            match &about {
                None if name == ABOUT => {
                    let first: About = self.json(&mut hashed, size, ABOUT_BYTES)?;
                    self.check_about(&first)?;
                    let done = (self.visit)(Part::About(&first));
                    self.said(done, None)?;
                    about = Some(first);
                }
                None => return Err(self.not_a_backup()),
                Some(about) => self.part(about, &name, &mut hashed)?,
            }
            hashed.drain().map_err(|error| self.unreadable(&error))?;
            found.push(hashed.member(name));
        }
        // The checksum of gzip, and that of the last encrypted piece, come behind the end of tar.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|error| self.unreadable(&error))?;
        let (Some(about), Some(manifest)) = (about, manifest) else {
            return Err(self.damaged("its end is missing"));
        };
        if manifest.about != about {
            return Err(self.damaged("its beginning and its end are of two backups"));
        }
        if let Some(name) = difference(&found, &manifest.members) {
            return Err(self.damaged(&format!("`{name}` is not what the manifest says")));
        }
        Ok(manifest)
    }

    fn part<R: Read>(
        &mut self,
        about: &About,
        name: &str,
        hashed: &mut Hashed<R>,
    ) -> Result<(), BackupError> {
        let included = name.strip_prefix(INCLUDED).and_then(plain_path);
        let table = name
            .strip_prefix(TABLES)
            .and_then(|rest| rest.split_once('/'))
            .map(|(table, _)| table)
            .filter(|table| about.tables.iter().any(|known| known.name == *table));
        let done = match (about.shape, table, &included) {
            (Shape::Embedded, _, _) if name == LIBRARY => (self.visit)(Part::Library(hashed)),
            (Shape::Server, Some(table), _) => (self.visit)(Part::Rows { table, rows: hashed }),
            (_, _, Some(path)) => (self.visit)(Part::Included { path, bytes: hashed }),
            _ => return Err(self.damaged(&format!("`{}` does not belong into a backup", shown_name(name)))),
        };
        self.said(done, hashed.failed.take())
    }

    /// Tells what the reading failed with from what the visitor did.
    fn said(&self, done: io::Result<()>, failed: Option<io::Error>) -> Result<(), BackupError> {
        match (done, failed) {
            (_, Some(error)) => Err(self.unreadable(&error)),
            (Err(source), None) if crate::stop::is_stop(&source) => Err(BackupError::Stopped),
            (Err(source), None) => Err(BackupError::Sink { source }),
            (Ok(()), None) => Ok(()),
        }
    }

    fn name_of<R: Read>(&self, entry: &mut tar::Entry<'_, R>) -> Result<String, BackupError> {
        let kind = entry.header().entry_type();
        let path = entry.path_bytes();
        let name = std::str::from_utf8(&path).map(str::to_owned);
        match name {
            Ok(name) if kind == tar::EntryType::Regular => Ok(name),
            // Links are how archives lead out of the folder they are taken out to.
            _ => Err(self.damaged(&format!(
                "`{}` does not belong into a backup",
                shown_name(&String::from_utf8_lossy(&path))
            ))),
        }
    }

    fn json<T: serde::de::DeserializeOwned>(
        &self,
        from: &mut impl Read,
        size: u64,
        most: u64,
    ) -> Result<T, BackupError> {
        if size > most {
            return Err(self.damaged("what it says of itself is too long"));
        }
        let mut text = Vec::new();
        from.take(most)
            .read_to_end(&mut text)
            .map_err(|error| self.unreadable(&error))?;
        // Versions are told apart before the rest is looked at.
        #[derive(serde::Deserialize)]
        struct Version {
            format: Option<u32>,
            ids_version: Option<String>,
        }
        if let Ok(version) = serde_json::from_slice::<Version>(&text)
            && version.format.is_some_and(|format| format > FORMAT)
        {
            return Err(BackupError::NewerFormat {
                file: self.file.to_owned(),
                ids_version: shown_name(&version.ids_version.unwrap_or_default()),
            });
        }
        serde_json::from_slice(&text).map_err(|_| self.damaged("what it says of itself cannot be read"))
    }

    fn check_about(&self, about: &About) -> Result<(), BackupError> {
        let is_name = |name: &String| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let good = about
            .tables
            .iter()
            .all(|table| is_name(&table.name) && table.columns.iter().all(is_name));
        if good {
            Ok(())
        } else {
            Err(self.damaged("its tables have names that are none of ours"))
        }
    }

    /// Nothing could be read at all: it is something else.
    fn first_or_damaged(&self, has_begun: bool, error: &io::Error) -> BackupError {
        if has_begun
            || self.is_ours
            || crate::stop::is_stop(error)
            || error.kind() == io::ErrorKind::UnexpectedEof
        {
            self.unreadable(error)
        } else {
            self.not_a_backup()
        }
    }

    fn not_a_backup(&self) -> BackupError {
        BackupError::NotABackup {
            file: self.file.to_owned(),
        }
    }

    fn unreadable(&self, error: &io::Error) -> BackupError {
        if crate::stop::is_stop(error) {
            return BackupError::Stopped;
        }
        let what = match error.kind() {
            io::ErrorKind::UnexpectedEof => "its end is missing".to_owned(),
            _ => error.to_string(),
        };
        self.damaged(&what)
    }

    fn damaged(&self, what: &str) -> BackupError {
        BackupError::Damaged {
            file: self.file.to_owned(),
            what: what.to_owned(),
        }
    }
}

/// The first member that is missing, or not as it should be.
fn difference<'a>(found: &'a [Member], said: &'a [Member]) -> Option<&'a str> {
    let differing = found.iter().zip(said).find(|(found, said)| found != said);
    let extra = found.get(said.len()).or(said.get(found.len()));
    differing
        .map(|(_, said)| said.name.as_str())
        .or(extra.map(|member| member.name.as_str()))
}

/// A relative path of plain names, which leads nowhere else.
fn plain_path(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let is_same = path.components().collect::<PathBuf>().as_os_str() == path.as_os_str();
    (plain && is_same && !name.is_empty() && !name.contains('\0')).then(|| path.to_owned())
}

/// A name that a stranger gave, for a terminal.
fn shown_name(name: &str) -> String {
    name.chars()
        .take(100)
        .map(|char| if char.is_control() { '?' } else { char })
        .collect()
}

struct Hashed<R> {
    from: R,
    hash: Sha256,
    bytes: u64,
    failed: Option<io::Error>,
}

impl<R: Read> Hashed<R> {
    fn new(from: R) -> Self {
        Self {
            from,
            hash: Sha256::new(),
            bytes: 0,
            failed: None,
        }
    }

    fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }

    fn member(self, name: String) -> Member {
        Member {
            name,
            bytes: self.bytes,
            sha256: ContentHash::from_bytes(self.hash.finalize().into()),
        }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.from.read(into) {
            Ok(count) => {
                self.hash.update(&into[..count]);
                self.bytes += count as u64;
                Ok(count)
            }
            Err(error) => {
                self.failed = Some(crate::stop::same(&error));
                Err(error)
            }
        }
    }
}

/// The file, with what is known of it at its end.
struct Counted {
    from: BufReader<File>,
    hash: Sha256,
    bytes: u64,
    stop: Stop,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stop.check()?;
        let count = self.from.read(into)?;
        self.hash.update(&into[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
