//! What only a folder can get wrong: races for one name, leftovers of killed processes, a full disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use futures_util::FutureExt;
use ids_blobs::{FolderBlobStore, SigningKey, WRITE_BUFFER_BYTES};
use ids_core::ports::{BlobErrorKind, BlobStore};
use sha2::{Digest, Sha256};

use crate::support::{FixedClock, Folder, NOW, key, open, partial, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_writers_that_race_for_one_key_one_wins_and_its_bytes_stay() {
    const WRITERS: usize = 8;
    let folder = Folder::new();
    let store = folder.open();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..WRITERS {
        let store = store.clone();
        tasks.spawn(async move {
            let mut writer = store.create(&key("temp/org/one")).await.unwrap();
            writer.write(&[number as u8; 1_000]).await.unwrap();
            writer
                .commit()
                .await
                .map(|_| number)
                .map_err(|error| error.kind())
        });
    }
    let ends = tasks.join_all().await;

    let winners: Vec<usize> = ends.iter().filter_map(|end| end.ok()).collect();
    let [winner] = winners[..] else {
        panic!("{winners:?} all won")
    };
    let losers = ends
        .iter()
        .filter(|end| **end == Err(BlobErrorKind::Conflict))
        .count();
    assert_eq!(losers, WRITERS - 1);
    let local = store.open_local(&key("temp/org/one")).await.unwrap();
    assert_eq!(fs::read(local.path()).unwrap(), [winner as u8; 1_000]);
    assert_eq!(folder.partial(), []);
}

#[tokio::test]
async fn neither_a_dropped_writer_nor_a_committed_one_leaves_a_file_behind() {
    let folder = Folder::new();
    let store = folder.open();

    let mut dropped = store.create(&key("temp/org/dropped")).await.unwrap();
    dropped.write(&vec![1; 2 * WRITE_BUFFER_BYTES]).await.unwrap();
    assert_eq!(folder.partial().len(), 1);
    drop(dropped);
    assert_eq!(folder.partial(), []);

    put(&store, "temp/org/kept", b"bytes").await;
    assert_eq!(folder.partial(), []);
}

#[tokio::test]
async fn a_blob_outlives_the_store_with_its_time() {
    let folder = Folder::new();
    put(&folder.open(), "originals/org/version", b"bytes").await;

    let reopened = folder.open();

    assert_eq!(
        reopened.find(&key("originals/org/version")).await.unwrap(),
        Some(5)
    );
    assert_eq!(
        reopened.list("", None, 10).await.unwrap(),
        [(key("originals/org/version"), NOW)]
    );
    let local = reopened.open_local(&key("originals/org/version")).await.unwrap();
    assert!(local.path().is_absolute());
    let mode = fs::metadata(local.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only the owner reads what was uploaded");
    drop(local);
    assert_eq!(
        reopened.find(&key("originals/org/version")).await.unwrap(),
        Some(5)
    );
}

#[tokio::test]
async fn opening_removes_what_a_killed_process_left_and_nothing_that_is_being_written() {
    let folder = Folder::new();
    let store = folder.open();
    let left_behind = folder.path().join(".partial/0123456789abcdef-0");
    fs::write(&left_behind, b"half an upload").unwrap();
    let mut writing = store.create(&key("temp/org/writing")).await.unwrap();
    writing.write(b"in another process").await.unwrap();

    let other = folder.open();

    assert!(!left_behind.exists());
    writing.commit().await.unwrap();
    assert_eq!(other.find(&key("temp/org/writing")).await.unwrap(), Some(18));
    assert_eq!(folder.partial(), []);
}

#[tokio::test]
async fn a_blob_of_50_mb_never_waits_in_memory() {
    const PIECE: usize = 1_000_003;
    const PIECES: usize = 50;
    let folder = Folder::new();
    let store = folder.open();
    let mut writer = store.create(&key("temp/org/large")).await.unwrap();
    let mut expected = Sha256::new();
    for number in 0..PIECES {
        let piece = vec![number as u8; PIECE];
        expected.update(&piece);
        writer.write(&piece).await.unwrap();

        // What is not in the file yet is what the writer holds.
        let on_disk = folder.partial()[0].1;
        let written = ((number + 1) * PIECE) as u64;
        assert!(
            written - on_disk < WRITE_BUFFER_BYTES as u64,
            "{} bytes in memory",
            written - on_disk
        );
    }

    let info = writer.commit().await.unwrap();

    assert_eq!(info.size, (PIECES * PIECE) as u64);
    assert_eq!(info.hash.as_bytes()[..], expected.finalize()[..]);
}

#[tokio::test]
async fn small_pieces_gather_before_they_go_to_disk() {
    let folder = Folder::new();
    let store = folder.open();
    let mut writer = store.create(&key("temp/org/small")).await.unwrap();
    for _ in 0..WRITE_BUFFER_BYTES - 1 {
        writer.write(b"x").await.unwrap();
    }
    assert_eq!(folder.partial()[0].1, 0);

    writer.write(b"xy").await.unwrap();

    assert_eq!(folder.partial()[0].1, WRITE_BUFFER_BYTES as u64);
    assert_eq!(writer.commit().await.unwrap().size, WRITE_BUFFER_BYTES as u64 + 1);
}

#[test]
fn a_write_dropped_half_way_ends_the_blob_and_leaves_nothing() {
    // One thread for file operations, and it is kept busy: so the write cannot be done when it is dropped.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = Folder::new();
        let store = folder.open();
        let mut writer = store.create(&key("temp/org/cut")).await.unwrap();
        let (release, busy) = std::sync::mpsc::channel::<()>();
        let keeping_busy = tokio::task::spawn_blocking(move || busy.recv());

        let polled = writer.write(&vec![1; 2 * WRITE_BUFFER_BYTES]).now_or_never();
        assert!(polled.is_none(), "a full buffer leaves the runtime");
        release.send(()).unwrap();
        keeping_busy.await.unwrap().unwrap();

        assert_eq!(
            writer.write(b"after the hole").await.unwrap_err().kind(),
            BlobErrorKind::Internal
        );
        assert_eq!(writer.commit().await.unwrap_err().kind(), BlobErrorKind::Internal);
        // Asked on the same thread, so after the dropped write's turn.
        assert_eq!(store.find(&key("temp/org/cut")).await.unwrap(), None);
        assert_eq!(folder.partial(), []);
    });
}

