//! What the program says it is, and the pages and scripts that packages carry.

use std::collections::BTreeSet;

use crate::place::Place;

#[test]
fn the_short_version_is_one_line_with_the_commit() {
    let run = Place::new().ids(&["-V"]);
    let wanted = concat!("ids ", env!("CARGO_PKG_VERSION"), " (");
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 1));
    assert!(
        run.stdout.starts_with(wanted) && run.stdout.ends_with(")\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn the_long_version_names_what_is_inside_and_what_is_found() {
    let run = Place::new().ids(&["--version"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    let names: Vec<&str> = lines[1..]
        .iter()
        .map(|line| line.split_once(": ").unwrap().0)
        .collect();
    assert_eq!(
        names,
        ["built for", "embedding", "pdf", "sqlite", "schema", "shapes"],
        "{}",
        run.stdout
    );
    assert_eq!(lines[0], Place::new().ids(&["-V"]).stdout.trim_end());
    let pdf = lines[3];
    assert!(
        pdf.contains("PDFium 1") && pdf.ends_with("libpdfium.so"),
        "of assets.lock, and beside the program: {pdf}"
    );
}

#[test]
fn the_version_is_told_where_no_setting_can_be_read() {
    let place = Place::new();
    let output = place
        .command(&["--version"])
        .env("IDS_NONSENSE", "1")
        .output()
        .unwrap();
    assert!(output.status.success());
}

/// The commands that the help of `path` lists, with those below them: `backup`, `backup-list`.
fn commands_below(path: &[&str], found: &mut BTreeSet<String>) {
    let help = Place::new().ids(&[path, &["--help"]].concat()).stdout;
    let listed = help
        .split_once("Commands:\n")
        .map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or(rest));
    for line in listed.lines() {
        // Descriptions go on in lines that are indented further.
        let Some(name) = line
            .strip_prefix("  ")
            .filter(|rest| !rest.starts_with(' '))
            .and_then(|rest| rest.split_whitespace().next())
            .filter(|name| *name != "help")
        else {
            continue;
        };
        let below = [path, &[name]].concat();
        found.insert(below.join("-"));
        commands_below(&below, found);
    }
}

#[test]
fn every_command_has_a_manual_page_that_names_its_options() {
    let place = Place::new();
    let folder = place.root().join("pages/man1");
    let output = place
        .command(&["man", folder.to_str().unwrap()])
        .env("IDS_NONSENSE", "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let mut wanted = BTreeSet::from(["ids.1".to_owned()]);
    let mut commands = BTreeSet::new();
    commands_below(&[], &mut commands);
    wanted.extend(commands.iter().map(|name| format!("ids-{name}.1")));
    let written: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(written, wanted);
    assert!(wanted.contains("ids-backup-verify.1") && !wanted.contains("ids-man.1"));

    let page = std::fs::read_to_string(folder.join("ids-search.1")).unwrap();
    assert!(
        page.contains(r"\-\-explain") && page.contains("\n.SH SYNOPSIS\n"),
        "{page}"
    );
    // Built anywhere, they are the same: nothing of this machine stands in them.
    let root = std::fs::read_to_string(folder.join("ids.1")).unwrap();
    assert!(!root.contains("libpdfium") && !root.contains("built for"));
}
