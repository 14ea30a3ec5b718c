//! Documents as they are shown, and the port `DocumentStore`.

use ids_core::document::{BlobKey, ContentType, Document, DocumentChange, Removed, SourcePath};
use ids_core::id::{DocumentId, OrganizationId};
use ids_core::ports::{DocumentList, DocumentOrder, DocumentQuery, SourceRecord, StatusRecord};
use ids_core::scope::{CollectionName, Scope, Tag};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, as_integer, folded, storable};
use crate::scope_sql::{Conditions, uuid, value};
use crate::transaction::Tx;
use crate::{job_reads, members, uploads, versions};

const SELECT: &str =
    "select d.document_id, d.title, d.description, d.filename, d.content_type, d.file_size, d.file_hash,
        array(select t.tag from document_tags t where t.document_id = d.document_id order by t.position),
        c.name, d.status, d.job_id, d.duplicate_of, d.failure_code, d.failure_message, d.failure_retry,
        d.parent_id, d.path, v.page_count, coalesce(v.chunk_count, 0), d.created_at, d.updated_at
     from documents d join collections c on c.collection_no = d.collection_no
     left join versions v on v.version_no = d.shown_version_no";

fn read(row: &Row) -> DbResult<Document> {
    let mut columns = Columns::new(row, "documents");
    Ok(Document {
        document_id: columns.id()?,
        title: columns.get()?,
        description: columns.get()?,
        filename: columns.get()?,
        content_type: columns.content_type()?,
        file_size: columns.count()?,
        file_hash: columns.optional_hash()?,
        tags: read_tags(columns.get()?)?,
        collection: columns.collection()?,
        status: columns.document_status()?,
        job_id: columns.optional_id()?,
        duplicate_of: columns.optional_id()?,
        failure: columns.failure()?,
        parent_id: columns.optional_id()?,
        path: columns.get()?,
        page_count: columns.optional_number()?,
        total_chunks: columns.number()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

fn read_tags(tags: Vec<String>) -> DbResult<Vec<Tag>> {
    tags.into_iter()
        .map(|tag| Tag::parse(&tag).map_err(|_| DbError::row("document_tags", tag)))
        .collect()
}

async fn select(tx: &Tx<'_>, sql: &str, values: &[&(dyn ToSql + Sync)]) -> DbResult<Vec<Document>> {
    let rows = tx.query(sql, values).await?;
    rows.iter().map(read).collect()
}

/// What [`lock`] runs.
pub(crate) const LOCK: &str =
    "select 1 from documents where organization_id = $1 and document_id = $2 for no key update";

/// Locks a document's row until the transaction ends: first of all locks (see the crate's invariants). One that is not there is
/// for whoever reads it next to miss.
pub(crate) async fn lock(tx: &Tx<'_>, organization: OrganizationId, document_id: DocumentId) -> DbResult<()> {
    tx.execute(LOCK, &[&organization.to_uuid(), &document_id.to_uuid()])
        .await?;
    Ok(())
}

/// A document in scope.
pub(crate) async fn find(tx: &Tx<'_>, scope: &Scope, document_id: DocumentId) -> DbResult<Option<Document>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("d.document_id = ?", [uuid(document_id)]);
    let sql = format!("{SELECT} where {}", conditions.sql());
    let found = select(tx, &sql, &conditions.values()).await?;
    Ok(found.into_iter().next())
}

pub(crate) async fn list(tx: &Tx<'_>, scope: &Scope, query: &DocumentQuery) -> DbResult<DocumentList> {
    let mut conditions = Conditions::in_scope(scope);
    if let Some(collection) = &query.collection {
        conditions.and("c.name = ?", [value(collection.as_str().to_owned())]);
    }
    if let Some(parent_id) = query.parent_id {
        conditions.and("d.parent_id = ?", [uuid(parent_id)]);
    }
    if let Some(status) = query.status {
        conditions.and("d.status = ?", [value(status.as_str())]);
    }
    conditions.tagged(&query.tags);
    if let Some(search) = &query.search {
        let search = folded(&storable(search));
        conditions.and(
            "(strpos(d.title_folded, ?) > 0 or strpos(d.filename_folded, ?) > 0)",
            [value(search.clone()), value(search)],
        );
    }
    let sql = format!(
        "select count(*) from documents d join collections c on c.collection_no = d.collection_no where {}",
        conditions.sql()
    );
    let row = tx.query_one(&sql, &conditions.values()).await?;
    let total = Columns::new(&row, "documents").count()?;
    let direction = if query.descending { "desc" } else { "asc" };
    let limit = conditions.bind(value(as_integer(query.limit)));
    let offset = conditions.bind(value(as_integer(query.offset)));
    let sql = format!(
        "{SELECT} where {} order by {} {direction}, d.document_id limit {limit} offset {offset}",
        conditions.sql(),
        order(query.order)
    );
    Ok(DocumentList {
        documents: select(tx, &sql, &conditions.values()).await?,
        total,
    })
}

const fn order(order: DocumentOrder) -> &'static str {
    match order {
        DocumentOrder::CreatedAt => "d.created_at",
        DocumentOrder::UpdatedAt => "d.updated_at",
        DocumentOrder::Title => "d.title_folded",
        DocumentOrder::Filename => "d.filename_folded",
        DocumentOrder::FileSize => "d.file_size",
        DocumentOrder::Status => {
            "case d.status when 'awaiting_upload' then 0 when 'uploaded' then 1 when 'extracting' then 2
             when 'checking_duplicates' then 3 when 'chunking' then 4 when 'embedding' then 5 when 'completed' then 6
             when 'failed' then 7 when 'duplicate' then 8 else 9 end"
        }
    }
}

pub(crate) async fn change(
    tx: &Tx<'_>,
    scope: &Scope,
    document_id: DocumentId,
    change: &DocumentChange,
) -> DbResult<Document> {
    lock(tx, scope.organization, document_id).await?;
    find(tx, scope, document_id).await?.ok_or(DbError::NOT_FOUND)?;
    let (organization, id) = (scope.organization.to_uuid(), document_id.to_uuid());
    if let Some(title) = &change.title {
        let title = Some(storable(title)).filter(|title| !title.is_empty());
        tx.execute(
            "update documents set title_given = $3 where organization_id = $1 and document_id = $2",
            &[&organization, &id, &title],
        )
        .await?;
    }
    if let Some(description) = &change.description {
        let description = Some(storable(description)).filter(|text| !text.is_empty());
        tx.execute(
            "update documents set description = $3 where organization_id = $1 and document_id = $2",
            &[&organization, &id, &description],
        )
        .await?;
    }
    if let Some(tags) = &change.tags {
        uploads::write_tags(tx, scope.organization, document_id, tags).await?;
    }
    versions::refresh_shown(tx, scope.organization, document_id).await?;
    find(tx, scope, document_id).await?.ok_or(DbError::NOT_FOUND)
}

pub(crate) async fn delete(tx: &Tx<'_>, scope: &Scope, document_id: DocumentId) -> DbResult<Removed> {
    lock(tx, scope.organization, document_id).await?;
    find(tx, scope, document_id).await?.ok_or(DbError::NOT_FOUND)?;
    let mut removed = members::remove_below(tx, scope.organization, document_id).await?;
    versions::add(&mut removed, remove(tx, scope.organization, document_id).await?);
    Ok(removed)
}

/// Removes a document, which is locked, with all that hangs on it but what came in it.
pub(crate) async fn remove(
    tx: &Tx<'_>,
    organization_id: OrganizationId,
    document_id: DocumentId,
) -> DbResult<Removed> {
    let (organization, id) = (organization_id.to_uuid(), document_id.to_uuid());
    let mut removed = Removed::default();
    for version_no in versions::numbers(tx, organization_id, document_id).await? {
        let of_version = versions::remove(tx, organization_id, version_no).await?;
        versions::add(&mut removed, of_version);
    }
    let waiting = tx
        .query(
            "select blob_key from uploads where organization_id = $1 and document_id = $2 and state <> 'processed'",
            &[&organization, &id],
        )
        .await?;
    for row in waiting {
        removed.blobs.push(BlobKey(row.try_get(0)?));
    }
    tx.execute(
        "delete from deliveries where job_id in (select job_id from jobs where organization_id = $1 and document_id = $2)",
        &[&organization, &id],
    )
    .await?;
    // Tags, uploads and jobs go with it (`on delete cascade`); a worker that holds one finds its lease lost.
    tx.execute(
        "delete from documents where organization_id = $1 and document_id = $2",
        &[&organization, &id],
    )
    .await?;
    Ok(removed)
}

pub(crate) async fn find_source(
    tx: &Tx<'_>,
    scope: &Scope,
    collection: &CollectionName,
    source: &SourcePath,
) -> DbResult<Option<SourceRecord>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and(
        "c.name = ? and d.source_path = ?",
        [value(collection.as_str().to_owned()), value(source.0.clone())],
    );
    let sql = format!(
        "select d.document_id, v.file_hash, d.status from documents d
         join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = d.newest_version_no where {}",
        conditions.sql()
    );
    let row = tx.query_opt(&sql, &conditions.values()).await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row, "documents");
    Ok(Some(SourceRecord {
        document_id: columns.id()?,
        file_hash: columns.hash()?,
        status: columns.document_status()?,
    }))
}

