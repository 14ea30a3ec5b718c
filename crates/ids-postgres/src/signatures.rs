//! By what texts that are nearly the same are found: a signature a version, and its bands.

use ids_core::id::{DocumentId, OrganizationId};
use ids_core::limits;
use ids_core::page::Signature;
use ids_core::ports::NearDuplicate;
use ids_core::scope::Scope;

use crate::documents;
use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, as_integer};
use crate::scope_sql::{Conditions, uuid, value};
use crate::transaction::Tx;

/// Stores the signature of a version that has none.
pub(crate) async fn insert(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
    signature: &Signature,
) -> DbResult<()> {
    tx.execute(
        "insert into text_signatures (version_no, organization_id, signature) values ($1, $2, $3)",
        &[&version_no, &organization.to_uuid(), &signature.to_bytes()],
    )
    .await?;
    tx.execute(
        "insert into signature_bands (organization_id, band, version_no)
         select $1, own.band, $3 from unnest($2::int8[]) as own (band)
         on conflict on constraint signature_bands_key do nothing",
        &[&organization.to_uuid(), &signature.bands().to_vec(), &version_no],
    )
    .await?;
    Ok(())
}

/// Removes the signature of a version.
pub(crate) async fn remove(tx: &Tx<'_>, organization: OrganizationId, version_no: i64) -> DbResult<()> {
    for sql in [
        "delete from text_signatures where organization_id = $1 and version_no = $2",
        "delete from signature_bands where organization_id = $1 and version_no = $2",
    ] {
        tx.execute(sql, &[&organization.to_uuid(), &version_no]).await?;
    }
    Ok(())
}

/// The signature of a version.
pub(crate) async fn find(
    tx: &Tx<'_>,
    organization: OrganizationId,
    version_no: i64,
) -> DbResult<Option<Signature>> {
    let row = tx
        .query_opt(
            "select signature from text_signatures where organization_id = $1 and version_no = $2",
            &[&organization.to_uuid(), &version_no],
        )
        .await?;
    row.map(|row| decoded(row.try_get(0)?, version_no)).transpose()
}

fn decoded(bytes: &[u8], version_no: i64) -> DbResult<Signature> {
    Signature::from_bytes(bytes).ok_or_else(|| DbError::row("text_signatures", version_no))
}

/// `DocumentStore::list_near_duplicates`.
pub(crate) async fn list_near(
    tx: &Tx<'_>,
    scope: &Scope,
    document_id: DocumentId,
) -> DbResult<Vec<NearDuplicate>> {
    if documents::find(tx, scope, document_id).await?.is_none() {
        return Ok(Vec::new());
    }
    let row = tx
        .query_one(
            "select shown_version_no from documents where organization_id = $1 and document_id = $2",
            &[&scope.organization.to_uuid(), &document_id.to_uuid()],
        )
        .await?;
    let Some(shown) = row.try_get::<_, Option<i64>>(0)? else {
        return Ok(Vec::new());
    };
    let Some(signature) = find(tx, scope.organization, shown).await? else {
        return Ok(Vec::new());
    };
    let candidates = candidates(tx, scope.organization, &signature).await?;
    let mut conditions = Conditions::in_scope(scope);
    conditions.and(
        "d.visible_version_no = any(?) and d.document_id <> ?",
        [value(candidates), uuid(document_id)],
    );
    let sql = format!(
        "select d.document_id, d.title, d.visible_version_no, s.signature from documents d
         join collections c on c.collection_no = d.collection_no
         join text_signatures s on s.version_no = d.visible_version_no where {}",
        conditions.sql()
    );
    let mut near = Vec::new();
    for row in tx.query(&sql, &conditions.values()).await? {
        let mut columns = Columns::new(&row, "documents");
        let (document_id, title, version_no) = (columns.id()?, columns.get()?, columns.get()?);
        let bytes: Vec<u8> = columns.get()?;
        near.push((document_id, title, decoded(&bytes, version_no)?));
    }
    Ok(NearDuplicate::nearest(&signature, near))
}

/// Versions that share a band with a signature, those that share most first.
async fn candidates(tx: &Tx<'_>, organization: OrganizationId, signature: &Signature) -> DbResult<Vec<i64>> {
    let rows = tx
        .query(
            "select met.version_no from (
                 select version_no from signature_bands where organization_id = $1 and band = any($2) limit $3
             ) met
             group by met.version_no order by count(*) desc, met.version_no limit $4",
            &[
                &organization.to_uuid(),
                &signature.bands().to_vec(),
                &as_integer(limits::NEAR_DUPLICATE_ENTRIES),
                &as_integer(limits::NEAR_DUPLICATE_CANDIDATES),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
