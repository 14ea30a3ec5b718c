//! Embeds `web/` as it lies in the repository, words without the spacing that is for people: writes a list of (path, bytes) that
//! `src/assets.rs` includes.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What the page is made of; anything else (editors' files, package.json of the browser tests) stays out.
const EXTENSIONS: [&str; 6] = ["html", "js", "css", "json", "svg", "woff2"];

fn main() -> Result<(), Box<dyn Error>> {
    let web = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../web");
    let mut files = Vec::new();
    collect(&web, &mut files)?;
    // By path, so that the hash of all assets does not depend on the order of a directory.
    files.sort();
    let mut list = String::from("&[\n");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for file in &files {
        let name = file.strip_prefix(&web)?.to_string_lossy().replace('\\', "/");
        let embedded = if name.ends_with(".json") {
            let dense = out.join(name.replace('/', "-"));
            fs::write(&dense, without_indentation(&fs::read_to_string(file)?))?;
            dense
        } else {
            fs::canonicalize(file)?
        };
        writeln!(list, "    ({name:?}, include_bytes!({embedded:?})),")?;
    }
    list.push(']');
    fs::write(out.join("web.rs"), list)?;
    Ok(())
}

/// JSON on one line: no string of it can hold the end of a line. The words of a language are a sixth of the first view.
fn without_indentation(json: &str) -> String {
    json.lines().map(str::trim_start).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "node_modules") {
                collect(&path, files)?;
            }
        } else if path
            .extension()
            .is_some_and(|it| EXTENSIONS.iter().any(|known| it == *known))
        {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    Ok(())
}
