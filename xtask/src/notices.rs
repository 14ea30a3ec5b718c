//! `xtask notices`: THIRD_PARTY.md, who wrote what we ship and under which terms.
//!
//! Named are the crates linked into `ids` (not those that only build or test it) and the files of assets.lock. The
//! texts come from the packages themselves, since most licenses ask for their copyright line, not for a link.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::assets::{Lock, license_texts_path};
use crate::workspace::{self, Metadata, Package};

/// The generated file, from the root of the repository.
pub const FILE: &str = "THIRD_PARTY.md";

/// The program whose dependencies we ship.
const PROGRAM: &str = "ids";

/// How files with terms are called, in lower case and from the start of the name.
const TEXT_NAMES: [&str; 6] = [
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
];

/// Writes THIRD_PARTY.md.
pub fn write() -> Result<()> {
    let root = workspace::root()?;
    fs::write(root.join(FILE), render(&root)?).with_context(|| format!("could not write {FILE}"))
}

/// Fails when THIRD_PARTY.md is not what [`write`] would write.
pub fn check() -> Result<()> {
    let root = workspace::root()?;
    if fs::read_to_string(root.join(FILE)).unwrap_or_default() != render(&root)? {
        bail!("{FILE} is not up to date; run `make notices` and commit it");
    }
    Ok(())
}

fn render(root: &Path) -> Result<String> {
    let metadata = Metadata::locked_graph()?;
    let crates = linked_crates(&metadata)?;
    let lock = Lock::read(root)?;

    let mut page = String::from(
        "# Third-party software\n\n\
         Written by `make notices`; do not edit. It names what is inside or beside the program `ids`: the files of\n\
         [assets.lock](assets.lock), the crates linked into it, and the terms of each.\n\n\
         ## Files\n\n| file | what it is | package | license |\n|---|---|---|---|\n",
    );
    for asset in &lock.assets {
        writeln!(
            page,
            "| `{}` | {} | `{}` | {} |",
            asset.name, asset.about, asset.package, asset.license
        )?;
    }
    page.push_str("\n## Crates\n\n| crate | version | license | home |\n|---|---|---|---|\n");
    for package in &crates {
        writeln!(
            page,
            "| {} | {} | {} | {} |",
            package.name,
            package.version,
            package.license.as_deref().unwrap_or("see its text below"),
            package.repository.as_deref().unwrap_or("")
        )?;
    }
    page.push_str("\n## Texts that come with the files\n");
    for asset in &lock.assets {
        write!(page, "\n### {}\n\n{}\n", asset.name, asset.license_note)?;
        if !asset.license_files.is_empty() {
            let path = license_texts_path(root, asset);
            let texts = fs::read_to_string(&path)
                .with_context(|| format!("could not read `{}`; run `make assets`", path.display()))?;
            push_text(&mut page, &texts);
        }
    }
    page.push_str("\n## Texts that come with the crates\n");
    let (groups, without) = grouped_texts(&crates)?;
    if !without.is_empty() {
        write!(
            page,
            "\nThe terms in the table are all that these carry: {}.\n",
            without.join(", ")
        )?;
    }
    for (text, names) in groups {
        write!(
            page,
            "\n### {}\n",
            names.into_iter().collect::<Vec<_>>().join(", ")
        )?;
        push_text(&mut page, &text);
    }
    Ok(page)
}

/// The crates of others that end up in the program's code, by name and version.
fn linked_crates(metadata: &Metadata) -> Result<Vec<&Package>> {
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo gave no graph of dependencies")?;
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let packages: BTreeMap<_, _> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package))
        .collect();
    let program = metadata
        .packages
        .iter()
        .find(|package| package.name == PROGRAM && metadata.workspace_members.contains(&package.id))
        .with_context(|| format!("there is no crate `{PROGRAM}`"))?;

    let mut seen = BTreeSet::from([&program.id]);
    let mut waiting = vec![&program.id];
    while let Some(id) = waiting.pop() {
        let node = nodes
            .get(id)
            .with_context(|| format!("cargo's graph lacks `{id}`"))?;
        for dependency in &node.deps {
            let linked = dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
            let package = packages
                .get(&dependency.pkg)
                .with_context(|| format!("cargo's list lacks `{}`", dependency.pkg))?;
            // A macro runs inside the compiler, it is not in the program.
            let is_macro = package
                .targets
                .iter()
                .any(|target| target.kind.iter().any(|kind| kind == "proc-macro"));
            if linked && !is_macro && seen.insert(&dependency.pkg) {
                waiting.push(&dependency.pkg);
            }
        }
    }
    let mut crates: Vec<&Package> = seen
        .into_iter()
        .filter(|id| !metadata.workspace_members.contains(id))
        .filter_map(|id| packages.get(id).copied())
        .collect();
    crates.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(crates)
}

/// A text and the crates that carry it.
type Group = (String, BTreeSet<String>);

