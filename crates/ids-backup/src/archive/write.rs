//! Writes an archive under a name that is not yet a backup's.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use ids_core::document::ContentHash;
use sha2::{Digest, Sha256};

use super::{ABOUT, INCLUDED, LIBRARY, MANIFEST, TABLES};
use crate::age::{EncryptWriter, WORK_OF_PASSPHRASES};
use crate::error::{BackupError, at};
use crate::key::BackupKey;
use crate::manifest::{About, Manifest, Member};
use crate::stop::Stop;

/// Half as fast as the level below gives 4 % less (bench/backup): a backup should not keep a small machine busy.
const LEVEL: Compression = Compression::new(3);
const BUFFER: usize = 256 * 1024;

/// Takes the members of an archive, in order.
pub struct ArchiveWriter {
    tar: tar::Builder<GzEncoder<Sealed>>,
    path: PathBuf,
    about: About,
    members: Vec<Member>,
    parts: u32,
    last_table: String,
}

/// An archive that is whole, and on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenArchive {
    /// Of the file, encrypted or not.
    pub sha256: ContentHash,
    /// Bytes of the file.
    pub bytes: u64,
}

impl ArchiveWriter {
    /// Begins an archive in `path`, which must not be there.
    ///
    /// # Errors
    /// `Full`, `Folder`.
    pub fn create(
        path: &Path,
        about: About,
        key: Option<&BackupKey>,
        stop: &Stop,
    ) -> Result<Self, BackupError> {
        let mut options = File::options();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(at(path))?;
        let counted = Counted {
            file: BufWriter::with_capacity(BUFFER, file),
            hash: Sha256::new(),
            bytes: 0,
            stop: stop.clone(),
        };
        let sealed = match key {
            None => Sealed::Plain(counted),
            Some(key) => Sealed::Age(
                EncryptWriter::new(counted, key.passphrase(), WORK_OF_PASSPHRASES).map_err(at(path))?,
            ),
        };
        let mut writer = Self {
            tar: tar::Builder::new(GzEncoder::new(sealed, LEVEL)),
            path: path.to_owned(),
            about,
            members: Vec::new(),
            parts: 0,
            last_table: String::new(),
        };
        let about = serde_json::to_vec_pretty(&writer.about).map_err(|error| at(path)(error.into()))?;
        writer.append(ABOUT, about.len() as u64, &mut about.as_slice())?;
        Ok(writer)
    }

    /// The library of the embedded shape.
    ///
    /// # Errors
    /// `Full`, `Folder`, `Stopped`.
    pub fn library(&mut self, bytes: u64, from: &mut dyn Read) -> Result<(), BackupError> {
        self.append(LIBRARY, bytes, from)
    }

    /// Some whole rows of a table of the server, which follow those before.
    ///
    /// # Errors
    /// `Full`, `Folder`, `Stopped`.
    pub fn rows(&mut self, table: &str, rows: &[u8]) -> Result<(), BackupError> {
        if self.last_table != table {
            table.clone_into(&mut self.last_table);
            self.parts = 0;
        }
        self.parts += 1;
        let name = format!("{TABLES}{table}/{:06}.copy", self.parts);
        self.append(&name, rows.len() as u64, &mut &*rows)
    }

    /// A file that was asked to be put in, by its name there.
    ///
    /// # Errors
    /// `Full`, `Folder`, `Stopped`.
    pub fn included(&mut self, name: &str, bytes: u64, from: &mut dyn Read) -> Result<(), BackupError> {
        self.append(&format!("{INCLUDED}{name}"), bytes, from)
    }

    /// Writes the manifest, whose `about` and `members` are set here, and makes all of it durable.
    ///
    /// # Errors
    /// `Full`, `Folder`, `Stopped`.
    pub fn finish(mut self, mut manifest: Manifest) -> Result<(WrittenArchive, Manifest), BackupError> {
        manifest.about = self.about.clone();
        manifest.members = std::mem::take(&mut self.members);
        let path = self.path.clone();
        let text = serde_json::to_vec(&manifest).map_err(|error| at(&path)(error.into()))?;
        self.append(MANIFEST, text.len() as u64, &mut text.as_slice())?;
        let counted = self
            .tar
            .into_inner()
            .and_then(GzEncoder::finish)
            .and_then(Sealed::finish)
            .map_err(at(&path))?;
        let written = WrittenArchive {
            sha256: ContentHash::from_bytes(counted.hash.finalize().into()),
            bytes: counted.bytes,
        };
        let file = counted
            .file
            .into_inner()
            .map_err(|error| at(&path)(error.into_error()))?;
        file.sync_all().map_err(at(&path))?;
        Ok((written, manifest))
    }

    fn append(&mut self, name: &str, bytes: u64, from: &mut dyn Read) -> Result<(), BackupError> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(self.about.started_at.as_unix_seconds()).unwrap_or(0));
        let mut hashed = Hashed {
            from: from.take(bytes),
            hash: Sha256::new(),
            bytes: 0,
        };
        self.tar
            .append_data(&mut header, name, &mut hashed)
            .map_err(at(&self.path))?;
        if hashed.bytes != bytes {
            let grown = io::Error::other(format!("`{name}` became shorter while it was read"));
            return Err(at(&self.path)(grown));
        }
        self.members.push(Member {
            name: name.to_owned(),
            bytes,
            sha256: ContentHash::from_bytes(hashed.hash.finalize().into()),
        });
        Ok(())
    }
}

struct Hashed<R> {
    from: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.hash.update(&into[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

/// The file, with what is known of it at its end.
struct Counted {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
    stop: Stop,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stop.check()?;
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

enum Sealed {
    Plain(Counted),
    Age(EncryptWriter<Counted>),
}

impl Sealed {
    fn finish(self) -> io::Result<Counted> {
        match self {
            Self::Plain(counted) => Ok(counted),
            Self::Age(writer) => writer.finish(),
        }
    }
}

impl Write for Sealed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(counted) => counted.write(bytes),
            Self::Age(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(counted) => counted.flush(),
            Self::Age(writer) => writer.flush(),
        }
    }
}
