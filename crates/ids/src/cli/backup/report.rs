//! What came of a backup, for people and for programs.

use serde_json::{Value, json};

use crate::backup::Made;
use crate::cli::output::{count, size};

/// A backup that was made.
pub struct Report<'a> {
    /// It.
    pub made: &'a Made,
    /// The names of backups that were removed.
    pub removed: Vec<String>,
    /// How long all of it took.
    pub seconds: f64,
}

impl Report<'_> {
    fn file(&self) -> String {
        let path = self.made.folder.path().join(&self.made.recorded.file_name);
        path.display().to_string()
    }

    fn originals_bytes(&self) -> u64 {
        self.made.manifest.originals.iter().map(|it| it.bytes).sum()
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({
            "file": self.file(),
            "sha256": self.made.written.sha256.to_string(),
            "bytes": self.made.written.bytes,
            "encrypted": self.made.manifest.originals_key.is_some(),
            "rows": self.made.manifest.rows(),
            "originals": self.made.manifest.originals.len(),
            "originals_bytes": self.originals_bytes(),
            "missing": self.made.skipped.missing,
            "copied_to": self.made.recorded.copied_to,
            "removed": self.removed,
            "seconds": (self.seconds * 1_000.0).round() / 1_000.0,
        })
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let manifest = &self.made.manifest;
        let mut lines = vec![format!(
            "{} ({}, {})",
            self.file(),
            size(self.made.written.bytes),
            if manifest.originals_key.is_some() {
                "encrypted"
            } else {
                "not encrypted"
            }
        )];
        let originals = format!(
            "{} ({})",
            count(manifest.originals.len() as u64, "original"),
            size(self.originals_bytes())
        );
        lines.push(format!(
            "{}, {originals}, {:.1} s",
            count(manifest.rows(), "row"),
            self.seconds
        ));
        if let Some(copied_to) = &self.made.recorded.copied_to {
            lines.push(format!("copied to {copied_to}"));
        }
        if !self.removed.is_empty() {
            lines.push(format!("removed {}", self.removed.join(", ")));
        }
        lines.join("\n")
    }
}