/// Each different text once, in the order of their first crates; and the crates that carry none.
fn grouped_texts(crates: &[&Package]) -> Result<(Vec<Group>, Vec<String>)> {
    let mut by_text: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut without = Vec::new();
    for package in crates {
        let label = format!("{} {}", package.name, package.version);
        let texts = texts_of(package)?;
        if texts.is_empty() {
            without.push(label.clone());
        }
        for text in texts {
            by_text.entry(text).or_default().insert(label.clone());
        }
    }
    let mut groups: Vec<Group> = by_text.into_iter().collect();
    groups.sort_by(|a, b| (a.1.iter().next(), &a.0).cmp(&(b.1.iter().next(), &b.0)));
    Ok((groups, without))
}

/// The files with terms in the root of one crate's package. Where the crate offers MIT as one of several choices, we
/// take that one, and its text alone.
fn texts_of(package: &Package) -> Result<Vec<String>> {
    let folder = package
        .manifest_path
        .parent()
        .context("a manifest lies in a folder")?;
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("could not list `{}`", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && names_terms(&name) {
            files.push(name);
        }
    }
    files.sort();
    let mit_is_a_choice = package.license.as_deref().is_some_and(offers_mit);
    let is_mit_text = |name: &String| name.to_lowercase().contains("mit");
    if mit_is_a_choice && files.iter().any(is_mit_text) {
        files.retain(|name| is_mit_text(name) || name.to_lowercase().starts_with("notice"));
    }
    files
        .iter()
        .map(|name| {
            let bytes = fs::read(folder.join(name)).with_context(|| format!("could not read `{name}`"))?;
            Ok(normalized(&String::from_utf8_lossy(&bytes)))
        })
        .collect()
}

fn names_terms(file_name: &str) -> bool {
    let name = file_name.to_lowercase();
    // Sources such as `license.rs` are no texts.
    !name.ends_with(".rs") && TEXT_NAMES.iter().any(|start| name.starts_with(start))
}

/// Whether `MIT` stands alone on one side of the uppermost choice. The old `MIT/Apache-2.0` means the same.
fn offers_mit(license: &str) -> bool {
    let license = license.replace('/', " OR ");
    !license.contains('(')
        && !license.contains(" AND ")
        && license.split(" OR ").any(|term| term.trim() == "MIT")
}

/// Line ends and outer blank lines differ between copies of one text; nothing else is touched.
fn normalized(text: &str) -> String {
    let lines: Vec<&str> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim_end)
        .collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn push_text(page: &mut String, text: &str) {
    page.push_str("\n~~~~text\n");
    page.push_str(text.trim_end());
    page.push_str("\n~~~~\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{DependencyKind, Node, NodeDependency, Resolve, Target};

    fn package(name: &str, kind: &str) -> Package {
        Package {
            id: name.into(),
            name: name.into(),
            version: "1.0.0".into(),
            license: Some("MIT".into()),
            repository: None,
            manifest_path: "Cargo.toml".into(),
            dependencies: Vec::new(),
            targets: vec![Target {
                kind: vec![kind.into()],
            }],
        }
    }

    fn node(id: &str, arrows: &[(&str, Option<&str>)]) -> Node {
        let deps = arrows
            .iter()
            .map(|(pkg, kind)| NodeDependency {
                pkg: (*pkg).into(),
                dep_kinds: vec![DependencyKind {
                    kind: kind.map(str::to_owned),
                }],
            })
            .collect();
        Node { id: id.into(), deps }
    }

    #[test]
    fn only_what_is_linked_is_named() {
        let metadata = Metadata {
            packages: vec![
                package("ids", "bin"),
                package("ids-core", "lib"),
                package("serde", "lib"),
                package("serde_derive", "proc-macro"),
                package("cc", "lib"),
                package("proptest", "lib"),
            ],
            target_directory: "target".into(),
            workspace_members: vec!["ids".into(), "ids-core".into()],
            resolve: Some(Resolve {
                nodes: vec![
                    node(
                        "ids",
                        &[
                            ("ids-core", None),
                            ("cc", Some("build")),
                            ("proptest", Some("dev")),
                        ],
                    ),
                    node("ids-core", &[("serde", None)]),
                    node("serde", &[("serde_derive", None)]),
                ],
            }),
        };

        let names: Vec<&str> = linked_crates(&metadata)
            .unwrap()
            .iter()
            .map(|package| package.name.as_str())
            .collect();

        assert_eq!(names, ["serde"]);
    }

    #[test]
    fn mit_is_taken_where_it_is_offered_alone() {
        for (license, expected) in [
            ("MIT OR Apache-2.0", true),
            ("Apache-2.0/MIT", true),
            ("MIT", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", false),
            ("Apache-2.0 AND MIT", false),
            ("BSD-3-Clause", false),
        ] {
            assert_eq!(offers_mit(license), expected, "{license}");
        }
    }

    #[test]
    fn files_with_terms_are_known_by_their_names() {
        for name in [
            "LICENSE",
            "LICENSE-MIT",
            "license.txt",
            "COPYING",
            "NOTICE",
            "UNLICENSE",
        ] {
            assert!(names_terms(name), "{name}");
        }
        for name in ["license.rs", "README.md", "Cargo.toml"] {
            assert!(!names_terms(name), "{name}");
        }
    }

    #[test]
    fn copies_that_differ_in_line_ends_are_one_text() {
        assert_eq!(normalized("\n  MIT \r\n\r\ntext\r\n\n"), "  MIT\n\ntext");
    }
}
