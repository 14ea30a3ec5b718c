//! The right to write for a job, checked in the transaction of each write.

use futures_util::future;
use ids_core::document::VersionStage;
use ids_core::id::{DocumentId, OrganizationId};
use ids_core::job::Lease;
use tokio_postgres::Row;

use crate::documents;
use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id};
use crate::transaction::Tx;

/// The version that a lease holder works on.
#[derive(Debug, Clone)]
pub(crate) struct HeldVersion {
    pub(crate) version_no: i64,
    pub(crate) organization: OrganizationId,
    pub(crate) document_id: DocumentId,
    pub(crate) collection_no: i64,
    pub(crate) stage: VersionStage,
    pub(crate) chunk_count: i32,
    pub(crate) text_hash: Option<Vec<u8>>,
    /// The document's visible version, which may be this one.
    pub(crate) visible_version_no: Option<i64>,
}

impl HeldVersion {
    pub(crate) fn is_visible(&self) -> bool {
        self.visible_version_no == Some(self.version_no)
    }
}

/// The version behind a lease: only while the job runs, under its newest token, and while the version is there.
const SELECT: &str = "select v.version_no, v.organization_id, v.document_id, d.collection_no, v.stage, v.chunk_count, v.text_hash,
        d.visible_version_no
     from jobs j
     join versions v on v.version_no = j.version_no
     join documents d on d.document_id = j.document_id
     where j.job_id = $1 and j.organization_id = $2 and j.lease_token = $3 and j.status = 'started' and v.version_id = $4";

/// Checks that the lease is the newest of a job that is being worked on, and gives its version.
///
/// A lease whose time is over still counts until another worker claims the job: nobody else writes before that.
pub(crate) async fn held_version(tx: &Tx<'_>, lease: &Lease) -> DbResult<HeldVersion> {
    find(tx, lease, SELECT).await
}

/// The same for a transaction that writes: document and job are locked, in this order, so that the lease cannot be lost before
/// it ends.
pub(crate) async fn hold_version(tx: &Tx<'_>, lease: &Lease) -> DbResult<HeldVersion> {
    let sql = format!("{SELECT} for no key update of j");
    // Prepared before, so that they are sent, and run, in this order.
    tx.prepare(documents::LOCK).await?;
    tx.prepare(&sql).await?;
    // Sent together; the second begins when the first has its lock, and sees what was committed until then.
    let (locked, held) = future::join(
        documents::lock(tx, lease.job.organization, lease.document_id),
        find(tx, lease, &sql),
    )
    .await;
    locked?;
    held
}

async fn find(tx: &Tx<'_>, lease: &Lease, sql: &str) -> DbResult<HeldVersion> {
    let row = tx
        .query_opt(
            sql,
            &[
                &lease.job.job_id.to_uuid(),
                &lease.job.organization.to_uuid(),
                &lease.token,
                &lease.version_id.to_uuid(),
            ],
        )
        .await?;
    read(&row.ok_or(DbError::LEASE_LOST)?)
}

fn read(row: &Row) -> DbResult<HeldVersion> {
    let mut columns = Columns::new(row, "versions");
    Ok(HeldVersion {
        version_no: columns.get()?,
        organization: columns.id()?,
        document_id: columns.id()?,
        collection_no: columns.get()?,
        stage: columns.stage()?,
        chunk_count: columns.get()?,
        text_hash: columns.get()?,
        visible_version_no: columns.get()?,
    })
}
