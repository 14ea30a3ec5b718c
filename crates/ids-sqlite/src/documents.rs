//! Documents as they are shown, and the port `DocumentStore`.

use async_trait::async_trait;
use ids_core::document::{
    BlobKey, ContentHash, ContentType, Document, DocumentChange, NewUpload, Removed, SourcePath, Upload,
};
use ids_core::error::StoreError;
use ids_core::id::{DocumentId, OrganizationId, UploadId};
use ids_core::job::Lease;
use ids_core::member::Family;
use ids_core::page::{ExtractedDocument, Page};
use ids_core::ports::{
    AnalysisRecord, ChunkPage, CollectionSummary, DocumentList, DocumentOrder, DocumentQuery, DocumentStore,
    LibraryCounts, NearDuplicate, SourceFile, SourceRecord, StatusRecord,
};
use ids_core::scope::{CollectionName, Scope};
use ids_core::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use crate::database::{Durability, WriteTx};
use crate::error::{DbError, DbResult};
use crate::library::SqliteLibrary;
use crate::rows::{Columns, Id, as_integer, folded};
use crate::scope_sql::{Conditions, blob};
use crate::{
    chunks, collections, document_reads, library_reads, members, pages, signatures, sources, uploads,
    versions,
};

const SELECT: &str =
    "select d.document_id, d.title, d.description, d.filename, d.content_type, d.file_size, d.file_hash,
        c.name, d.status, d.job_id, d.duplicate_of, d.failure_code, d.failure_message, d.failure_retry,
        d.parent_id, d.path, v.page_count, coalesce(v.chunk_count, 0), d.created_at, d.updated_at
     from documents d join collections c on c.collection_no = d.collection_no
     left join versions v on v.version_no = coalesce(d.visible_version_no, d.newest_version_no)";

