//! Which files `--include` names: files as they are, folders with all files below them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::backup::Included;
use crate::cli::exit::Failed;

/// The files, each with its name in the archive.
///
/// # Errors
/// What is not there, has no name, or has one that another has.
pub fn files(paths: &[PathBuf]) -> Result<Vec<Included>, Failed> {
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| {
            Failed::usage(format!(
                "`{}` cannot be included: it has no name of its own; name a file or a folder",
                path.display()
            ))
        })?;
        add(path, name, &mut files)
            .map_err(|error| Failed::usage(format!("`{}` cannot be included: {error}", path.display())))?;
    }
    let mut names = BTreeSet::new();
    for file in &files {
        if !names.insert(file.name.as_str()) {
            return Err(Failed::usage(format!(
                "two included files are called `{}`; rename one",
                file.name
            )));
        }
    }
    Ok(files)
}

fn add(path: &Path, name: &str, files: &mut Vec<Included>) -> std::io::Result<()> {
    // What a link named on the command line leads to is meant; links below a folder may lead anywhere.
    let metadata = std::fs::metadata(path)?;
    if metadata.is_file() {
        files.push(Included {
            path: path.to_owned(),
            name: name.to_owned(),
        });
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        if (kind.is_file() || kind.is_dir())
            && let Some(below) = entry.file_name().to_str()
        {
            add(&entry.path(), &format!("{name}/{below}"), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::files;

    #[test]
    fn folders_come_with_what_is_below_and_names_are_told_apart() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        std::fs::create_dir_all(path("config/nginx")).unwrap();
        std::fs::write(path("config/nginx/nginx.conf"), "x").unwrap();
        std::fs::write(path("config/.env"), "x").unwrap();
        std::fs::write(path("dump.rdb"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path("config/link")).unwrap();

        let found = files(&[path("dump.rdb"), path("config")]).unwrap();

        let names: Vec<&str> = found.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["dump.rdb", "config/.env", "config/nginx/nginx.conf"]);
        assert_eq!(files(&[path("dump.rdb"), path("dump.rdb")]).unwrap_err().code, 2);
        assert!(files(&[path("absent")]).unwrap_err().message.contains("absent"));
    }
}
