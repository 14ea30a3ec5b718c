//! One archive: what was written is read, and nothing else is.

use ids_backup::{ArchiveWriter, BackupError, BackupKey, Shape, Stop, read_archive};
use tar::EntryType;

use crate::support::{about, handmade, key, manifest, read, refused, write};

const PLAIN: &str = "ids-20260131T031500Z.tar.gz";
const ENCRYPTED: &str = "ids-20260131T031500Z.tar.gz.age";

#[test]
fn what_was_written_is_read_with_and_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    for (name, key) in [(PLAIN, None), (ENCRYPTED, Some(key()))] {
        let path = folder.path().join(name);
        let (written, manifest) = write(&path, key.as_ref());

        let (parts, archive) = read(&path, key.as_ref()).unwrap();

        let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "about server",
                "organizations",
                "documents",
                "documents",
                "redis/dump.rdb"
            ]
        );
        assert_eq!(parts[2].1, "1\tata\n2\tedital\n");
        assert_eq!(parts[3].1.len(), 600_000);
        assert_eq!(archive.manifest, manifest);
        assert_eq!((archive.sha256, archive.bytes), (written.sha256, written.bytes));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), written.bytes);
        assert!(written.bytes < 20_000, "it is compressed: {}", written.bytes);
    }
}

#[test]
fn a_key_is_asked_for_and_another_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(ENCRYPTED);
    write(&path, Some(&key()));
    assert!(refused(&path, None).contains("set BACKUP_KEY"));
    let other = BackupKey::new("another key of another test").unwrap();
    let said = refused(&path, Some(&other));
    assert!(said.contains("not opened by this BACKUP_KEY"), "{said}");
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n-> scrypt "));
}

#[test]
fn an_archive_that_was_cut_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, key) in [(PLAIN, None), (ENCRYPTED, Some(key()))] {
        let path = folder.path().join(name);
        write(&path, key.as_ref());
        let whole = std::fs::read(&path).unwrap();
        for end in [0, 1, 9, 200, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
            std::fs::write(&path, &whole[..end]).unwrap();
            let said = refused(&path, key.as_ref());
            assert!(
                said.contains("damaged") || said.contains("no backup"),
                "{name} at {end}: {said}"
            );
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn an_archive_of_which_a_byte_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, key) in [(PLAIN, None), (ENCRYPTED, Some(key()))] {
        let path = folder.path().join(name);
        write(&path, key.as_ref());
        let whole = std::fs::read(&path).unwrap();
        // From behind the head of gzip, whose name and time mean nothing.
        for at in (10..whole.len()).step_by(whole.len() / 12) {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            std::fs::write(&path, &changed).unwrap();
            refused(&path, key.as_ref());
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn something_else_is_no_backup() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(PLAIN);
    for bytes in [
        &b"%PDF-1.7 and some more bytes of another kind"[..],
        b"PK\x03\x04",
        &[0; 4096],
    ] {
        std::fs::write(&path, bytes).unwrap();
        let said = refused(&path, None);
        assert!(
            said.contains("no backup made by") || said.contains("its end is missing"),
            "{said}"
        );
    }
    let other = handmade(folder.path(), &[(EntryType::Regular, "holidays.txt", "", b"x")]);
    assert!(refused(&other, None).contains("no backup made by"));
}

#[test]
fn what_leads_outside_or_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = serde_json::to_vec(&about(Shape::Server)).unwrap();
    for (kind, name, link) in [
        (EntryType::Regular, "../evil", ""),
        (EntryType::Regular, "/etc/evil", ""),
        (EntryType::Regular, "included/../../evil", ""),
        (EntryType::Regular, "included//etc/evil", ""),
        (EntryType::Regular, "included/./evil", ""),
        (EntryType::Regular, "included/", ""),
        (EntryType::Symlink, "included/link", "/etc/passwd"),
        (EntryType::Link, "included/link", "/etc/passwd"),
        (EntryType::Char, "included/device", ""),
        (EntryType::Directory, "included/folder", ""),
        (EntryType::Regular, "tables/pg_shadow/000001.copy", ""),
        (
            EntryType::Regular,
            "tables/documents; drop table documents/1.copy",
            "",
        ),
        (EntryType::Regular, "library.db", ""),
    ] {
        let path = handmade(
            folder.path(),
            &[
                (EntryType::Regular, "about.json", "", &first),
                (kind, name, link, b""),
            ],
        );
        let said = refused(&path, None);
        assert!(said.contains("does not belong into a backup"), "{name}: {said}");
    }
}

#[test]
fn tables_of_other_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut bad = about(Shape::Server);
    bad.tables[0].columns.push("a) from program 'id'; --".to_owned());
    let first = serde_json::to_vec(&bad).unwrap();
    let path = handmade(folder.path(), &[(EntryType::Regular, "about.json", "", &first)]);
    assert!(refused(&path, None).contains("names that are none of ours"));
}

#[test]
fn a_manifest_must_name_all_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(PLAIN);
    let (_, good) = write(&path, None);
    let first = serde_json::to_vec(&good.about).unwrap();
    let mut unsaid = manifest(good.about.clone());
    unsaid.members = good.members[..1].to_vec();
    unsaid.members[0].bytes = first.len() as u64;
    let last = serde_json::to_vec(&unsaid).unwrap();
    fn file<'a>(name: &'a str, bytes: &'a [u8]) -> (EntryType, &'a str, &'a str, &'a [u8]) {
        (EntryType::Regular, name, "", bytes)
    }
    let extra = handmade(
        folder.path(),
        &[
            file("about.json", &first),
            file("tables/documents/000001.copy", b"9\tforged\n"),
            file("manifest.json", &last),
        ],
    );
    assert!(refused(&extra, None).contains("is not what the manifest says"));
    let behind = handmade(
        folder.path(),
        &[
            file("about.json", &first),
            file("manifest.json", &last),
            file("tables/documents/000001.copy", b"9\tforged\n"),
        ],
    );
    assert!(refused(&behind, None).contains("behind its manifest"));
}

#[test]
fn a_format_of_a_version_to_come_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let first = br#"{"format": 2, "ids_version": "9.0.0", "all": "else is different"}"#;
    let path = handmade(folder.path(), &[(EntryType::Regular, "about.json", "", first)]);
    let said = refused(&path, None);
    assert!(
        said.contains("was made by ids 9.0.0") && said.contains("use that version"),
        "{said}"
    );
}

#[test]
fn who_writes_or_reads_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(PLAIN);
    let stop = Stop::default();
    let mut writer = ArchiveWriter::create(&path, about(Shape::Server), None, &stop).unwrap();
    stop.ask();
    // Random enough to come out of the compression at once.
    let rows: Vec<u8> = (0..4_000_000u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let error = writer.rows("documents", &rows).unwrap_err();
    assert!(matches!(error, BackupError::Stopped), "{error:?}");
    drop(writer);
    std::fs::remove_file(&path).unwrap();

    write(&path, None);
    let error = read_archive(&path, "the archive", None, &stop, &mut |_| Ok(())).unwrap_err();
    assert!(matches!(error, BackupError::Stopped), "{error:?}");
}

#[test]
fn what_the_reader_does_with_it_fails_in_its_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(PLAIN);
    write(&path, None);
    let error = read_archive(&path, "the archive", None, &Stop::default(), &mut |_| {
        Err(std::io::Error::other("the table is gone"))
    });
    let error = error.unwrap_err();
    assert!(matches!(error, BackupError::Sink { .. }), "{error:?}");
    assert!(error.to_string().contains("the table is gone"));
}