pub(crate) async fn find_status(
    tx: &Tx<'_>,
    scope: &Scope,
    document_id: DocumentId,
) -> DbResult<Option<StatusRecord>> {
    let Some(document) = find(tx, scope, document_id).await? else {
        return Ok(None);
    };
    let job = match document.job_id {
        Some(job_id) => job_reads::find(tx, scope, job_id).await?,
        None => None,
    };
    let row = tx
        .query_opt(
            "select v.embedded_count, v.chunk_count, v.stage = 'completed' or v.blob_key is null from documents d
             join versions v on v.version_no = case
                 when d.status in ('failed', 'duplicate', 'cancelled') then d.shown_version_no
                 else d.newest_version_no end
             where d.organization_id = $1 and d.document_id = $2",
            &[&scope.organization.to_uuid(), &document_id.to_uuid()],
        )
        .await?;
    let mut status = StatusRecord {
        document,
        job,
        chunks_processed: 0,
        total_chunks: 0,
        temporary_removed: false,
    };
    if let Some(row) = row {
        let mut columns = Columns::new(&row, "versions");
        status.chunks_processed = columns.number()?;
        status.total_chunks = columns.number()?;
        status.temporary_removed = columns.get()?;
    }
    Ok(Some(status))
}

pub(crate) async fn find_original(
    tx: &Tx<'_>,
    scope: &Scope,
    document_id: DocumentId,
) -> DbResult<Option<(BlobKey, String, ContentType)>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and(
        "d.document_id = ? and v.blob_key is not null",
        [uuid(document_id)],
    );
    let sql = format!(
        "select v.blob_key, v.filename, v.content_type from documents d
         join collections c on c.collection_no = d.collection_no
         join versions v on v.version_no = d.shown_version_no where {}",
        conditions.sql()
    );
    let row = tx.query_opt(&sql, &conditions.values()).await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row, "versions");
    Ok(Some((
        BlobKey(columns.get()?),
        columns.get()?,
        columns.content_type()?,
    )))
}
