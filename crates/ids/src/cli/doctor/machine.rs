//! The machine, or the part of it that a container is: room on disks, memory, the sandbox, where logs go.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use ids_core::document::ContentType;
use ids_core::ports::{ExtractProgress, ExtractRequest, Extractor};
use ids_extract::Layers;

use super::finding::Finding;
use crate::cli::output;
use crate::compose::{blobs_folder, extractor};
use crate::config::Config;
use crate::memory::Memory;
use crate::ocr::Ocr;

const MEGABYTE: u64 = 1024 * 1024;
const GIGABYTE: u64 = 1024 * MEGABYTE;

/// Everything about it.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let disks = {
        let folders = folders(config);
        let largest_file = config.library.max_file_size;
        tokio::task::spawn_blocking(move || {
            folders
                .iter()
                .map(|(of, path)| disk(of, path, largest_file))
                .collect()
        })
        .await
    };
    let mut findings: Vec<Finding> = disks.unwrap_or_default();
    findings.push(memory(Memory::read()));
    findings.push(sandbox(config).await);
    let for_ocr = config.clone();
    findings.extend(tokio::task::spawn_blocking(move || ocr(&for_ocr)).await);
    findings.push(logs(Path::new("/"), is_container()));
    findings
}

/// Whether this process sees another file system than its machine.
pub(super) fn is_container() -> bool {
    // Docker, Podman, and what Kubernetes puts into each of its own.
    Path::new("/.dockerenv").exists()
        || Path::new("/run/.containerenv").exists()
        || Path::new("/run/secrets/kubernetes.io").exists()
}

/// The folders that must not run full.
fn folders(config: &Config) -> Vec<(&'static str, PathBuf)> {
    let mut folders = Vec::new();
    if config.postgres.is_none() {
        folders.push(("the library", config.data_dir.clone()));
    }
    match &config.s3 {
        Some(s3) => folders.push(("bytes on their way", s3.store.spool_folder.clone())),
        // In the embedded shape they lie in the library's own directory.
        None if config.postgres.is_some() => folders.push(("uploads", blobs_folder(config))),
        None => {}
    }
    let backups = match config.postgres {
        None => config.data_dir.join("backups"),
        Some(_) => PathBuf::from("backups"),
    };
    if backups.is_dir() {
        folders.push(("backups", backups));
    }
    folders
}

fn disk(of: &str, folder: &Path, largest_file: u64) -> Finding {
    const WHAT: &str = "disk";
    // What is not there yet will be made beside its nearest parent that is.
    let there = folder
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("/"));
    let (free, size, inodes_free, inodes) = match rustix::fs::statvfs(there) {
        Ok(disk) => (
            disk.f_bavail.saturating_mul(disk.f_frsize),
            disk.f_blocks.saturating_mul(disk.f_frsize),
            disk.f_favail,
            disk.f_files,
        ),
        Err(error) => {
            return Finding::fail(
                WHAT,
                format!(
                    "the disk of {of} (`{}`) cannot be looked at: {error}",
                    folder.display()
                ),
                "check that the folder is there and may be entered",
            );
        }
    };
    let found = format!(
        "{} of {} free for {of} (`{}`)",
        output::size(free),
        output::size(size),
        folder.display()
    );
    // Some file systems have no fixed number of files, and say 0.
    if inodes > 0 && inodes_free < inodes / 50 {
        return Finding::warn(
            WHAT,
            format!("{found}, and room for {inodes_free} more files only"),
            "remove small files that nobody needs, such as old caches",
        );
    }
    judge_disk(found, free, size, largest_file)
}

fn judge_disk(found: String, free: u64, size: u64, largest_file: u64) -> Finding {
    const WHAT: &str = "disk";
    // One upload of the largest size, and what the database writes beside it.
    if free < largest_file + 256 * MEGABYTE {
        return Finding::fail(
            WHAT,
            found,
            "make room now: uploads of the size that is allowed are refused when the disk is full",
        );
    }
    // A tenth, but of large disks no more than anybody needs for a while.
    if free < (size / 10).min(20 * GIGABYTE) {
        return Finding::warn(WHAT, found, "make room, or take a larger disk");
    }
    Finding::ok(WHAT, found)
}

/// A worker that reads documents needs about this much (docs/performance.md); one that cleans up, half of it.
const SMALL: u64 = 256 * MEGABYTE;

