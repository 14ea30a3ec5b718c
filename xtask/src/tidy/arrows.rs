//! The arrows between crates: who may depend on whom, and on which drivers not (house style, section 1).

use std::path::Path;

use crate::workspace::{Dependency, Metadata, Package};

/// Each crate of ours and those of ours it may use; `dev-dependencies` are free. Stores need `ids-text` for the type
/// of a term; that they use nothing else of it is held by the check on adapters.
const ALLOWED: [(&str, &[&str]); 14] = [
    ("ids-text", &[]),
    ("ids-core", &["ids-text"]),
    ("ids-extract", &["ids-core"]),
    ("ids-embed", &["ids-core"]),
    ("ids-net", &[]),
    ("ids-models", &["ids-core", "ids-net"]),
    ("ids-rows", &["ids-core", "ids-text"]),
    ("ids-sqlite", &["ids-core", "ids-text", "ids-rows"]),
    ("ids-postgres", &["ids-core", "ids-net", "ids-text", "ids-rows"]),
    ("ids-redis", &["ids-core", "ids-net", "ids-rows"]),
    ("ids-blobs", &["ids-core", "ids-net"]),
    ("ids-backup", &["ids-core", "ids-net"]),
    ("ids-http", &["ids-core"]),
    ("ids-testkit", &["ids-core", "ids-text"]),
];

/// The program puts everything together; only the test kit stays out.
const PROGRAM: &str = "ids";
const TEST_ONLY: &str = "ids-testkit";

/// What the domain and its text analysis never touch: input and output, and the shape of wires and rows.
const NOT_IN_DOMAIN: [(&str, &str); 13] = [
    ("sqlx", "put the query in an adapter and add a port method"),
    ("rusqlite", "put the query in an adapter and add a port method"),
    ("redis", "put the call in an adapter and add a port method"),
    ("axum", "put the route in ids-http"),
    ("hyper", "put the call in an adapter and add a port method"),
    ("reqwest", "put the call in an adapter and add a port method"),
    ("rusty-s3", "put the call in ids-blobs and add a port method"),
    ("pdfium-render", "put the reader in ids-extract"),
    ("zip", "put the reader in ids-extract"),
    ("clap", "put the option in ids"),
    ("tracing-subscriber", "put the set-up in ids"),
    (
        "serde",
        "wire and row types belong to ids-http and the adapters, so that a refactor cannot change them",
    ),
    ("libc", "put the system call in an adapter and add a port method"),
];

/// The parts of tokio that do no input or output.
const DOMAIN_TOKIO_FEATURES: [&str; 3] = ["sync", "time", "macros"];

/// Drivers of stores never show in the HTTP layer.
const NOT_IN_HTTP: [&str; 4] = ["sqlx", "rusqlite", "redis", "rusty-s3"];

/// Libraries fail with types one can match on.
const ANYHOW_IS_FOR: [&str; 2] = [PROGRAM, "xtask"];

/// Complains about each arrow that must not be.
pub fn check(metadata: &Metadata, root: &Path) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in &metadata.packages {
        let in_crates = package.manifest_path.starts_with(root.join("crates"));
        for dependency in package
            .dependencies
            .iter()
            .filter(|it| it.kind.as_deref() != Some("dev"))
        {
            let advice = (in_crates.then(|| advice_on_ours(package, dependency)).flatten())
                .or_else(|| in_crates.then(|| advice_on_others(package, dependency)).flatten());
            if let Some(advice) = advice {
                complaints.push(format!(
                    "{} must not depend on `{}`: {advice}",
                    package.name, dependency.name
                ));
            }
        }
        let known = package.name == PROGRAM || ALLOWED.iter().any(|(name, _)| *name == package.name);
        if in_crates && !known {
            complaints.push(format!(
                "crate `{}` is not in the table of arrows; add it to xtask/src/tidy/arrows.rs and docs/architecture.md",
                package.name
            ));
        }
    }
    complaints
}

fn advice_on_ours(package: &Package, dependency: &Dependency) -> Option<String> {
    let ours = dependency.name == PROGRAM || ALLOWED.iter().any(|(name, _)| *name == dependency.name);
    if !ours {
        return None;
    }
    if dependency.name == TEST_ONLY {
        return Some("it is for tests; move it to [dev-dependencies]".into());
    }
    if package.name == PROGRAM {
        return None;
    }
    let allowed = ALLOWED.iter().find(|(name, _)| *name == package.name)?.1;
    (!allowed.contains(&dependency.name.as_str())).then(|| {
        let those = if allowed.is_empty() {
            "nothing of ours".to_owned()
        } else {
            allowed.join(", ")
        };
        format!("it may use {those}; move the rule up, or let `ids` put the two together")
    })
}

