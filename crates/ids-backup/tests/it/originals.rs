//! The bytes of documents: each once, under its hash, and under each key once.

use std::io::Read;
use std::path::Path;

use ids_backup::{BackupError, BackupKey, KeptBytes, Originals, OriginalsKey, Stop, open_original};

use crate::support::key;

fn keep(place: &Path, key: Option<&OriginalsKey>, text: &str) -> (KeptBytes, String) {
    let mut originals = Originals::open(place, key.cloned(), &Stop::default()).unwrap();
    let kept = originals.keep(&mut text.as_bytes()).unwrap();
    assert!(originals.has(&kept.sha256), "before it is settled, too");
    let name = originals.name(&kept.sha256);
    originals.settle().unwrap();
    (kept, name)
}

fn count(place: &Path) -> usize {
    let folders = std::fs::read_dir(place.join("originals")).unwrap();
    folders
        .map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count())
        .sum()
}

#[test]
fn equal_bytes_are_kept_once_and_under_each_key() {
    let place = tempfile::tempdir().unwrap();
    let (one, other) = (
        key().originals(),
        BackupKey::new("the key of the year after").unwrap().originals(),
    );
    for key in [None, Some(&one), Some(&other)] {
        for _ in 0..2 {
            let (kept, name) = keep(place.path(), key, "ata");
            assert_eq!(kept.bytes, 3);
            let path = place.path().join("originals").join(&name);
            let mut text = String::new();
            open_original(&path, key)
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, "ata");
            let is_plain = std::fs::read(&path).unwrap() == b"ata";
            assert_eq!(is_plain, key.is_none(), "{name}");
        }
    }
    assert_eq!(count(place.path()), 3);
}

#[test]
fn bytes_under_a_key_are_not_opened_by_another_nor_when_cut() {
    let place = tempfile::tempdir().unwrap();
    let one = key().originals();
    let (_, name) = keep(place.path(), Some(&one), "ata");
    let path = place.path().join("originals").join(name);
    let other = OriginalsKey::from_text("another");
    assert!(matches!(
        open_original(&path, Some(&other)).err().unwrap(),
        BackupError::WrongKey { .. }
    ));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let mut text = String::new();
    assert!(
        open_original(&path, Some(&one))
            .unwrap()
            .read_to_string(&mut text)
            .is_err()
    );
    std::fs::write(&path, &whole[..20]).unwrap();
    assert!(matches!(
        open_original(&path, Some(&one)).err().unwrap(),
        BackupError::Damaged { .. }
    ));
}

#[test]
fn what_cannot_be_read_or_is_stopped_leaves_nothing() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _into: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    let place = tempfile::tempdir().unwrap();
    let stop = Stop::default();
    let mut originals = Originals::open(place.path(), None, &stop).unwrap();
    assert!(matches!(
        originals.keep(&mut Broken).unwrap_err(),
        BackupError::Sink { .. }
    ));
    originals.keep(&mut &b"never settled"[..]).unwrap();
    stop.ask();
    assert!(matches!(
        originals.keep(&mut &b"x"[..]).unwrap_err(),
        BackupError::Stopped
    ));
    drop(originals);
    let left: Vec<_> = std::fs::read_dir(place.path().join("originals"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
