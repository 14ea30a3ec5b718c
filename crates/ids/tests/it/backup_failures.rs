//! Backups and restores that cannot be: what is said, and that nothing is left half done.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::backup::{KEY, back_up, files, library, restored, with_key};
use crate::disk::SmallDisk;
use crate::place::{Place, Run};
use crate::server::{send_signal, wait_for_end};
use crate::wait;

#[test]
fn what_cannot_be_restored_is_said_and_nothing_is_touched() {
    let place = library();
    let file = back_up(&place, &["--to", "copies"]);
    let whole = fs::read(&file).unwrap();
    let other = Place::new();
    let path = file.to_str().unwrap();
    let fails = |run: Run, code: i32, what: &str| {
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert!(run.stderr.contains(what), "{what}: {}", run.stderr);
        assert!(!run.stderr.contains(KEY) && !run.stdout.contains(KEY));
        let left = files(other.data_dir());
        assert!(left.iter().all(|name| name == "upload.key"), "{what}: {left:?}");
    };

    fails(other.ids(&["restore", path]), 1, "set BACKUP_KEY");
    let mut wrong = other.command(&["restore", path]);
    wrong.env("BACKUP_KEY", "another key of some other town");
    fails(
        Run::of(&wrong.output().unwrap()),
        1,
        "not opened by this BACKUP_KEY",
    );
    let mut short = other.command(&["restore", path]);
    short.env("BACKUP_KEY", "short");
    fails(
        Run::of(&short.output().unwrap()),
        2,
        "`BACKUP_KEY` must have at least 16 characters",
    );
    fails(
        with_key(&other, &["restore", "latest", "--from", "nowhere"]),
        1,
        "there is no backup in `nowhere`",
    );
    fails(
        with_key(&other, &["restore", "ids.zip"]),
        1,
        "not the name of a backup",
    );

    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    fs::write(&file, &changed).unwrap();
    fails(with_key(&other, &["restore", path]), 1, "is damaged");
    fs::write(&file, &whole[..whole.len() - 100]).unwrap();
    fails(with_key(&other, &["restore", path]), 1, "is damaged");
    fs::write(&file, &whole).unwrap();

    let original = walk(&place.root().join("copies/originals"));
    let bytes = fs::read(&original).unwrap();
    fs::write(&original, &bytes[..bytes.len() - 1]).unwrap();
    fails(with_key(&other, &["restore", path]), 1, "is damaged");
    fs::remove_file(&original).unwrap();
    fails(with_key(&other, &["restore", path]), 1, "--no-originals");
    let verified = with_key(&other, &["backup", "verify", path]);
    assert_eq!(verified.code, Some(1));
    assert!(verified.stderr.contains("it is missing"), "{}", verified.stderr);
    let without = restored(&other, &[path, "--no-originals"]);
    assert_eq!(without["originals"], 0);
    assert_eq!(other.json(&["documents", "list"])["total"], 2);
}

/// Some file below a folder.
fn walk(folder: &Path) -> PathBuf {
    let name = files(folder).into_iter().next().unwrap();
    folder.join(name)
}

#[test]
fn a_backup_of_a_server_is_sent_to_where_it_belongs() {
    let place = Place::new();
    let about = r#"{"format":1,"ids_version":"0.1.0","shape":"server","schema_version":5,"started_at":0,"tables":[]}"#;
    let hash = |text: &str| {
        use sha2::{Digest, Sha256};
        Sha256::digest(text.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let manifest = format!(
        r#"{{"about":{about},"tables":{{}},"originals":[],"missing":[],"without_originals":false,
            "members":[{{"name":"about.json","bytes":{},"sha256":"{}"}}]}}"#,
        about.len(),
        hash(about)
    );
    place.write("about.json", about);
    place.write("manifest.json", manifest);
    let name = "ids-20260131T031500Z.tar.gz";
    let made = Command::new("tar")
        .args(["--format=ustar", "-czf", name, "about.json", "manifest.json"])
        .current_dir(place.root())
        .status()
        .unwrap();
    assert!(made.success());

    let run = place.ids(&["restore", name]);

    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("of the server shape") && run.stderr.contains("ids migrate-data --to embedded"),
        "{}",
        run.stderr
    );
}