fn advice_on_others(package: &Package, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if name == "anyhow" && !ANYHOW_IS_FOR.contains(&package.name.as_str()) {
        return Some("libraries have an error enum with thiserror".into());
    }
    if package.name == "ids-http" && NOT_IN_HTTP.contains(&name) {
        return Some("routes talk to ports; put the query in an adapter and add a port method".into());
    }
    if package.name == "ids-text" && name == "tokio" {
        return Some("text analysis is pure".into());
    }
    if package.name != "ids-core" && package.name != "ids-text" {
        return None;
    }
    if let Some((_, advice)) = NOT_IN_DOMAIN.iter().find(|(forbidden, _)| *forbidden == name) {
        return Some((*advice).into());
    }
    if name == "tokio" {
        let foreign = dependency
            .features
            .iter()
            .find(|feature| !DOMAIN_TOKIO_FEATURES.contains(&feature.as_str()))?;
        return Some(format!(
            "of tokio it may use {}, not `{foreign}`; add a port method for what does input or output",
            DOMAIN_TOKIO_FEATURES.join(", ")
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(package: &str, dependency: &str, kind: Option<&str>, features: &[&str]) -> Vec<String> {
        let metadata = Metadata {
            packages: vec![Package {
                id: package.into(),
                name: package.into(),
                version: "0.1.0".into(),
                license: None,
                repository: None,
                manifest_path: format!("/repo/crates/{package}/Cargo.toml").into(),
                dependencies: vec![Dependency {
                    name: dependency.into(),
                    kind: kind.map(str::to_owned),
                    features: features.iter().map(|feature| (*feature).to_owned()).collect(),
                }],
                targets: Vec::new(),
            }],
            target_directory: "/repo/target".into(),
            workspace_members: vec![package.into()],
            resolve: None,
        };
        check(&metadata, Path::new("/repo"))
    }

    #[test]
    fn a_driver_in_the_domain_is_refused_with_advice() {
        assert_eq!(
            complaints("ids-core", "rusqlite", None, &[]),
            ["ids-core must not depend on `rusqlite`: put the query in an adapter and add a port method"]
        );
        assert!(complaints("ids-sqlite", "rusqlite", None, &[]).is_empty());
        assert!(complaints("ids-core", "rusqlite", Some("dev"), &[]).is_empty());
    }

    #[test]
    fn an_arrow_down_or_sideways_is_refused() {
        assert_eq!(complaints("ids-text", "ids-core", None, &[]).len(), 1);
        assert_eq!(complaints("ids-core", "ids-sqlite", None, &[]).len(), 1);
        assert_eq!(complaints("ids-http", "ids-sqlite", None, &[]).len(), 1);
        assert_eq!(complaints("ids-sqlite", "ids-blobs", Some("build"), &[]).len(), 1);
        assert!(complaints("ids-sqlite", "ids-core", None, &[]).is_empty());
        assert!(complaints("ids", "ids-sqlite", None, &[]).is_empty());
    }

    #[test]
    fn the_test_kit_is_for_tests_only() {
        assert_eq!(complaints("ids", "ids-testkit", None, &[]).len(), 1);
        assert!(complaints("ids", "ids-testkit", Some("dev"), &[]).is_empty());
    }

    #[test]
    fn the_domain_uses_of_tokio_only_what_does_no_io() {
        assert!(complaints("ids-core", "tokio", None, &["sync", "time"]).is_empty());
        assert!(complaints("ids-core", "tokio", None, &["sync", "net"])[0].contains("not `net`"));
        assert!(complaints("ids-http", "tokio", None, &["net"]).is_empty());
    }

    #[test]
    fn anyhow_stays_in_programs() {
        assert_eq!(complaints("ids-blobs", "anyhow", None, &[]).len(), 1);
        assert!(complaints("ids", "anyhow", None, &[]).is_empty());
    }

    #[test]
    fn a_new_crate_must_enter_the_table() {
        assert_eq!(complaints("ids-misc", "serde", None, &[]).len(), 1);
    }
}