fn memory(memory: Option<Memory>) -> Finding {
    const WHAT: &str = "memory";
    let Some(memory) = memory else {
        return Finding::warn(WHAT, "the system does not say", "look at it by other means");
    };
    let mut found = format!(
        "{} of {} available on the machine",
        output::size(memory.available),
        output::size(memory.machine)
    );
    if let Some(limit) = memory.group_limit.filter(|limit| *limit < memory.machine) {
        found.push_str(&format!(
            ", limit of this container or group {}",
            output::size(limit)
        ));
    }
    let limit = memory
        .group_limit
        .map_or(memory.machine, |limit| limit.min(memory.machine));
    if limit < SMALL {
        return Finding::warn(
            WHAT,
            found,
            "a worker of documents needs 512 MB or more; half of the limit is what documents in hand may take",
        );
    }
    if memory.available < memory.machine / 20 {
        return Finding::fail(WHAT, found, "stop what is not needed, or take a larger machine");
    }
    if memory.available < memory.machine / 10 {
        return Finding::warn(
            WHAT,
            found,
            "stop what is not needed, lower WORKER_CONCURRENCY, or add swap",
        );
    }
    Finding::ok(WHAT, found)
}

/// Lets the child that parses foreign bytes read a small text, and tell what it takes from itself before.
async fn sandbox(config: &Config) -> Finding {
    const WHAT: &str = "sandbox";
    let extractor = match extractor(config) {
        Ok(extractor) => extractor,
        Err(error) => return unreadable(&error),
    };
    if let Err(error) = read_a_text(&extractor).await {
        return unreadable(&error);
    }
    match extractor.layers().await {
        Ok(layers) => judge_layers(layers),
        Err(failure) => Finding::fail(
            WHAT,
            format!("a child does not tell what holds it: {}", failure.message),
            "see docs/monitoring.md; a container needs no right but to start its own program again",
        ),
    }
}

fn unreadable(error: &anyhow::Error) -> Finding {
    Finding::fail(
        "sandbox",
        format!("no document can be read: {error:#}"),
        "see docs/monitoring.md; a container needs no right but to start its own program again",
    )
}

/// The limits are there on every kernel; landlock and the filter are what may lack.
fn judge_layers(layers: Layers) -> Finding {
    const WHAT: &str = "sandbox";
    let mut on = vec!["resource limits".to_owned(), "no new privileges".to_owned()];
    let mut hints = Vec::new();
    match layers.landlock_version {
        0 => hints.push(
            "landlock (no files, no network): use Linux 5.13 or newer with landlock on, and a container runtime that lets it \
             through (Docker 20.10.10)",
        ),
        version => on.push(format!("landlock version {version} (no files, no network)")),
    }
    match layers.filters_system_calls {
        true => on.push("a filter of system calls (seccomp)".to_owned()),
        false => hints.push(
            "the filter of system calls: use a kernel with CONFIG_SECCOMP_FILTER on x86-64 or arm64, and a container runtime that \
             allows `seccomp`",
        ),
    }
    let found = format!("documents are read in a child with {}", on.join(", "));
    match hints.is_empty() {
        true => Finding::ok(WHAT, found),
        false => Finding::warn(WHAT, found, format!("missing are {}", hints.join("; and "))),
    }
}

/// Whether scans can be read, and in which languages.
fn ocr(config: &Config) -> Finding {
    const WHAT: &str = "ocr";
    let wanted = &config.ocr_languages;
    let found = match Ocr::find(wanted) {
        Ok(found) => found,
        Err(error) => {
            return Finding::fail(
                WHAT,
                format!("the system does not tell which program this is: {error}"),
                "start `ids` where /proc is mounted",
            );
        }
    };
    match (found.complaint(wanted), &found) {
        (Some((what, hint)), _) => Finding::warn(WHAT, what, hint),
        (None, Ocr::Ready { config, .. }) => Finding::ok(
            WHAT,
            format!(
                "scans are read by Tesseract (`{}`) in `{}`, {} at a time",
                config.tesseract.program.display(),
                config.languages.join("+"),
                output::count(config.pages_at_once as u64, "page")
            ),
        ),
        (None, _) => Finding::not_used(WHAT, "OCR_LANGUAGES is off; scans are marked as needing it"),
    }
}

async fn read_a_text(extractor: &dyn Extractor) -> anyhow::Result<()> {
    struct Silent;
    impl ExtractProgress for Silent {
        fn pages(&self, _: u32, _: Option<u32>) {}
    }
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), "ids doctor\n")?;
    let content_type = ContentType::parse(ContentType::TEXT).context("plain text is a type")?;
    let request = ExtractRequest {
        file: file.path(),
        filename: "doctor.txt",
        content_type: &content_type,
    };
    let read = extractor.extract(request, &Silent).await;
    let document = read.map_err(|failure| anyhow::anyhow!("{}", failure.message))?;
    anyhow::ensure!(document.pages.len() == 1, "the child gave back something else");
    Ok(())
}

