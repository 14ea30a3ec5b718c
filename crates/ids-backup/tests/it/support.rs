//! Small archives, and pieces of bad ones.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use ids_backup::{
    About, ArchiveWriter, BackupError, BackupKey, FORMAT, Manifest, Part, ReadArchive, Shape, Stop, Table,
    WrittenArchive, read_archive,
};
use ids_core::time::Timestamp;

/// 2026-01-31T03:15:00Z.
pub const STARTED: Timestamp = Timestamp::from_micros(1_769_829_300_000_000);

pub fn key() -> BackupKey {
    BackupKey::new("a key of a test, long enough").unwrap()
}

pub fn about(shape: Shape) -> About {
    let table = |name: &str| Table {
        name: name.to_owned(),
        columns: vec!["a".to_owned(), "b".to_owned()],
    };
    About {
        format: FORMAT,
        ids_version: "0.1.0".to_owned(),
        shape,
        schema_version: 5,
        started_at: STARTED,
        tables: match shape {
            Shape::Embedded => Vec::new(),
            Shape::Server => vec![table("organizations"), table("documents")],
        },
    }
}

pub fn manifest(about: About) -> Manifest {
    Manifest {
        about,
        tables: BTreeMap::new(),
        sequences: Vec::new(),
        originals: Vec::new(),
        missing: Vec::new(),
        without_originals: false,
        originals_key: None,
        members: Vec::new(),
    }
}

/// An archive of two tables and an included file.
pub fn write(path: &Path, key: Option<&BackupKey>) -> (WrittenArchive, Manifest) {
    let about = about(Shape::Server);
    let mut writer = ArchiveWriter::create(path, about.clone(), key, &Stop::default()).unwrap();
    writer.rows("organizations", b"1\tdefault\n").unwrap();
    writer.rows("documents", b"1\tata\n2\tedital\n").unwrap();
    writer.rows("documents", &b"3\tlei\n".repeat(100_000)).unwrap();
    writer.included("redis/dump.rdb", 5, &mut &b"REDIS"[..]).unwrap();
    writer.finish(manifest(about)).unwrap()
}

/// What an archive gives, each part as text.
pub fn read(
    path: &Path,
    key: Option<&BackupKey>,
) -> Result<(Vec<(String, String)>, ReadArchive), BackupError> {
    let mut parts = Vec::new();
    let archive = read_archive(path, "the archive", key, &Stop::default(), &mut |part| {
        let (name, bytes) = match part {
            Part::About(about) => (format!("about {}", about.shape), None),
            Part::Library(bytes) => ("library".to_owned(), Some(bytes)),
            Part::Rows { table, rows } => (table.to_owned(), Some(rows)),
            Part::Included { path, bytes } => (path.display().to_string(), Some(bytes)),
        };
        let mut text = String::new();
        if let Some(bytes) = bytes {
            bytes.read_to_string(&mut text)?;
        }
        parts.push((name, text));
        Ok(())
    })?;
    Ok((parts, archive))
}

/// What is said of an archive that is not to be read.
pub fn refused(path: &Path, key: Option<&BackupKey>) -> String {
    match read(path, key) {
        Ok((parts, _)) => panic!("it was read: {parts:?}"),
        Err(error) => error.to_string(),
    }
}

/// A tar in gzip of any entries, by whoever: their kind, name, link and bytes.
pub fn handmade(folder: &Path, entries: &[(tar::EntryType, &str, &str, &[u8])]) -> PathBuf {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (kind, name, link, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // By hand: the library refuses what leads outside.
        let field = header.as_old_mut();
        field.name[..name.len()].copy_from_slice(name.as_bytes());
        field.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    let bytes = tar.into_inner().unwrap().finish().unwrap();
    let path = folder.join("ids-20260131T031500Z.tar.gz");
    std::fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
    path
}
