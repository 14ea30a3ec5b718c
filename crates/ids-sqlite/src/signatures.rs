//! By what texts that are nearly the same are found: a signature a version, and its bands.

use std::collections::HashMap;

use ids_core::id::{DocumentId, OrganizationId};
use ids_core::limits;
use ids_core::page::Signature;
use ids_core::ports::NearDuplicate;
use ids_core::scope::Scope;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::documents;
use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, as_integer};
use crate::scope_sql::Conditions;

/// Stores the signature of a version that has none.
pub(crate) fn insert(
    tx: &Connection,
    organization: OrganizationId,
    version_no: i64,
    signature: &Signature,
) -> DbResult<()> {
    tx.prepare_cached(
        "insert into text_signatures (version_no, organization_id, signature) values (?1, ?2, ?3)",
    )?
    .execute(params![version_no, organization.to_blob(), signature.to_bytes()])?;
    let mut insert = tx.prepare_cached(
        "insert or ignore into signature_bands (organization_id, band, version_no) values (?1, ?2, ?3)",
    )?;
    for band in signature.bands() {
        insert.execute(params![organization.to_blob(), band, version_no])?;
    }
    Ok(())
}

/// Removes the signature of a version.
pub(crate) fn remove(tx: &Connection, version_no: i64) -> DbResult<()> {
    tx.prepare_cached("delete from text_signatures where version_no = ?1")?
        .execute([version_no])?;
    tx.prepare_cached("delete from signature_bands where version_no = ?1")?
        .execute([version_no])?;
    Ok(())
}

/// The signature of a version.
pub(crate) fn find(tx: &Connection, version_no: i64) -> DbResult<Option<Signature>> {
    let bytes: Option<Vec<u8>> = tx
        .prepare_cached("select signature from text_signatures where version_no = ?1")?
        .query_row([version_no], |row| row.get(0))
        .optional()?;
    bytes.map(|bytes| decoded(&bytes, version_no)).transpose()
}

fn decoded(bytes: &[u8], version_no: i64) -> DbResult<Signature> {
    Signature::from_bytes(bytes).ok_or_else(|| DbError::row("text_signatures", version_no))
}

/// `DocumentStore::list_near_duplicates`.
pub(crate) fn list_near(
    tx: &Connection,
    scope: &Scope,
    document_id: DocumentId,
) -> DbResult<Vec<NearDuplicate>> {
    if documents::find(tx, scope, document_id)?.is_none() {
        return Ok(Vec::new());
    }
    let shown: Option<i64> = tx
        .prepare_cached(
            "select coalesce(visible_version_no, newest_version_no) from documents where document_id = ?1",
        )?
        .query_row([document_id.to_blob()], |row| row.get(0))?;
    let Some(signature) = shown.map(|shown| find(tx, shown)).transpose()?.flatten() else {
        return Ok(Vec::new());
    };
    let mut near = Vec::new();
    for version_no in candidates(tx, scope.organization, &signature)? {
        let mut conditions = Conditions::in_scope(scope);
        conditions.and(
            "d.visible_version_no = ? and d.document_id <> ?",
            [Value::Integer(version_no), crate::scope_sql::blob(document_id)],
        );
        let sql = format!(
            "select d.document_id, d.title, s.signature from documents d
             join collections c on c.collection_no = d.collection_no
             join text_signatures s on s.version_no = d.visible_version_no where {}",
            conditions.sql()
        );
        let mut select = tx.prepare_cached(&sql)?;
        let mut rows = select.query(params_from_iter(conditions.values_with([])))?;
        let Some(row) = rows.next()? else { continue };
        let mut columns = Columns::new(row, "documents");
        let (document_id, title) = (columns.id()?, columns.get()?);
        let own = decoded(&columns.get::<Vec<u8>>()?, version_no)?;
        near.push((document_id, title, own));
    }
    Ok(NearDuplicate::nearest(&signature, near))
}

/// Versions that share a band with a signature, those that share most first.
fn candidates(tx: &Connection, organization: OrganizationId, signature: &Signature) -> DbResult<Vec<i64>> {
    let mut shared: HashMap<i64, u32> = HashMap::new();
    let mut left = limits::NEAR_DUPLICATE_ENTRIES;
    let mut select = tx.prepare_cached(
        "select version_no from signature_bands where organization_id = ?1 and band = ?2 limit ?3",
    )?;
    for band in signature.bands() {
        let mut rows = select.query(params![organization.to_blob(), band, as_integer(left)])?;
        while let Some(row) = rows.next()? {
            *shared.entry(row.get(0)?).or_default() += 1;
            left = left.saturating_sub(1);
        }
    }
    let mut candidates: Vec<(i64, u32)> = shared.into_iter().collect();
    candidates.sort_unstable_by_key(|&(version_no, bands)| (std::cmp::Reverse(bands), version_no));
    candidates.truncate(limits::NEAR_DUPLICATE_CANDIDATES);
    Ok(candidates.into_iter().map(|(version_no, _)| version_no).collect())
}
