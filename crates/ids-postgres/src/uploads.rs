//! Announced uploads, and the documents that everything starts with.

use ids_core::document::{
    BlobKey, ContentHash, Document, DocumentDetails, NewUpload, Upload, UploadState, title_from_filename,
};
use ids_core::id::{DocumentId, OrganizationId, UploadId};
use ids_core::scope::{Scope, Tag};
use ids_core::time::Timestamp;
use tokio_postgres::Row;

use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, as_integer, folded, storable};
use crate::scope_sql::{Conditions, uuid, value};
use crate::transaction::Tx;
use crate::{collections, documents};

/// What is known of a document before a version of it was accepted.
pub(crate) struct Announced<'a> {
    pub(crate) document_id: DocumentId,
    pub(crate) details: &'a DocumentDetails,
    pub(crate) source: Option<&'a str>,
    pub(crate) content_type: &'a str,
    pub(crate) file_size: u64,
    pub(crate) status: &'static str,
}

/// Makes a document, and its collection where there is none.
pub(crate) async fn create_document(tx: &Tx<'_>, scope: &Scope, announced: &Announced<'_>) -> DbResult<()> {
    let details = announced.details;
    if !scope.allows(&details.collection) {
        return Err(DbError::NOT_FOUND);
    }
    let collection_no = collections::ensure(tx, scope.organization, &details.collection).await?;
    let title = details.title.as_deref().map(storable);
    let filename = storable(&details.filename);
    let shown = match &title {
        Some(title) => title.to_string(),
        None => title_from_filename(&filename),
    };
    tx.execute(
        "insert into documents (document_id, organization_id, collection_no, source_path, title_given, description,
             title, title_folded, filename, filename_folded, content_type, file_size, status, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)",
        &[
            &announced.document_id.to_uuid(),
            &scope.organization.to_uuid(),
            &collection_no,
            &announced.source,
            &title,
            &details.description.as_deref().map(storable),
            &shown,
            &folded(&shown),
            &filename,
            &folded(&filename),
            &announced.content_type,
            &as_integer(announced.file_size),
            &announced.status,
            &tx.now().as_micros(),
        ],
    )
    .await?;
    insert_tags(tx, scope.organization, announced.document_id, &details.tags).await
}

/// Replaces the tags of a document, which is locked.
pub(crate) async fn write_tags(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
    tags: &[Tag],
) -> DbResult<()> {
    tx.execute(
        "delete from document_tags where organization_id = $1 and document_id = $2",
        &[&organization.to_uuid(), &document_id.to_uuid()],
    )
    .await?;
    insert_tags(tx, organization, document_id, tags).await
}

async fn insert_tags(
    tx: &Tx<'_>,
    organization: OrganizationId,
    document_id: DocumentId,
    tags: &[Tag],
) -> DbResult<()> {
    if tags.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    // A tag named twice keeps its first place.
    tx.execute(
        "insert into document_tags (document_id, organization_id, position, tag)
         select $1, $2, given.position::int4 - 1, given.tag
         from unnest($3::text[]) with ordinality as given (tag, position)
         order by given.position
         on conflict on constraint document_tags_tag_unique do nothing",
        &[&document_id.to_uuid(), &organization.to_uuid(), &names],
    )
    .await?;
    Ok(())
}

/// `DocumentStore::create_upload`.
pub(crate) async fn create(tx: &Tx<'_>, scope: &Scope, upload: &NewUpload) -> DbResult<Document> {
    if upload.is_new_document {
        let announced = Announced {
            document_id: upload.document_id,
            details: &upload.details,
            source: None,
            content_type: upload.content_type.as_str(),
            file_size: upload.file_size,
            status: "awaiting_upload",
        };
        create_document(tx, scope, &announced).await?;
    }
    let document = documents::find(tx, scope, upload.document_id)
        .await?
        .ok_or(DbError::NOT_FOUND)?;
    tx.execute(
        "insert into uploads (upload_id, organization_id, document_id, is_new_document, content_type, file_size,
             filename, blob_key, expires_at, state, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'awaiting', $10)",
        &[
            &upload.upload_id.to_uuid(),
            &scope.organization.to_uuid(),
            &upload.document_id.to_uuid(),
            &upload.is_new_document,
            &upload.content_type.as_str(),
            &as_integer(upload.file_size),
            &storable(&upload.details.filename),
            &upload.blob.0,
            &upload.expires_at.as_micros(),
            &tx.now().as_micros(),
        ],
    )
    .await?;
    Ok(document)
}

const SELECT: &str = "select u.upload_id, u.document_id, u.content_type, u.file_size, u.filename, u.blob_key,
        u.expires_at, u.state, u.file_hash, u.job_id, u.is_new_document
     from uploads u join documents d on d.document_id = u.document_id
     join collections c on c.collection_no = d.collection_no";