/// Otherwise the cleanup of orphans could take bytes that are on their way to `originals/` for somebody's leftovers.
#[tokio::test]
async fn the_age_of_a_moved_blob_begins_anew() {
    let folder = Folder::new();
    let store = folder.open();
    put(&store, "temp/org/upload", b"bytes").await;
    let file = fs::File::options()
        .write(true)
        .open(folder.path().join("temp/org/upload"))
        .unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();

    store
        .rename(&key("temp/org/upload"), &key("originals/org/version"))
        .await
        .unwrap();

    let listed = store.list("originals/", None, 10).await.unwrap();
    assert_eq!(listed, [(key("originals/org/version"), NOW)]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_unavailable() {
    let folder = Folder::new();
    fs::write(folder.path(), b"a file is in the way").unwrap();

    let opened = FolderBlobStore::open(
        &folder.path(),
        SigningKey::from_bytes([7; 32]),
        std::sync::Arc::new(FixedClock),
    );

    assert_eq!(opened.err().unwrap().kind(), BlobErrorKind::Unavailable);
}

#[tokio::test]
async fn a_blob_in_the_way_of_a_folder_is_no_blob_behind_it() {
    let folder = Folder::new();
    let store = folder.open();
    put(&store, "temp/org", b"in the way").await;
    let behind = key("temp/org/upload");

    assert_eq!(store.find(&behind).await.unwrap(), None);
    assert_eq!(
        store.open_local(&behind).await.unwrap_err().kind(),
        BlobErrorKind::NotFound
    );
    store.delete(&behind).await.unwrap();
    let writer = store.create(&behind).await.unwrap();
    assert_eq!(
        writer.commit().await.unwrap_err().kind(),
        BlobErrorKind::Unavailable
    );
    assert_eq!(folder.partial(), []);
}

/// Where the test below runs itself again, on a file system of 1 MB that only that process sees.
const SMALL_DISK: &str = "BLOBS_TEST_SMALL_DISK";

#[tokio::test]
async fn a_full_disk_is_named_leaves_nothing_and_hurts_nothing() {
    if let Some(disk) = std::env::var_os(SMALL_DISK) {
        return fill_a_small_disk(PathBuf::from(disk)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let in_namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--mount", "sh", "-c", script])
            .env(SMALL_DISK, folder.path());
        command
    };
    let mount = format!("mount -t tmpfs -o size=1m tmpfs \"${SMALL_DISK}\"");
    if !in_namespace(&mount)
        .output()
        .is_ok_and(|output| output.status.success())
    {
        // The mapping from ENOSPC to `Full` is tested beside its code, everywhere.
        println!("no full disk: this machine grants no mount namespace");
        return;
    }
    let test = "folder::a_full_disk_is_named_leaves_nothing_and_hurts_nothing";
    let script = format!("{mount} && exec \"$0\" --exact {test}");
    let output = in_namespace(&script)
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

async fn fill_a_small_disk(disk: PathBuf) {
    let store = open(&disk);
    put(&store, "temp/org/before", b"bytes").await;
    let mut writer = store.create(&key("temp/org/large")).await.unwrap();

    let refused = writer.write(&vec![1; 4 * 1024 * 1024]).await.unwrap_err();

    assert_eq!(refused.kind(), BlobErrorKind::Full);
    assert_eq!(partial(&disk), [], "the space is free again");
    assert_eq!(
        writer.write(b"more").await.unwrap_err().kind(),
        BlobErrorKind::Internal
    );
    assert_eq!(writer.commit().await.unwrap_err().kind(), BlobErrorKind::Internal);
    assert_eq!(store.find(&key("temp/org/large")).await.unwrap(), None);
    put(&store, "temp/org/after", &vec![2; 512 * 1024]).await;
    assert_eq!(store.find(&key("temp/org/before")).await.unwrap(), Some(5));
}