fn read(columns: &mut Columns<'_, '_>) -> DbResult<Document> {
    Ok(Document {
        document_id: columns.id()?,
        title: columns.get()?,
        description: columns.get()?,
        filename: columns.get()?,
        content_type: columns.content_type()?,
        file_size: columns.count()?,
        file_hash: columns.optional_hash()?,
        tags: Vec::new(),
        collection: columns.collection()?,
        status: columns.document_status()?,
        job_id: columns.optional_id()?,
        duplicate_of: columns.optional_id()?,
        failure: columns.failure()?,
        parent_id: columns.optional_id()?,
        path: columns.get()?,
        page_count: columns.get()?,
        total_chunks: columns.get()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

/// Runs a query that begins with [`SELECT`], and adds the tags.
fn select(tx: &Connection, sql: &str, values: Vec<Value>) -> DbResult<Vec<Document>> {
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut documents = Vec::new();
    while let Some(row) = rows.next()? {
        documents.push(read(&mut Columns::new(row, "documents"))?);
    }
    let mut tags =
        tx.prepare_cached("select tag from document_tags where document_id = ?1 order by position")?;
    for document in &mut documents {
        let mut rows = tags.query([document.document_id.to_blob()])?;
        while let Some(row) = rows.next()? {
            document.tags.push(Columns::new(row, "document_tags").tag()?);
        }
    }
    Ok(documents)
}

/// A document in scope.
pub(crate) fn find(tx: &Connection, scope: &Scope, document_id: DocumentId) -> DbResult<Option<Document>> {
    let mut conditions = Conditions::in_scope(scope);
    conditions.and("d.document_id = ?", [blob(document_id)]);
    let found = select(
        tx,
        &format!("{SELECT} where {}", conditions.sql()),
        conditions.values_with([]),
    )?;
    Ok(found.into_iter().next())
}

fn list(tx: &Connection, scope: &Scope, query: &DocumentQuery) -> DbResult<DocumentList> {
    let mut conditions = Conditions::in_scope(scope);
    if let Some(collection) = &query.collection {
        conditions.and("c.name = ?", [Value::Text(collection.as_str().to_owned())]);
    }
    if let Some(parent_id) = query.parent_id {
        conditions.and("d.parent_id = ?", [blob(parent_id)]);
    }
    if let Some(status) = query.status {
        conditions.and("d.status = ?", [Value::Text(status.as_str().to_owned())]);
    }
    for tag in &query.tags {
        conditions.and(
            "exists (select 1 from document_tags t where t.document_id = d.document_id and t.tag = ?)",
            [Value::Text(tag.as_str().to_owned())],
        );
    }
    if let Some(search) = &query.search {
        let search = Value::Text(folded(search));
        conditions.and(
            "(instr(d.title_folded, ?) > 0 or instr(d.filename_folded, ?) > 0)",
            [search.clone(), search],
        );
    }
    let total: i64 = tx.query_row(
        &format!(
            "select count(*) from documents d join collections c on c.collection_no = d.collection_no where {}",
            conditions.sql()
        ),
        params_from_iter(conditions.values_with([])),
        |row| row.get(0),
    )?;
    let direction = if query.descending { "desc" } else { "asc" };
    let sql = format!(
        "{SELECT} where {} order by {} {direction}, d.document_id limit ? offset ?",
        conditions.sql(),
        order(query.order)
    );
    let page = [
        Value::Integer(as_integer(query.limit)),
        Value::Integer(as_integer(query.offset)),
    ];
    let documents = select(tx, &sql, conditions.values_with(page))?;
    Ok(DocumentList {
        documents,
        total: total.unsigned_abs(),
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

fn change(
    tx: &mut WriteTx<'_>,
    scope: &Scope,
    document_id: DocumentId,
    change: &DocumentChange,
) -> DbResult<Document> {
    find(tx, scope, document_id)?.ok_or(DbError::NOT_FOUND)?;
    let id = document_id.to_blob();
    if let Some(title) = &change.title {
        let title = Some(title).filter(|title| !title.is_empty());
        tx.execute(
            "update documents set title_given = ?2 where document_id = ?1",
            params![id, title],
        )?;
    }
    if let Some(description) = &change.description {
        let description = Some(description).filter(|text| !text.is_empty());
        tx.execute(
            "update documents set description = ?2 where document_id = ?1",
            params![id, description],
        )?;
    }
    if let Some(tags) = &change.tags {
        uploads::write_tags(tx, scope.organization, document_id, tags)?;
    }
    versions::refresh_shown(tx, document_id)?;
    find(tx, scope, document_id)?.ok_or(DbError::NOT_FOUND)
}

fn delete(tx: &mut WriteTx<'_>, scope: &Scope, document_id: DocumentId) -> DbResult<Removed> {
    find(tx, scope, document_id)?.ok_or(DbError::NOT_FOUND)?;
    let mut removed = members::remove_below(tx, document_id)?;
    versions::add(&mut removed, remove(tx, document_id)?);
    Ok(removed)
}

/// Removes a document that is known to be in scope, with all that hangs on it but what came in it.
pub(crate) fn remove(tx: &mut WriteTx<'_>, document_id: DocumentId) -> DbResult<Removed> {
    let id = document_id.to_blob();
    let mut removed = Removed::default();
    for version_no in versions::numbers(tx, document_id)? {
        versions::add(&mut removed, versions::remove(tx, version_no)?);
    }
    {
        let mut waiting = tx
            .prepare_cached("select blob_key from uploads where document_id = ?1 and state <> 'processed'")?;
        for blob in waiting.query_map([id], |row| row.get(0))? {
            removed.blobs.push(BlobKey(blob?));
        }
    }
    tx.execute(
        "delete from deliveries where job_id in (select job_id from jobs where document_id = ?1)",
        [id],
    )?;
    // Tags, uploads and jobs go with it (`on delete cascade`); a worker that holds one finds its lease lost.
    tx.execute("delete from documents where document_id = ?1", [id])?;
    tx.ranges_changed();
    Ok(removed)
}

#[async_trait]
impl DocumentStore for SqliteLibrary {
    async fn create_upload(&self, scope: &Scope, upload: &NewUpload) -> Result<Document, StoreError> {
        let (scope, upload) = (scope.clone(), upload.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                uploads::create(tx, &scope, &upload)
            })
            .await
    }

    async fn find_upload(&self, scope: &Scope, upload_id: UploadId) -> Result<Option<Upload>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| uploads::find(tx, &scope, upload_id))
            .await
    }

    async fn mark_received(
        &self,
        scope: &Scope,
        upload_id: UploadId,
        blob: &BlobKey,
        file_hash: ContentHash,
    ) -> Result<(), StoreError> {
        let (scope, blob) = (scope.clone(), blob.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                uploads::mark_received(tx, &scope, upload_id, &blob, file_hash)
            })
            .await
    }

    async fn list_expired_uploads(
        &self,
        scope: &Scope,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| uploads::list_expired(tx, &scope, before, limit))
            .await
    }

    async fn delete_upload(&self, scope: &Scope, upload_id: UploadId) -> Result<(), StoreError> {
        let scope = scope.clone();
        self.database
            .write(Durability::Machine, move |tx| {
                uploads::delete(tx, &scope, upload_id)
            })
            .await
    }

    async fn find_document(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<Document>, StoreError> {
        let scope = scope.clone();
        self.database.read(move |tx| find(tx, &scope, document_id)).await
    }

    async fn find_source(
        &self,
        scope: &Scope,
        collection: &CollectionName,
        source: &SourcePath,
    ) -> Result<Option<SourceRecord>, StoreError> {
        let (scope, collection, source) = (scope.clone(), collection.clone(), source.clone());
        self.database
            .read(move |tx| document_reads::find_source(tx, &scope, &collection, &source))
            .await
    }

    async fn list_sources(
        &self,
        scope: &Scope,
        collection: &CollectionName,
        folder: &SourcePath,
        after: Option<&SourcePath>,
        limit: usize,
    ) -> Result<Vec<SourceFile>, StoreError> {
        let (scope, collection) = (scope.clone(), collection.clone());
        let (folder, after) = (folder.clone(), after.cloned());
        self.database
            .read(move |tx| sources::list(tx, &scope, &collection, &folder, after.as_ref(), limit))
            .await
    }

    async fn move_source(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        source: &SourcePath,
        filename: &str,
    ) -> Result<(), StoreError> {
        let (scope, source, filename) = (scope.clone(), source.clone(), filename.to_owned());
        self.database
            .write(Durability::Machine, move |tx| {
                sources::change(tx, &scope, document_id, &source, &filename)
            })
            .await
    }

    async fn find_status(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<StatusRecord>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| document_reads::find_status(tx, &scope, document_id))
            .await
    }

    async fn list_documents(&self, scope: &Scope, query: &DocumentQuery) -> Result<DocumentList, StoreError> {
        let (scope, query) = (scope.clone(), query.clone());
        self.database.read(move |tx| list(tx, &scope, &query)).await
    }

    async fn change_document(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        changes: &DocumentChange,
    ) -> Result<Document, StoreError> {
        let (scope, changes) = (scope.clone(), changes.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                change(tx, &scope, document_id, &changes)
            })
            .await
    }

    async fn delete_document(&self, scope: &Scope, document_id: DocumentId) -> Result<Removed, StoreError> {
        let scope = scope.clone();
        self.database
            .write(Durability::Machine, move |tx| delete(tx, &scope, document_id))
            .await
    }

    async fn save_extraction(
        &self,
        lease: &Lease,
        extracted: &ExtractedDocument,
        text_hash: ContentHash,
    ) -> Result<Removed, StoreError> {
        let (lease, extracted) = (lease.clone(), extracted.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                pages::save_extraction(tx, &lease, &extracted, text_hash)
            })
            .await
    }

    async fn find_duplicate(&self, lease: &Lease) -> Result<Option<DocumentId>, StoreError> {
        let lease = lease.clone();
        self.database
            .read(move |tx| pages::find_duplicate(tx, &lease))
            .await
    }

    async fn find_family(&self, lease: &Lease) -> Result<Family, StoreError> {
        let lease = lease.clone();
        self.database
            .read(move |tx| members::find_family(tx, &lease))
            .await
    }

    async fn list_near_duplicates(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Vec<NearDuplicate>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| signatures::list_near(tx, &scope, document_id))
            .await
    }

    async fn load_pages(&self, lease: &Lease) -> Result<Vec<Page>, StoreError> {
        let lease = lease.clone();
        self.database.read(move |tx| pages::load(tx, &lease)).await
    }

    async fn find_page(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        page_number: u32,
    ) -> Result<Option<(Page, u32)>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| pages::find(tx, &scope, document_id, page_number))
            .await
    }

    async fn list_chunks(
        &self,
        scope: &Scope,
        document_id: DocumentId,
        limit: usize,
        offset: usize,
    ) -> Result<ChunkPage, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| chunks::list(tx, &scope, document_id, limit, offset))
            .await
    }

    async fn find_analysis(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<AnalysisRecord>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| pages::find_analysis(tx, &scope, document_id))
            .await
    }

    async fn find_original(
        &self,
        scope: &Scope,
        document_id: DocumentId,
    ) -> Result<Option<(BlobKey, String, ContentType)>, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| document_reads::find_original(tx, &scope, document_id))
            .await
    }

    async fn list_unknown_blobs(&self, scope: &Scope, keys: &[BlobKey]) -> Result<Vec<BlobKey>, StoreError> {
        let (scope, keys) = (scope.clone(), keys.to_vec());
        self.database
            .read(move |tx| library_reads::list_unknown_blobs(tx, &scope, &keys))
            .await
    }

    async fn list_collections(&self, scope: &Scope) -> Result<Vec<CollectionSummary>, StoreError> {
        let scope = scope.clone();
        self.database.read(move |tx| collections::list(tx, &scope)).await
    }

    async fn ensure_collection(&self, scope: &Scope, name: &CollectionName) -> Result<(), StoreError> {
        let (scope, name) = (scope.clone(), name.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                collections::ensure(tx, &scope, &name)
            })
            .await
    }

    async fn delete_collection(&self, scope: &Scope, name: &CollectionName) -> Result<(), StoreError> {
        let (scope, name) = (scope.clone(), name.clone());
        self.database
            .write(Durability::Machine, move |tx| {
                collections::delete(tx, &scope, &name)
            })
            .await
    }

    async fn library_counts(&self, scope: &Scope) -> Result<LibraryCounts, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |tx| library_reads::library_counts(tx, &scope))
            .await
    }

    async fn list_organizations(&self) -> Result<Vec<OrganizationId>, StoreError> {
        self.database
            .read(|tx| library_reads::list_organizations(tx))
            .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.database
            .read(|tx| Ok(tx.query_row("select 1 from organizations limit 1", [], |_| Ok(()))?))
            .await
    }
}