#[test]
fn an_archive_that_leads_outside_is_refused_and_writes_nothing() {
    let place = Place::new();
    let about = r#"{"format":1,"ids_version":"0.1.0","shape":"embedded","schema_version":4,"started_at":0,"tables":[]}"#;
    place.write("a/about.json", about);
    place.write("a/evil", "x");
    let name = "ids-20260131T031500Z.tar.gz";
    let made = Command::new("tar")
        .args([
            "-P",
            "--format=ustar",
            "--transform=s,^evil,included/../../../evil,",
            "-czf",
            name,
            "-C",
            "a",
            "about.json",
            "evil",
        ])
        .current_dir(place.root())
        .status()
        .unwrap();
    assert!(made.success());

    let run = place.ids(&["restore", name, "--included-to", "out"]);

    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("does not belong into a backup"),
        "{}",
        run.stderr
    );
    assert!(!place.root().join("out").exists() && files(place.data_dir()).is_empty());
}

#[test]
fn a_full_disk_leaves_no_backup_and_the_library_as_it_was() {
    let Some(disk) = SmallDisk::mount("256k") else {
        return;
    };
    let place = library();
    let target = disk.path().join("copies");

    let run = with_key(&place, &["backup", "--to", target.to_str().unwrap()]);

    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(
        run.stderr.contains("full") || run.stderr.contains("space"),
        "{}",
        run.stderr
    );
    assert_eq!(
        files(&target)
            .iter()
            .filter(|name| name.starts_with("ids-"))
            .count(),
        0,
        "{:?}",
        files(&target)
    );
    assert_eq!(place.json(&["documents", "list"])["total"], 2);
}

#[test]
fn a_restore_onto_a_full_disk_leaves_nothing_half_done() {
    let Some(disk) = SmallDisk::mount("300k") else {
        return;
    };
    let place = library();
    let file = back_up(&place, &[]);
    let other = Place::with_data_dir(&disk.data_dir());

    let run = with_key(&other, &["restore", file.to_str().unwrap()]);

    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert_eq!(
        files(other.data_dir())
            .iter()
            .filter(|name| *name != "upload.key")
            .count(),
        0
    );
}

/// Random enough to take a while, and to come out of the compression at once.
fn noise() -> Vec<u8> {
    (0..48_000_000u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

#[test]
fn a_killed_backup_leaves_no_name_and_the_next_one_cleans_up() {
    let place = library();
    let copies = place.root().join("copies");
    fs::create_dir(&copies).unwrap();
    let begin = || {
        let mut command = place.command(&["backup", "--to", "copies", "--include", "noise.bin"]);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    place.write("noise.bin", noise());
    let mut child = begin();
    wait::until("a half-written backup", || {
        files(&copies)
            .iter()
            .any(|name| name.starts_with(".partial-"))
            .then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        !files(&copies).iter().any(|name| name.starts_with("ids-")),
        "{:?}",
        files(&copies)
    );
    let none = with_key(&place, &["backup", "verify", "latest", "--from", "copies"]);
    assert!(none.stderr.contains("there is no backup"), "{}", none.stderr);

    back_up(&place, &["--to", "copies"]);

    assert!(
        !files(&copies).iter().any(|name| name.contains(".partial-")),
        "{:?}",
        files(&copies)
    );
}

#[test]
fn ctrl_c_ends_a_backup_with_nothing_left() {
    let place = library();
    let copies = place.root().join("copies");
    place.write("noise.bin", noise());
    let mut child = place
        .command(&["backup", "--to", "copies", "--include", "noise.bin"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait::until("the beginning", || {
        files(&copies)
            .iter()
            .any(|name| name.starts_with(".partial-ids"))
            .then_some(())
    });
    send_signal(&child, rustix::process::Signal::INT);
    let status = wait_for_end(&mut child);
    assert_eq!(status.code(), Some(130));
    let left: Vec<String> = files(&copies)
        .into_iter()
        .filter(|name| name.starts_with("ids-") || name.contains(".partial-"))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn there_must_be_a_library() {
    let place = Place::new();
    let run = place.ids(&["backup", "--to", "copies"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("there is no library in the data directory"),
        "{}",
        run.stderr
    );
    assert!(
        !place.root().join("copies").exists() && !place.data_dir().exists(),
        "nothing was made"
    );
    let bucket = place.ids(&["backup", "list", "--from", "s3"]);
    assert_eq!(bucket.code, Some(2));
    assert!(bucket.stderr.contains("BACKUP_S3_PREFIX"), "{}", bucket.stderr);
}
