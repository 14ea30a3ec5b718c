//! Where the workspace lies, and what cargo knows about it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process::stdout_of;

/// The Linux machines `ids` is built for; notices name what is linked on any of them.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// The folder of the root `Cargo.toml`.
pub fn root() -> Result<PathBuf> {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = manifest.parent().context("xtask has no parent folder")?;
    Ok(root.to_path_buf())
}

/// What `cargo metadata` prints, as far as we use it.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub target_directory: PathBuf,
    pub workspace_members: Vec<String>,
    /// Absent without the dependencies' own dependencies (`members`).
    pub resolve: Option<Resolve>,
}

/// One crate, of ours or not.
#[derive(Debug, Deserialize)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    pub repository: Option<String>,
    pub manifest_path: PathBuf,
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    #[serde(default)]
    pub targets: Vec<Target>,
}

/// What one crate's manifest says about a crate it depends on.
#[derive(Debug, Clone, Deserialize)]
pub struct Dependency {
    pub name: String,
    /// `None` for an ordinary one, else `dev` or `build`.
    pub kind: Option<String>,
    #[serde(default)]
    pub features: Vec<String>,
}

/// A library, program or test of a crate.
#[derive(Debug, Deserialize)]
pub struct Target {
    pub kind: Vec<String>,
}

/// Who depends on whom, with versions chosen.
#[derive(Debug, Deserialize)]
pub struct Resolve {
    pub nodes: Vec<Node>,
}

/// One crate in the resolved graph.
#[derive(Debug, Deserialize)]
pub struct Node {
    pub id: String,
    pub deps: Vec<NodeDependency>,
}

/// One arrow in the resolved graph.
#[derive(Debug, Deserialize)]
pub struct NodeDependency {
    pub pkg: String,
    pub dep_kinds: Vec<DependencyKind>,
}

/// Why an arrow is there.
#[derive(Debug, Deserialize)]
pub struct DependencyKind {
    pub kind: Option<String>,
}

impl Metadata {
    /// Our own crates only; reads manifests and nothing else.
    pub fn members() -> Result<Self> {
        Self::load(&["--no-deps"])
    }

    /// All crates of the lock file on the machines we build for. Fails when Cargo.lock is behind the manifests.
    pub fn locked_graph() -> Result<Self> {
        let mut arguments = vec!["--locked"];
        for target in TARGETS {
            arguments.extend(["--filter-platform", target]);
        }
        Self::load(&arguments)
    }

    fn load(arguments: &[&str]) -> Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let json = stdout_of(
            Command::new(cargo)
                .args(["metadata", "--format-version", "1"])
                .args(arguments)
                .current_dir(root()?),
        )?;
        serde_json::from_str(&json).context("`cargo metadata` printed something unexpected")
    }
}
