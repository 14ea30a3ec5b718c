//! Files that must be there, and in git.

use super::tree::Tree;

const REQUIRED: [&str; 16] = [
    "Cargo.lock",
    "LICENSE",
    "THIRD_PARTY.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "assets.lock",
    "deny.toml",
    "docs/architecture.md",
    "docs/cli.md",
    "docs/configuration.md",
    "docs/performance.md",
    "docs/quality.md",
    "docs/api/errors.md",
    "docs/api/openapi.json",
    ".ci/run",
];

/// A download at the start of a build is the machine's business, not the repository's.
const FORBIDDEN: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// Complains about each required file git does not track, and each that must not be there.
pub fn check(tree: &Tree) -> Vec<String> {
    let missing = REQUIRED
        .iter()
        .filter(|path| !tree.is_committed(path))
        .map(|path| format!("`{path}` is not in git; add it"));
    let unwanted = FORBIDDEN
        .iter()
        .filter(|path| tree.holds(path))
        .map(|path| format!("`{path}` would start a download; name the version in Cargo.toml only"));
    missing.chain(unwanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_file_is_named() {
        let files: Vec<(&str, &str)> = REQUIRED.iter().skip(1).map(|path| (*path, "")).collect();
        assert_eq!(check(&Tree::of(&files)), ["`Cargo.lock` is not in git; add it"]);
    }

    #[test]
    fn a_toolchain_file_is_refused() {
        let mut files: Vec<(&str, &str)> = REQUIRED.iter().map(|path| (*path, "")).collect();
        assert!(check(&Tree::of(&files)).is_empty());
        files.push(("rust-toolchain.toml", ""));
        assert_eq!(check(&Tree::of(&files)).len(), 1);
    }
}
