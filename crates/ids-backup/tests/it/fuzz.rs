//! The reader of archives, and of what is encrypted, on damaged files: see `ids_testkit::fuzz`.

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ids_backup::Shape;
use ids_backup::age::{DecryptReader, EncryptWriter};
use ids_net::Secret;
use ids_testkit::fuzz::{Fuzz, Mutator, no_container};

use crate::support::{about, manifest, read};

const WORDS: [&[u8]; 14] = [
    b"ustar\0",
    b"../",
    b"/etc/x",
    b"tables/a/000001.copy",
    b"included/../../x",
    b"library.db",
    b"manifest.json",
    b"about.json",
    b"\"members\":[",
    b"\"bytes\":18446744073709551615",
    b"\"format\":9",
    b"\0\0\0\0\0\0\0\0",
    b"-> scrypt AAAA 22\n",
    b"--- ",
];

fn crashers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crashers")
}

/// Damages the archive inside its compression.
fn in_gzip(bytes: &[u8], mutator: &mut Mutator<'_>) -> Option<Vec<u8>> {
    let mut tar = Vec::new();
    GzDecoder::new(bytes).take(4_000_000).read_to_end(&mut tar).ok()?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&mutator.damaged(&tar)).ok()?;
    gzip.finish().ok()
}

#[test]
fn fuzz_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids-20260131T031500Z.tar.gz");
    let about = about(Shape::Server);
    let mut writer =
        ids_backup::ArchiveWriter::create(&path, about.clone(), None, &ids_backup::Stop::default()).unwrap();
    writer.rows("documents", b"1\tata\n2\tedital\n").unwrap();
    writer.included("redis/dump.rdb", 5, &mut &b"REDIS"[..]).unwrap();
    writer.finish(manifest(about)).unwrap();
    let fuzz = Fuzz {
        name: "archive",
        seeds: vec![std::fs::read(&path).unwrap()],
        words: &WORDS,
        crashers: crashers(),
    };
    let cases = fuzz.run(&in_gzip, &|bytes| {
        std::fs::write(&path, bytes).unwrap();
        // Whatever it says, it says it: read or refused.
        let _ = read(&path, None);
    });
    println!("archive: {cases} cases");
    assert!(cases > 0);
}

#[test]
fn fuzz_age() {
    let passphrase = Secret::new("a key of a test, long enough");
    let mut writer = EncryptWriter::new(Vec::new(), &passphrase, 1).unwrap();
    writer.write_all(&b"some rows of a table ".repeat(40)).unwrap();
    let fuzz = Fuzz {
        name: "age",
        seeds: vec![writer.finish().unwrap()],
        words: &WORDS,
        crashers: crashers(),
    };
    let cases = fuzz.run(&no_container, &|bytes| {
        if let Ok(mut reader) = DecryptReader::new(Cursor::new(bytes), &passphrase) {
            let _ = reader.read_to_end(&mut Vec::new());
        }
    });
    println!("age: {cases} cases");
    assert!(cases > 0);
}
