//! What a move came to, for people and for programs.

use std::path::Path;

use ids_core::access::OrganizationName;
use ids_core::id::DocumentId;
use ids_core::moving::{Contents, Moved, Plan, Verified};
use serde_json::{Map, Value, json};

use crate::cli::output;

/// Digits of a hash that people compare.
const SHORT_HASH: usize = 16;

/// Everything that is known of a move that ran to its end.
pub struct Report<'a> {
    pub to: &'static str,
    pub organization: &'a OrganizationName,
    pub data_dir: &'a Path,
    pub plan: &'a Plan,
    pub moved: &'a Moved,
    pub verified: &'a Verified,
}

impl Report<'_> {
    /// What is not as it should be, the bytes among it.
    pub fn differences(&self) -> Vec<String> {
        let damaged = self.moved.damaged_bytes.iter().map(|id| {
            format!("the bytes of document `{id}` are not those that were accepted: their SHA-256 differs")
        });
        self.verified.differences.iter().cloned().chain(damaged).collect()
    }

    pub fn to_json(&self) -> Value {
        let Self {
            plan,
            moved,
            verified,
            ..
        } = self;
        let differences = self.differences();
        json!({
            "to": self.to,
            "organization": self.organization.as_str(),
            "documents": {
                "moved": moved.documents,
                "present": moved.present,
                "replaced": moved.replaced,
                "left_out": ids(&plan.unfinished),
                "announced": plan.announced,
            },
            "sessions": {"moved": moved.sessions},
            "blobs": {
                "copied": moved.blobs,
                "bytes": moved.blob_bytes,
                "missing": ids(&moved.without_bytes),
                "damaged": ids(&moved.damaged_bytes),
            },
            "source": counts(&verified.source),
            "target": counts(&verified.target),
            "content_hash": {
                "source": verified.source_hash.to_string(),
                "target": verified.target_hash.to_string(),
            },
            "verified": differences.is_empty(),
            "differences": differences,
        })
    }

    pub fn to_text(&self) -> String {
        let Self { moved, verified, .. } = self;
        let mut rows = vec![["", "source", "target"].map(str::to_owned).to_vec()];
        let pairs = verified.source.named().into_iter().zip(verified.target.named());
        rows.extend(
            pairs
                .map(|((name, here), (_, there))| vec![name.to_owned(), here.to_string(), there.to_string()]),
        );
        let short = |hash: String| hash.chars().take(SHORT_HASH).collect::<String>();
        rows.push(vec![
            "content hash".to_owned(),
            short(verified.source_hash.to_string()),
            short(verified.target_hash.to_string()),
        ]);
        let mut lines = vec![output::table(&rows), String::new()];
        lines.push(format!(
            "{} moved, {} were there already, {} replaced; {} of originals copied",
            output::count(moved.documents, "document"),
            moved.present,
            moved.replaced,
            output::size(moved.blob_bytes),
        ));
        if !moved.without_bytes.is_empty() {
            lines.push(format!(
                "{} without their original: the source does not have it either",
                output::count(moved.without_bytes.len() as u64, "document")
            ));
        }
        let left_out = self.plan.unfinished.len() as u64 + self.plan.announced;
        if left_out > 0 {
            let announced = self.plan.announced;
            lines.push(format!(
                "{} left out ({announced} of them announced, whose bytes never came)",
                output::count(left_out, "document"),
            ));
            lines.extend(self.plan.unfinished.iter().map(|id| format!("  {id}")));
        }
        if self.differences().is_empty() {
            lines.push(format!(
                "both ends hold the same, read back and compared; {}",
                self.next()
            ));
        }
        lines.join("\n")
    }

    /// What to do now.
    fn next(&self) -> String {
        let data_dir = self.data_dir.display();
        if self.to == "server" {
            format!(
                "the library in `{data_dir}` stays as it is: keep it until the server has its first backup"
            )
        } else {
            format!("start `ids serve --data-dir {data_dir}` without POSTGRES_HOST to use it")
        }
    }
}

fn ids(documents: &[DocumentId]) -> Vec<String> {
    documents.iter().map(ToString::to_string).collect()
}

fn counts(contents: &Contents) -> Value {
    let named = contents.named().into_iter();
    Value::Object(
        named
            .map(|(name, count)| (name.to_owned(), json!(count)))
            .collect::<Map<_, _>>(),
    )
}
