//! A full disk: said clearly, and nothing is harmed. Needs the right to mount a small file system in memory.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::place::{Place, texts};
use crate::server::Server;

/// A file system of a few megabytes; unmounted when dropped.
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// `None`, with one line, where mounting is not allowed.
    #[expect(
        clippy::print_stdout,
        reason = "the one line that says what a test went without"
    )]
    pub fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { folder });
        }
        println!("mounting is not allowed here: passed without a full disk");
        None
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.path().join("library")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).output();
    }
}

/// Text that compresses to nothing else: each line differs.
fn large_text(megabytes: usize) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < megabytes * 1024 * 1024 {
        number += 1;
        text.push_str(&format!("Linha número {number} de um texto muito longo.\n"));
    }
    text
}

#[test]
fn a_file_that_does_not_fit_is_refused_and_the_library_goes_on() {
    let Some(disk) = SmallDisk::mount("8m") else {
        return;
    };
    let place = Place::with_data_dir(&disk.data_dir());
    let server = Server::start(&place);
    place.write("large.txt", large_text(12));
    place.write("small.txt", "O prazo é de quinze dias.");

    let run = place.ids(&["ingest", "large.txt", "--json"]);

    assert_eq!(
        (run.code, texts(&run.body()["failed"], "error_code")),
        (Some(1), vec!["STORAGE_FULL".to_owned()]),
        "{}",
        run.stdout
    );
    assert_eq!(
        place.json(&["ingest", "small.txt"])["ingested"],
        1,
        "{}",
        server.log()
    );
    assert_eq!(server.search("prazo", "keyword").len(), 1);
}

#[test]
fn a_server_cannot_start_on_a_full_disk_and_says_so() {
    let Some(disk) = SmallDisk::mount("256k") else {
        return;
    };
    std::fs::write(disk.path().join("filler"), vec![7; 512 * 1024]).unwrap_err();
    let place = Place::with_data_dir(&disk.data_dir());

    let run = place.ids(&["serve", "--port", "0"]);

    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("disk") || run.stderr.contains("space"),
        "{}",
        run.stderr
    );
}
