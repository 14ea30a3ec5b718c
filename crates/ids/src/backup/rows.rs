//! The rows of the server's tables on their way into an archive: read on the runtime, written by a thread, at most three pieces between
//! them.

use std::collections::BTreeMap;

use anyhow::Context;
use ids_backup::{ArchiveWriter, BackupError, Sequence, TableRows};
use ids_postgres::{BackupTable, PostgresSnapshot};
use tokio::sync::mpsc;

use super::{Progress, Step, blocking};

/// Bytes of one member of an archive: large enough that its header is nothing, small enough for any memory.
const PIECE: usize = 4 * 1024 * 1024;
/// Rows between two reports.
const REPORT_EVERY: u64 = 10_000;

struct Piece {
    table: String,
    rows: Vec<u8>,
}

/// Why the reader of rows ended early: the writer says why.
struct WriterIsGone;

/// Writes all rows of a snapshot.
pub(super) async fn write_rows(
    snapshot: &PostgresSnapshot,
    writer: ArchiveWriter,
    progress: &Progress,
) -> anyhow::Result<(ArchiveWriter, BTreeMap<String, TableRows>, Vec<Sequence>)> {
    let (pieces, mut line) = mpsc::channel::<Piece>(2);
    let writing = blocking(move || -> Result<ArchiveWriter, BackupError> {
        let mut writer = writer;
        while let Some(piece) = line.blocking_recv() {
            writer.rows(&piece.table, &piece.rows)?;
        }
        Ok(writer)
    });
    let reading = read_rows(snapshot, pieces, progress);
    let (writer, counts) = tokio::join!(writing, reading);
    let writer = writer?;
    let counts = match counts? {
        Ok(counts) => counts,
        Err(WriterIsGone) => anyhow::bail!("the archive ended before the rows did"),
    };
    let sequences = snapshot
        .sequences()
        .await
        .context("the database cannot be read")?;
    let sequences = sequences.into_iter().map(|it| Sequence {
        name: it.name,
        last_value: it.last_value,
        is_called: it.is_called,
    });
    Ok((writer, counts, sequences.collect()))
}

async fn read_rows(
    snapshot: &PostgresSnapshot,
    pieces: mpsc::Sender<Piece>,
    progress: &Progress,
) -> anyhow::Result<Result<BTreeMap<String, TableRows>, WriterIsGone>> {
    let mut counts = BTreeMap::new();
    let mut total = 0;
    for table in snapshot.tables() {
        let mut counted = TableRows::default();
        for owner in snapshot.owners_of(table) {
            let mut rows = 0;
            let mut stream = snapshot
                .rows(table, owner.as_ref())
                .await
                .with_context(|| unread(table))?;
            let mut piece = Vec::new();
            while let Some(bytes) = stream.next().await.with_context(|| unread(table))? {
                // A line feed inside of a value is written as two other characters.
                let came = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
                rows += came;
                total += came;
                piece.extend_from_slice(&bytes);
                if piece.len() >= PIECE && piece.ends_with(b"\n") {
                    let rows = std::mem::take(&mut piece);
                    if send(&pieces, table, rows).await.is_err() {
                        return Ok(Err(WriterIsGone));
                    }
                }
                if total % REPORT_EVERY < came {
                    progress.show(Step::Rows(total));
                }
            }
            if !piece.is_empty() && send(&pieces, table, piece).await.is_err() {
                return Ok(Err(WriterIsGone));
            }
            counted.rows += rows;
            if let (Some(owner), true) = (owner, rows > 0) {
                counted.by_organization.insert(owner.id.to_string(), rows);
            }
        }
        counts.insert(table.name.clone(), counted);
    }
    Ok(Ok(counts))
}

async fn send(
    pieces: &mpsc::Sender<Piece>,
    table: &BackupTable,
    rows: Vec<u8>,
) -> Result<(), mpsc::error::SendError<Piece>> {
    let table = table.name.clone();
    pieces.send(Piece { table, rows }).await
}

fn unread(table: &BackupTable) -> String {
    format!("the table `{}` cannot be read", table.name)
}
