//! What came of an ingest: for people, and for programs.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::output::{clean, count};

/// Paths listed of each reason; a folder of ten thousand photos needs no ten thousand lines.
const LISTED_PATHS: usize = 5;

/// Why a file was not ingested though nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// It was ingested before, with the same bytes.
    Unchanged,
    /// Its text is in the collection already.
    Duplicate,
    /// It is of a type that is not read.
    Unsupported,
    /// It is hidden, half written, a link, or listed in `.idsignore`.
    Ignored,
}

impl SkipReason {
    const ALL: [Self; 4] = [Self::Unchanged, Self::Duplicate, Self::Unsupported, Self::Ignored];

    /// The word in JSON.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Duplicate => "duplicate",
            Self::Unsupported => "unsupported",
            Self::Ignored => "ignored",
        }
    }

    const fn explained(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged since they were ingested",
            Self::Duplicate => "duplicates: the same text is in the collection already",
            Self::Unsupported => "of a type that is not read",
            Self::Ignored => "ignored: hidden, symbolic links, or listed in .idsignore",
        }
    }
}

/// A file that was not ingested though nothing failed.
#[derive(Debug, Clone)]
pub struct SkippedFile {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub reason: SkipReason,
}

/// A file that could not be ingested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedFile {
    /// Which.
    pub path: PathBuf,
    /// The API's code, or one of this program's own for files that cannot be read.
    pub error_code: String,
    /// What happened and what to do.
    pub error: String,
}

/// A file that was accepted.
#[derive(Debug, Clone)]
pub struct IngestedFile {
    /// Which.
    pub path: PathBuf,
    /// The document it is.
    pub document_id: String,
    /// Pages; `None` when its end was not waited for.
    pub pages: Option<u64>,
    /// Chunks; `None` when its end was not waited for.
    pub chunks: Option<u64>,
}

/// What came of one file.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is a document.
    Ingested(IngestedFile),
    /// It was passed over.
    Skipped(SkippedFile),
    /// It failed.
    Failed(FailedFile),
}

/// What came of all files.
#[derive(Debug, Default)]
pub struct Report {
    /// Accepted files.
    pub documents: Vec<IngestedFile>,
    /// Those passed over.
    pub skipped: Vec<SkippedFile>,
    /// Those that failed.
    pub failed: Vec<FailedFile>,
}

impl Report {
    /// Adds what came of one file.
    pub fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ingested(file) => self.documents.push(file),
            Outcome::Skipped(file) => self.skipped.push(file),
            Outcome::Failed(file) => self.failed.push(file),
        }
    }

    /// Orders everything by path: the same files give the same report, however fast each was.
    pub fn sort(&mut self) {
        self.documents.sort_by(|a, b| a.path.cmp(&b.path));
        self.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        self.failed.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// As design.md 3.1 has it.
    pub fn to_json(&self) -> Value {
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let skipped = self
            .skipped
            .iter()
            .map(|file| json!({"path": path(&file.path), "reason": file.reason.as_str()}));
        let failed = self.failed.iter().map(
            |file| json!({"path": path(&file.path), "error_code": file.error_code, "error": file.error}),
        );
        let documents = self.documents.iter().map(|file| {
            json!({
                "path": path(&file.path),
                "document_id": file.document_id,
                "pages": file.pages,
                "chunks": file.chunks,
            })
        });
        json!({
            "ingested": self.documents.len(),
            "skipped": skipped.collect::<Vec<_>>(),
            "failed": failed.collect::<Vec<_>>(),
            "documents": documents.collect::<Vec<_>>(),
        })
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut lines = vec![self.ingested()];
        for reason in SkipReason::ALL {
            let paths: Vec<&PathBuf> = self
                .skipped
                .iter()
                .filter(|file| file.reason == reason)
                .map(|file| &file.path)
                .collect();
            if paths.is_empty() {
                continue;
            }
            lines.push(format!(
                "{} skipped, {}",
                count(paths.len() as u64, "file"),
                reason.explained()
            ));
            // What is as it was needs no list.
            if reason != SkipReason::Unchanged {
                lines.extend(
                    paths
                        .iter()
                        .take(LISTED_PATHS)
                        .map(|path| format!("  {}", shown(path))),
                );
                if paths.len() > LISTED_PATHS {
                    lines.push(format!("  and {} more", paths.len() - LISTED_PATHS));
                }
            }
        }
        if !self.failed.is_empty() {
            lines.push(format!("{} failed", count(self.failed.len() as u64, "file")));
            for file in &self.failed {
                lines.push(format!(
                    "  {}: {} ({})",
                    shown(&file.path),
                    clean(&file.error),
                    clean(&file.error_code)
                ));
            }
        }
        lines.join("\n")
    }

    fn ingested(&self) -> String {
        let documents = count(self.documents.len() as u64, "document");
        let sum =
            |number: fn(&IngestedFile) -> Option<u64>| self.documents.iter().map(number).sum::<Option<u64>>();
        match (sum(|file| file.pages), sum(|file| file.chunks)) {
            (Some(pages), Some(chunks)) if !self.documents.is_empty() => {
                format!(
                    "{documents} ingested, {}, {}",
                    count(pages, "page"),
                    count(chunks, "chunk")
                )
            }
            (Some(_), Some(_)) => format!("{documents} ingested"),
            _ => format!("{documents} accepted; the server goes on with them"),
        }
    }
}

fn shown(path: &std::path::Path) -> String {
    clean(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{FailedFile, IngestedFile, Outcome, Report, SkipReason, SkippedFile};

    fn report() -> Report {
        let mut report = Report::default();
        let ingested = |path: &str| {
            Outcome::Ingested(IngestedFile {
                path: PathBuf::from(path),
                document_id: "1".to_owned(),
                pages: Some(3),
                chunks: Some(20),
            })
        };
        report.add(ingested("b.pdf"));
        report.add(ingested("a.pdf"));
        for number in 0..7 {
            let path = PathBuf::from(format!("{number}.png"));
            report.add(Outcome::Skipped(SkippedFile {
                path,
                reason: SkipReason::Unsupported,
            }));
        }
        report.add(Outcome::Failed(FailedFile {
            path: PathBuf::from("c.pdf"),
            error_code: "ENCRYPTED".to_owned(),
            error: "`c.pdf` is password protected".to_owned(),
        }));
        report.sort();
        report
    }

    #[test]
    fn people_read_how_many_which_and_why() {
        let expected = "\
2 documents ingested, 6 pages, 40 chunks
7 files skipped, of a type that is not read
  0.png
  1.png
  2.png
  3.png
  4.png
  and 2 more
1 file failed
  c.pdf: `c.pdf` is password protected (ENCRYPTED)";
        assert_eq!(report().to_text(), expected);
    }

    #[test]
    fn programs_get_every_file_in_order() {
        let json = report().to_json();
        assert_eq!(json["ingested"], 2);
        assert_eq!(json["documents"][0]["path"], "a.pdf");
        assert_eq!(json["skipped"].as_array().unwrap().len(), 7);
        assert_eq!(json["failed"][0]["error_code"], "ENCRYPTED");
    }
}