fn read(row: &Row) -> DbResult<(Upload, bool)> {
    let mut columns = Columns::new(row, "uploads");
    let upload_id: UploadId = columns.id()?;
    let document_id = columns.id()?;
    let content_type = columns.content_type()?;
    let file_size = columns.count()?;
    let filename = columns.get()?;
    let blob = BlobKey(columns.get()?);
    let expires_at = columns.time()?;
    let state: String = columns.get()?;
    let file_hash = columns.optional_hash()?;
    let job_id = columns.optional_id()?;
    let state = match (state.as_str(), file_hash, job_id) {
        ("awaiting", _, _) => UploadState::Awaiting,
        ("received", Some(file_hash), _) => UploadState::Received { file_hash },
        ("processed", _, Some(job_id)) => UploadState::Processed { job_id },
        _ => return Err(DbError::row("uploads", upload_id)),
    };
    let is_new_document = columns.get()?;
    let upload = Upload {
        upload_id,
        document_id,
        content_type,
        file_size,
        filename,
        blob,
        expires_at,
        state,
    };
    Ok((upload, is_new_document))
}

/// `DocumentStore::find_upload`.
pub(crate) async fn find(tx: &Tx<'_>, scope: &Scope, upload_id: UploadId) -> DbResult<Option<Upload>> {
    Ok(find_with_origin(tx, scope, upload_id)
        .await?
        .map(|(upload, _)| upload))
}

/// An upload, and whether it announced a new document.
async fn find_with_origin(
    tx: &Tx<'_>,
    scope: &Scope,
    upload_id: UploadId,
) -> DbResult<Option<(Upload, bool)>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("u.upload_id = ?", [uuid(upload_id)]);
    let sql = format!("{SELECT} where {}", conditions.sql());
    let row = tx.query_opt(&sql, &conditions.values()).await?;
    row.as_ref().map(read).transpose()
}

/// Locks the document of an upload, then the upload; neither being there is for whoever reads them next to say.
pub(crate) async fn lock(tx: &Tx<'_>, scope: &Scope, upload_id: UploadId) -> DbResult<()> {
    let row = tx
        .query_opt(
            "select document_id from uploads where organization_id = $1 and upload_id = $2",
            &[&scope.organization.to_uuid(), &upload_id.to_uuid()],
        )
        .await?;
    let Some(row) = row else { return Ok(()) };
    let document_id = Columns::new(&row, "uploads").id()?;
    documents::lock(tx, scope.organization, document_id).await?;
    tx.execute(
        "select 1 from uploads where organization_id = $1 and upload_id = $2 for no key update",
        &[&scope.organization.to_uuid(), &upload_id.to_uuid()],
    )
    .await?;
    Ok(())
}

/// `DocumentStore::mark_received`.
pub(crate) async fn mark_received(
    tx: &Tx<'_>,
    scope: &Scope,
    upload_id: UploadId,
    blob: &BlobKey,
    file_hash: ContentHash,
) -> DbResult<()> {
    lock(tx, scope, upload_id).await?;
    let upload = find(tx, scope, upload_id).await?.ok_or(DbError::NOT_FOUND)?;
    if upload.state != UploadState::Awaiting {
        return Err(DbError::CONFLICT);
    }
    let organization = scope.organization.to_uuid();
    tx.execute(
        "update uploads set state = 'received', file_hash = $3, blob_key = $4
         where organization_id = $1 and upload_id = $2",
        &[
            &organization,
            &upload_id.to_uuid(),
            &file_hash.as_bytes().as_slice(),
            &blob.0,
        ],
    )
    .await?;
    tx.execute(
        "update documents set file_hash = $3, updated_at = $4
         where organization_id = $1 and document_id = $2 and newest_version_no is null",
        &[
            &organization,
            &upload.document_id.to_uuid(),
            &file_hash.as_bytes().as_slice(),
            &tx.now().as_micros(),
        ],
    )
    .await?;
    Ok(())
}

/// `DocumentStore::list_expired_uploads`.
pub(crate) async fn list_expired(
    tx: &Tx<'_>,
    scope: &Scope,
    before: Timestamp,
    limit: usize,
) -> DbResult<Vec<Upload>> {
    let mut conditions = Conditions::in_scope(scope);
    // The organization is named on the upload too: its index begins with it.
    conditions.and("u.organization_id = ?", [uuid(scope.organization)]);
    conditions.and(
        "u.state <> 'processed' and u.expires_at <= ?",
        [value(before.as_micros())],
    );
    let limit = conditions.bind(value(as_integer(limit)));
    let sql = format!(
        "{SELECT} where {} order by u.expires_at, u.upload_id limit {limit}",
        conditions.sql()
    );
    let rows = tx.query(&sql, &conditions.values()).await?;
    rows.iter().map(|row| Ok(read(row)?.0)).collect()
}

/// `DocumentStore::delete_upload`.
pub(crate) async fn delete(tx: &Tx<'_>, scope: &Scope, upload_id: UploadId) -> DbResult<()> {
    lock(tx, scope, upload_id).await?;
    let Some((upload, is_new_document)) = find_with_origin(tx, scope, upload_id).await? else {
        return Ok(());
    };
    if matches!(upload.state, UploadState::Processed { .. }) {
        return Err(DbError::CONFLICT);
    }
    let organization = scope.organization.to_uuid();
    tx.execute(
        "delete from uploads where organization_id = $1 and upload_id = $2",
        &[&organization, &upload_id.to_uuid()],
    )
    .await?;
    if is_new_document {
        tx.execute(
            "delete from documents where organization_id = $1 and document_id = $2 and newest_version_no is null
             and not exists (select 1 from uploads u where u.document_id = $2)",
            &[&organization, &upload.document_id.to_uuid()],
        )
        .await?;
    }
    Ok(())
}
