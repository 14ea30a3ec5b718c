//! Documents that came in others.

use ids_core::document::Removed;
use ids_core::id::{DocumentId, JobId, VersionId};
use ids_core::job::Lease;
use ids_core::limits::MEMBER_LEVELS;
use ids_core::member::{Family, KnownMember, MemberAcceptance, MemberAccepted};
use ids_core::scope::Scope;
use rusqlite::{Connection, OptionalExtension, params};

use crate::accept;
use crate::database::WriteTx;
use crate::documents;
use crate::error::{DbError, DbResult};
use crate::jobs;
use crate::leases::held_version;
use crate::rows::{Columns, Id};
use crate::versions;

/// `JobStore::accept_member`.
pub(crate) fn accept(
    tx: &mut WriteTx<'_>,
    lease: &Lease,
    member: &MemberAcceptance,
) -> DbResult<MemberAccepted> {
    let held = held_version(tx, lease)?;
    let scope = Scope::organization(held.organization);
    let parent = documents::find(tx, &scope, held.document_id)?.ok_or(DbError::LEASE_LOST)?;
    let known = find(tx, lease, member)?;
    if let Some(known) = &known {
        set_parent_version(tx, known.document_id, lease.version_id)?;
        if known.is_settled(member) {
            return Ok(MemberAccepted::Unchanged(known.document_id));
        }
    }
    let acceptance = member.acceptance(known.as_ref(), parent.tags, parent.collection);
    let accepted = accept::accept(tx, &scope, &acceptance)?;
    if known.is_none() {
        tx.execute(
            "update documents set parent_id = ?2, path = ?3 where document_id = ?1",
            params![
                accepted.document_id.to_blob(),
                held.document_id.to_blob(),
                member.path.as_str()
            ],
        )?;
        set_parent_version(tx, accepted.document_id, lease.version_id)?;
    }
    Ok(MemberAccepted::New(accepted))
}

fn find(tx: &Connection, lease: &Lease, member: &MemberAcceptance) -> DbResult<Option<KnownMember>> {
    tx.prepare_cached(
        "select d.document_id, v.file_hash, d.status, d.parent_version_id is ?3 from documents d
         join versions v on v.version_no = d.newest_version_no
         where d.parent_id = ?1 and d.path = ?2",
    )?
    .query_row(
        params![
            lease.document_id.to_blob(),
            member.path.as_str(),
            lease.version_id.to_blob()
        ],
        |row| {
            let mut columns = Columns::new(row, "documents");
            Ok((|| {
                Ok(KnownMember {
                    document_id: columns.id()?,
                    file_hash: columns.get()?,
                    status: columns.document_status()?,
                    is_of_this_version: columns.get()?,
                })
            })())
        },
    )
    .optional()?
    .transpose()
}

fn set_parent_version(tx: &Connection, document_id: DocumentId, version_id: VersionId) -> DbResult<()> {
    tx.prepare_cached("update documents set parent_version_id = ?2 where document_id = ?1")?
        .execute(params![document_id.to_blob(), version_id.to_blob()])?;
    Ok(())
}

/// `DocumentStore::find_family`.
pub(crate) fn find_family(tx: &Connection, lease: &Lease) -> DbResult<Family> {
    let held = held_version(tx, lease)?;
    let mut outermost = held.document_id;
    let mut depth = 0;
    while depth < MEMBER_LEVELS {
        let parent: Option<[u8; 16]> = tx
            .prepare_cached("select parent_id from documents where document_id = ?1")?
            .query_row([outermost.to_blob()], |row| row.get(0))
            .optional()?
            .flatten();
        let Some(parent) = parent else { break };
        outermost = DocumentId::from_blob(parent);
        depth += 1;
    }
    let members = below(tx, outermost)?.len() as u64;
    Ok(Family { depth, members })
}

/// All that came in a document, at whatever depth, outer ones first.
pub(crate) fn below(tx: &Connection, document_id: DocumentId) -> DbResult<Vec<DocumentId>> {
    let mut select =
        tx.prepare_cached("select document_id from documents where parent_id = ?1 order by document_id")?;
    let mut all = Vec::new();
    let mut level = vec![document_id];
    for _ in 0..MEMBER_LEVELS {
        let mut next = Vec::new();
        for parent in level {
            let mut rows = select.query([parent.to_blob()])?;
            while let Some(row) = rows.next()? {
                next.push(DocumentId::from_blob(row.get(0)?));
            }
        }
        all.extend(&next);
        level = next;
    }
    Ok(all)
}

/// Removes what came in a document, at whatever depth.
pub(crate) fn remove_below(tx: &mut WriteTx<'_>, document_id: DocumentId) -> DbResult<Removed> {
    let mut sum = Removed::default();
    for member in below(tx, document_id)?.into_iter().rev() {
        versions::add(&mut sum, documents::remove(tx, member)?);
        sum.members += 1;
    }
    Ok(sum)
}

/// Removes what had come in a document, and did not in this version of it.
pub(crate) fn remove_gone(
    tx: &mut WriteTx<'_>,
    document_id: DocumentId,
    version_id: VersionId,
) -> DbResult<Removed> {
    let gone: Vec<[u8; 16]> = tx
        .prepare_cached(
            "select document_id from documents where parent_id = ?1 and parent_version_id is not ?2",
        )?
        .query_map(params![document_id.to_blob(), version_id.to_blob()], |row| {
            row.get(0)
        })?
        .collect::<Result<_, _>>()?;
    let mut sum = Removed::default();
    for member in gone {
        let member = DocumentId::from_blob(member);
        versions::add(&mut sum, remove_below(tx, member)?);
        versions::add(&mut sum, documents::remove(tx, member)?);
        sum.members += 1;
    }
    Ok(sum)
}

/// Ends the open jobs of what came in a document; says whether there was one.
pub(crate) fn cancel_below(tx: &mut WriteTx<'_>, document_id: DocumentId) -> DbResult<(bool, Removed)> {
    let mut sum = Removed::default();
    let mut was_open = false;
    for member in below(tx, document_id)? {
        let open: Vec<[u8; 16]> = tx
            .prepare_cached(
                "select job_id from jobs where document_id = ?1 and status in ('queued', 'started', 'deferred')",
            )?
            .query_map([member.to_blob()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for job_id in open {
            was_open = true;
            versions::add(&mut sum, jobs::end_cancelled(tx, JobId::from_blob(job_id))?);
        }
    }
    Ok((was_open, sum))
}
