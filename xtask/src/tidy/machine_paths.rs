//! Nothing in the tree names the machine it was written on: no absolute paths of it, no package registry of its own.

use super::tree::Tree;

/// Put together here, so that this file does not find itself.
const PATHS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/opt/", "wheels"),
];

/// How a line sets where packages come from.
const REGISTRY_SETTINGS: [&str; 6] = [
    concat!("index", "-url"),
    concat!("index", "_url"),
    concat!("find", "-links"),
    concat!("INDEX", "_URL"),
    concat!("FIND", "_LINKS"),
    concat!("registry", "="),
];

/// The registries everyone has, by the lines of lock files that name them.
const PUBLIC: [&str; 3] = [
    "registry+https://github.com/rust-lang/crates.io-index",
    "https://registry.npmjs.org/",
    "https://index.crates.io/",
];

/// Complains about each line with an absolute path of a person's machine, or a registry that is not the public one.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.texts() {
        if path == "THIRD_PARTY.md" {
            continue; // generated, with the words of others
        }
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            if let Some(found) = PATHS.iter().find(|found| names_path(line, found)) {
                complaints.push(format!(
                    "{path}:{number} names `{found}`, a path of one machine; make it relative, or take it from the \
                     environment"
                ));
            }
            if REGISTRY_SETTINGS
                .iter()
                .any(|setting| line.contains(setting) && line.contains("://"))
            {
                complaints.push(format!(
                    "{path}:{number} sets a package registry; that is a setting of the machine"
                ));
            }
            if is_lock_file(path)
                && names_registry(line)
                && !PUBLIC.iter().any(|public| line.contains(public))
            {
                complaints.push(format!(
                    "{path}:{number} names a registry of one machine; lock against the public one"
                ));
            }
        }
    }
    complaints
}

/// A path begins where it is found: what stands before is no part of a longer, relative one.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(start, _)| {
        let inside =
            line[..start].ends_with(|before: char| before.is_alphanumeric() || "._-/}~*:".contains(before));
        let more =
            line[start + path.len()..].starts_with(|after: char| after.is_alphanumeric() || after == '.');
        !inside && (more || !path.ends_with("me/"))
    })
}

fn is_lock_file(path: &str) -> bool {
    ["Cargo.lock", "package-lock.json"]
        .iter()
        .any(|name| path == *name || path.ends_with(&format!("/{name}")))
}

fn names_registry(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("source = ") || line.starts_with("\"resolved\": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, line: &str) -> usize {
        check(&Tree::of(&[(path, line)])).len()
    }

    #[test]
    fn absolute_paths_of_a_machine_are_found() {
        for path in PATHS {
            assert_eq!(count("docs/a.md", &format!("see `{path}someone/x`")), 1, "{path}");
            assert_eq!(count("docs/a.md", &format!("{path}someone/x")), 1, "{path}");
        }
    }

    #[test]
    fn relative_paths_and_placeholders_are_fine() {
        let home = PATHS[2];
        let work = PATHS[0];
        for line in [
            format!("{home}<you>/x"),
            format!("frame{work}x"),
            format!("..{work}x"),
            format!("$ROOT{home}x"),
        ] {
            assert_eq!(count("docs/a.md", &line), 0, "{line}");
        }
    }

    #[test]
    fn registries_must_be_the_public_ones() {
        let crates = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        assert_eq!(count("Cargo.lock", crates), 0);
        assert_eq!(
            count("Cargo.lock", "source = \"registry+https://mirror.example/index\""),
            1
        );
        assert_eq!(
            count(
                "web/package-lock.json",
                "  \"resolved\": \"https://mirror.example/a.tgz\","
            ),
            1
        );
        assert_eq!(
            count(
                "web/package-lock.json",
                "  \"resolved\": \"https://registry.npmjs.org/a.tgz\","
            ),
            0
        );
        assert_eq!(
            count(
                "scripts/a.sh",
                &format!("pip --{} https://mirror.example/simple", REGISTRY_SETTINGS[0])
            ),
            1
        );
        assert_eq!(count("docs/a.md", &format!("`{}`", REGISTRY_SETTINGS[0])), 0);
    }
}
