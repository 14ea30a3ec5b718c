//! The right to write for a job, checked in the transaction of each write.

use ids_core::document::VersionStage;
use ids_core::id::{DocumentId, OrganizationId};
use ids_core::job::Lease;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id};

/// The version that a lease holder works on.
#[derive(Debug, Clone)]
pub(crate) struct HeldVersion {
    pub(crate) version_no: i64,
    pub(crate) organization: OrganizationId,
    pub(crate) document_id: DocumentId,
    pub(crate) collection_no: i64,
    pub(crate) stage: VersionStage,
    pub(crate) first_chunk_id: Option<i64>,
    pub(crate) chunk_count: i64,
    pub(crate) text_hash: Option<[u8; 32]>,
    /// The document's visible version, which may be this one.
    pub(crate) visible_version_no: Option<i64>,
}

impl HeldVersion {
    /// Its chunks, none before it has any.
    pub(crate) fn chunk_ids(&self) -> std::ops::Range<i64> {
        let first = self.first_chunk_id.unwrap_or(0);
        first..first + self.chunk_count
    }

    pub(crate) fn is_visible(&self) -> bool {
        self.visible_version_no == Some(self.version_no)
    }
}

/// Checks that the lease is the newest of a job that is being worked on, and gives its version.
///
/// A lease whose time is over still counts until another worker claims the job: nobody else writes before that.
pub(crate) fn held_version(tx: &Connection, lease: &Lease) -> DbResult<HeldVersion> {
    let mut statement = tx.prepare_cached(include_str!("../queries/held_version.sql"))?;
    let held = statement
        .query_row(
            params![
                lease.job.job_id.to_blob(),
                lease.job.organization.to_blob(),
                lease.token,
                lease.version_id.to_blob(),
            ],
            |row| Ok(read(&mut Columns::new(row, "versions"))),
        )
        .optional()?;
    held.ok_or(DbError::LEASE_LOST)?
}

fn read(columns: &mut Columns<'_, '_>) -> DbResult<HeldVersion> {
    Ok(HeldVersion {
        version_no: columns.get()?,
        organization: columns.id()?,
        document_id: columns.id()?,
        collection_no: columns.get()?,
        stage: columns.stage()?,
        first_chunk_id: columns.get()?,
        chunk_count: columns.get()?,
        text_hash: columns.get()?,
        visible_version_no: columns.get()?,
    })
}
