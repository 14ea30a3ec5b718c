//! A folder of backups: what has a name is whole, and what is old goes.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use ids_backup::{
    ArchiveWriter, BackupError, BackupFolder, BackupName, Originals, Shape, Stop, list_backups, originals_of,
};
use ids_core::time::Timestamp;

use crate::support::{STARTED, about, manifest};

const DAY: Duration = Duration::from_secs(86_400);

fn back_up(folder: &BackupFolder, started_at: Timestamp, text: &str) -> BackupName {
    let stop = Stop::default();
    let mut originals = Originals::open(folder.path(), None, &stop).unwrap();
    let kept = originals.keep(&mut text.as_bytes()).unwrap();
    originals.settle().unwrap();
    let new = folder.begin(started_at, false).unwrap();
    let about = about(Shape::Server);
    let writer = ArchiveWriter::create(&new.partial, about.clone(), None, &stop).unwrap();
    let (written, _) = writer.finish(manifest(about)).unwrap();
    let names = BTreeSet::from([originals.name(&kept.sha256)]);
    folder.publish(&new, &written, &names).unwrap();
    new.name
}

fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            names.extend(files(&entry.path()).iter().map(|below| format!("{name}/{below}")));
        } else if name != ".lock" {
            names.push(name);
        }
    }
    names.sort_unstable();
    names
}

#[test]
fn names_tell_the_time_and_whether_a_key_is_needed() {
    for (name, is_encrypted) in [
        ("ids-20260131T031500Z.tar.gz", false),
        ("ids-20260131T031500Z.tar.gz.age", true),
    ] {
        let parsed = BackupName::parse(name).unwrap();
        assert_eq!((parsed.started_at, parsed.is_encrypted), (STARTED, is_encrypted));
        assert_eq!(parsed.to_string(), name);
    }
    for other in [
        "ids-20260131T031500Z.tar.gz.part",
        ".partial-ids-20260131T031500Z.tar.gz",
        "ids-20261331T031500Z.tar.gz",
        "ids-20260131T031500.tar.gz",
        "ids-+0260131T031500Z.tar.gz",
        "ids-2026é131T03150Z.tar.gz",
        "ids-20260131T031500Z.sha256",
        "../ids-20260131T031500Z.tar.gz",
    ] {
        assert_eq!(BackupName::parse(other), None, "{other}");
    }
}

#[test]
fn a_backup_has_its_name_when_it_is_whole() {
    let place = tempfile::tempdir().unwrap();
    let folder = BackupFolder::open(&place.path().join("new/backups")).unwrap();
    let new = folder.begin(STARTED, false).unwrap();
    let writer = ArchiveWriter::create(&new.partial, about(Shape::Server), None, &Stop::default()).unwrap();
    assert_eq!(list_backups(folder.path()).unwrap(), []);
    drop((writer, new));
    assert_eq!(
        files(folder.path()),
        [""; 0],
        "a backup that failed leaves nothing"
    );

    let name = back_up(&folder, STARTED, "uma ata");

    let listed = list_backups(folder.path()).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, name);
    let sums = std::fs::read_to_string(folder.path().join(name.sha256_name())).unwrap();
    let checked = std::process::Command::new("sha256sum")
        .args(["-c", &name.sha256_name()])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{sums}");
    assert_eq!(originals_of(folder.path(), &name).unwrap().len(), 1);
}

#[test]
fn two_backups_of_one_second_have_two_names() {
    let place = tempfile::tempdir().unwrap();
    let folder = BackupFolder::open(place.path()).unwrap();
    let names: BTreeSet<String> = (0..3)
        .map(|_| back_up(&folder, STARTED, "a").to_string())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn a_folder_is_written_by_one_at_a_time_and_cleaned_of_what_was_killed() {
    let place = tempfile::tempdir().unwrap();
    let folder = BackupFolder::open(place.path()).unwrap();
    let busy = BackupFolder::open(place.path()).unwrap_err();
    assert!(matches!(busy, BackupError::Busy { .. }), "{busy:?}");
    std::fs::write(folder.partial_of("ids-20260131T031500Z.tar.gz"), "half").unwrap();
    std::fs::create_dir(place.path().join("originals")).unwrap();
    std::fs::write(place.path().join("originals/.partial-1"), "half").unwrap();
    std::fs::write(place.path().join("mine.txt"), "mine").unwrap();
    drop(folder);

    let folder = BackupFolder::open(place.path()).unwrap();
    Originals::open(folder.path(), None, &Stop::default()).unwrap();

    assert_eq!(files(place.path()), ["mine.txt"]);
}

#[test]
fn old_backups_go_with_the_bytes_that_only_they_need_and_the_newest_stays() {
    let place = tempfile::tempdir().unwrap();
    let folder = BackupFolder::open(place.path()).unwrap();
    let old = back_up(&folder, STARTED, "só na primeira");
    let kept = back_up(&folder, STARTED.plus(3 * DAY), "nas outras");
    back_up(&folder, STARTED.plus(4 * DAY), "nas outras");
    assert_eq!(files(&place.path().join("originals")).len(), 2);

    let removed = folder.prune(7 * DAY, STARTED.plus(8 * DAY)).unwrap();

    assert_eq!(removed, [old.to_string()]);
    assert_eq!(files(&place.path().join("originals")).len(), 1);
    assert!(!place.path().join(old.sha256_name()).exists());

    let removed = folder.prune(7 * DAY, STARTED.plus(900 * DAY)).unwrap();
    assert_eq!(removed, [kept.to_string()]);
    let left = list_backups(place.path()).unwrap();
    assert_eq!(left.len(), 1, "the newest is never removed");
    assert_eq!(files(&place.path().join("originals")).len(), 1);
}

#[test]
fn bytes_stay_when_it_is_not_known_who_needs_them() {
    let place = tempfile::tempdir().unwrap();
    let folder = BackupFolder::open(place.path()).unwrap();
    back_up(&folder, STARTED, "um");
    let second = back_up(&folder, STARTED.plus(9 * DAY), "dois");
    let list = place.path().join(second.originals_name());
    let text = std::fs::read_to_string(&list).unwrap();
    std::fs::write(&list, text.strip_suffix("#\n").unwrap()).unwrap();

    folder.prune(7 * DAY, STARTED.plus(10 * DAY)).unwrap();

    assert_eq!(files(&place.path().join("originals")).len(), 2);
}
