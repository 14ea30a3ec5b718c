//! Documents that came in others. Locks go from the outer document to the inner one, each before its job.

use ids_core::document::Removed;
use ids_core::id::{DocumentId, OrganizationId, VersionId};
use ids_core::job::Lease;
use ids_core::limits::MEMBER_LEVELS;
use ids_core::member::{Family, KnownMember, MemberAcceptance, MemberAccepted};
use ids_core::scope::Scope;

use crate::accept;
use crate::documents;
use crate::error::{DbError, DbResult};
use crate::jobs;
use crate::leases::{held_version, hold_version};
use crate::rows::{Columns, Id, storable};
use crate::transaction::Tx;
use crate::versions;

/// `JobStore::accept_member`.
pub(crate) async fn accept(
    tx: &Tx<'_>,
    lease: &Lease,
    member: &MemberAcceptance,
) -> DbResult<MemberAccepted> {
    let held = hold_version(tx, lease).await?;
    let scope = Scope::organization(held.organization);
    let parent = documents::find(tx, &scope, held.document_id)
        .await?
        .ok_or(DbError::LEASE_LOST)?;
    let known = find(tx, lease, member).await?;
    if let Some(known) = &known {
        documents::lock(tx, held.organization, known.document_id).await?;
        set_parent_version(tx, &held.organization, known.document_id, lease.version_id).await?;
        if known.is_settled(member) {
            return Ok(MemberAccepted::Unchanged(known.document_id));
        }
    }
    let acceptance = member.acceptance(known.as_ref(), parent.tags, parent.collection);
    let accepted = accept::accept(tx, &scope, &acceptance).await?;
    if known.is_none() {
        tx.execute(
            "update documents set parent_id = $3, path = $4 where organization_id = $1 and document_id = $2",
            &[
                &held.organization.to_uuid(),
                &accepted.document_id.to_uuid(),
                &held.document_id.to_uuid(),
                &storable(member.path.as_str()),
            ],
        )
        .await?;
        set_parent_version(tx, &held.organization, accepted.document_id, lease.version_id).await?;
    }
    Ok(MemberAccepted::New(accepted))
}

async fn find(tx: &Tx<'_>, lease: &Lease, member: &MemberAcceptance) -> DbResult<Option<KnownMember>> {
    let row = tx
        .query_opt(
            "select d.document_id, v.file_hash, d.status, d.parent_version_id is not distinct from $4 from documents d
             join versions v on v.version_no = d.newest_version_no
             where d.organization_id = $1 and d.parent_id = $2 and d.path = $3",
            &[
                &lease.job.organization.to_uuid(),
                &lease.document_id.to_uuid(),
                &storable(member.path.as_str()),
                &lease.version_id.to_uuid(),
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row, "documents");
    Ok(Some(KnownMember {
        document_id: columns.id()?,
        file_hash: columns.get()?,
        status: columns.document_status()?,
        is_of_this_version: columns.get()?,
    }))
}

async fn set_parent_version(
    tx: &Tx<'_>,
    organization: &OrganizationId,
    document_id: DocumentId,
    version_id: VersionId,
) -> DbResult<()> {
    tx.execute(
        "update documents set parent_version_id = $3 where organization_id = $1 and document_id = $2",
        &[
            &organization.to_uuid(),
            &document_id.to_uuid(),
            &version_id.to_uuid(),
        ],
    )
    .await?;
    Ok(())
}

/// `DocumentStore::find_family`.
pub(crate) async fn find_family(tx: &Tx<'_>, lease: &Lease) -> DbResult<Family> {
    let held = held_version(tx, lease).await?;
    let mut outermost = held.document_id;
    let mut depth = 0;
    while depth < MEMBER_LEVELS {
        let row = tx
            .query_opt(
                "select parent_id from documents
                 where organization_id = $1 and document_id = $2 and parent_id is not null",
                &[&held.organization.to_uuid(), &outermost.to_uuid()],
            )
            .await?;
        let Some(row) = row else { break };
        outermost = Columns::new(&row, "documents").id()?;
        depth += 1;
    }
    let members = below(tx, held.organization, outermost).await?.len() as u64;
    Ok(Family { depth, members })
}

/// All that came in a document, at whatever depth, outer ones first.
pub(crate) async fn below(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
) -> DbResult<Vec<DocumentId>> {
    let mut all = Vec::new();
    let mut level = vec![document_id.to_uuid()];
    for _ in 0..MEMBER_LEVELS {
        if level.is_empty() {
            break;
        }
        let rows = tx
            .query(
                "select document_id from documents where organization_id = $1 and parent_id = any($2) order by document_id",
                &[&organization.to_uuid(), &level],
            )
            .await?;
        level.clear();
        for row in rows {
            let member: DocumentId = Columns::new(&row, "documents").id()?;
            level.push(member.to_uuid());
            all.push(member);
        }
    }
    Ok(all)
}

/// Removes what came in a document, which is locked, at whatever depth.
pub(crate) async fn remove_below(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
) -> DbResult<Removed> {
    let members = below(tx, organization, document_id).await?;
    remove_all(tx, organization, &members).await
}

/// Removes what had come in a document, which is locked, and did not in this version of it.
pub(crate) async fn remove_gone(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
    version_id: VersionId,
) -> DbResult<Removed> {
    let rows = tx
        .query(
            "select document_id from documents
             where organization_id = $1 and parent_id = $2 and parent_version_id is distinct from $3 order by document_id",
            &[&organization.to_uuid(), &document_id.to_uuid(), &version_id.to_uuid()],
        )
        .await?;
    let mut sum = Removed::default();
    for row in rows {
        let member: DocumentId = Columns::new(&row, "documents").id()?;
        let mut gone = vec![member];
        documents::lock(tx, organization, member).await?;
        gone.extend(below(tx, organization, member).await?);
        versions::add(&mut sum, remove_all(tx, organization, &gone).await?);
    }
    Ok(sum)
}

/// Removes documents, outer ones first in the list: they are locked in this order, and removed in the other.
async fn remove_all(tx: &Tx<'_>, organization: OrganizationId, members: &[DocumentId]) -> DbResult<Removed> {
    for &member in members {
        documents::lock(tx, organization, member).await?;
    }
    let mut sum = Removed::default();
    for &member in members.iter().rev() {
        versions::add(&mut sum, documents::remove(tx, organization, member).await?);
        sum.members += 1;
    }
    Ok(sum)
}

/// Ends the open jobs of what came in a document, which is locked; says whether there was one.
pub(crate) async fn cancel_below(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
) -> DbResult<(bool, Removed)> {
    let mut sum = Removed::default();
    let mut was_open = false;
    for member in below(tx, organization, document_id).await? {
        documents::lock(tx, organization, member).await?;
        let open = tx
            .query(
                "select job_id from jobs
                 where organization_id = $1 and document_id = $2 and status in ('queued', 'started', 'deferred')
                 order by job_id for no key update",
                &[&organization.to_uuid(), &member.to_uuid()],
            )
            .await?;
        for row in open {
            was_open = true;
            let job_id = Columns::new(&row, "jobs").id()?;
            versions::add(&mut sum, jobs::end_cancelled(tx, organization, job_id).await?);
        }
    }
    Ok((was_open, sum))
}