/// Whether what is logged can fill the disk. Logs go to standard error: who starts `ids` keeps them.
fn logs(root: &Path, is_container: bool) -> Finding {
    const WHAT: &str = "logs";
    if is_container {
        return Finding::not_used(
            WHAT,
            "the container's engine keeps them; run `ids doctor` or scripts/health-check.sh on its host to look at that",
        );
    }
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let mut kept = Vec::new();
    if read("etc/docker/daemon.json").contains("max-size")
        || read("opt/intelligent-document-search/docker-compose.prod.yml").contains("max-size")
    {
        kept.push("Docker bounds its files (max-size)");
    }
    if root.join("run/systemd/journal/socket").exists() {
        kept.push("the journal bounds itself");
    }
    if root.join("etc/logrotate.d/intelligent-document-search").exists() {
        kept.push("logrotate turns the files of scripts and nginx");
    }
    if kept.is_empty() {
        return Finding::warn(
            WHAT,
            "nothing bounds them: neither Docker's max-size, nor the journal, nor a file in /etc/logrotate.d",
            "run scripts/setup-server.sh, or see docs/deployment.md",
        );
    }
    Finding::ok(WHAT, kept.join("; "))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::finding::State;
    use super::{GIGABYTE, Layers, MEGABYTE, Memory, disk, judge_disk, judge_layers, logs, memory};

    #[test]
    fn layers_of_the_sandbox_that_lack_are_told_with_what_to_do() {
        let check = |landlock_version, filters_system_calls, state, lacking: &[&str]| {
            let found = judge_layers(Layers {
                landlock_version,
                filters_system_calls,
            });
            assert_eq!(found.state, state, "{found}");
            let hint = found.hint.clone().unwrap_or_default();
            for word in ["landlock", "seccomp"] {
                assert_eq!(
                    hint.to_lowercase().contains(word),
                    lacking.contains(&word),
                    "{found}"
                );
            }
        };
        check(6, true, State::Ok, &[]);
        check(0, true, State::Warn, &["landlock"]);
        check(6, false, State::Warn, &["seccomp"]);
        check(0, false, State::Warn, &["landlock", "seccomp"]);
    }

    #[test]
    fn a_disk_is_judged_by_what_an_upload_needs_and_by_its_size() {
        let check = |free: u64, size: u64, state: State| {
            let found = judge_disk(String::new(), free, size, 100 * MEGABYTE);
            assert_eq!(found.state, state, "{free} of {size}");
        };
        check(300 * MEGABYTE, 50 * GIGABYTE, State::Fail);
        check(4 * GIGABYTE, 50 * GIGABYTE, State::Warn);
        check(6 * GIGABYTE, 50 * GIGABYTE, State::Ok);
        check(21 * GIGABYTE, 4_000 * GIGABYTE, State::Ok);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_on_its_parents_disk() {
        let root = tempfile::tempdir().unwrap();
        let found = disk("the library", &root.path().join("a/b"), 0);
        assert_ne!(found.detail, "", "{found}");
        assert!(found.detail.contains("free for the library"), "{found}");
    }

    #[test]
    fn memory_is_that_of_the_machine_and_of_the_group() {
        let of = |available: u64, group_limit: Option<u64>| {
            memory(Some(Memory {
                machine: 4 * GIGABYTE,
                available,
                group_limit,
            }))
        };
        assert_eq!(of(2 * GIGABYTE, None).state, State::Ok);
        let limited = of(2 * GIGABYTE, Some(GIGABYTE));
        assert!(
            limited.state == State::Ok && limited.detail.contains("limit"),
            "{limited}"
        );
        assert_eq!(of(2 * GIGABYTE, Some(128 * MEGABYTE)).state, State::Warn);
        assert_eq!(of(300 * MEGABYTE, None).state, State::Warn);
        assert_eq!(of(100 * MEGABYTE, None).state, State::Fail);
        assert_eq!(memory(None).state, State::Warn);
    }

    #[test]
    fn logs_that_nothing_bounds_are_told() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(logs(root.path(), false).state, State::Warn);
        assert_eq!(logs(root.path(), true).state, State::Ok);
        let folder = root.path().join("etc/docker");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("daemon.json"), r#"{"log-opts": {"max-size": "10m"}}"#).unwrap();
        let bounded = logs(root.path(), false);
        assert!(
            bounded.state == State::Ok && bounded.detail.contains("max-size"),
            "{bounded}"
        );
    }
}
