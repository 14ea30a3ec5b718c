create table organizations (
    organization_id blob not null,
    name text not null,
    -- Statistics of the visible chunks (BM25's N and summed length), kept in the transaction that shows or hides them.
    visible_chunks integer not null default 0,
    visible_length integer not null default 0,
    created_at integer not null,
    constraint organizations_key primary key (organization_id),
    constraint organizations_name_unique unique (name),
    constraint organizations_id_is_uuid check (length(organization_id) = 16),
    constraint organizations_counts_not_negative check (visible_chunks >= 0 and visible_length >= 0)
) strict;

create table collections (
    collection_no integer not null constraint collections_key primary key autoincrement,
    organization_id blob not null,
    name text not null,
    created_at integer not null,
    constraint collections_name_unique unique (organization_id, name),
    constraint collections_organization foreign key (organization_id) references organizations (organization_id)
) strict;

create table documents (
    document_id blob not null,
    organization_id blob not null,
    collection_no integer not null,
    source_path text,
    -- What a person said of it.
    title_given text,
    description text,
    -- What is shown: of the visible version, before there is one of the newest, before that as announced.
    title text not null,
    title_folded text not null,
    filename text not null,
    filename_folded text not null,
    content_type text not null,
    file_size integer not null,
    file_hash blob,
    status text not null,
    job_id blob,
    visible_version_no integer,
    newest_version_no integer,
    duplicate_of blob,
    failure_code text,
    failure_message text,
    failure_retry text,
    created_at integer not null,
    updated_at integer not null, parent_id blob, parent_version_id blob, path text,
    constraint documents_key primary key (document_id),
    constraint documents_id_is_uuid check (length(document_id) = 16),
    constraint documents_failure_is_whole check ((failure_code is null) = (failure_message is null)),
    constraint documents_collection foreign key (collection_no) references collections (collection_no),
    constraint documents_organization foreign key (organization_id) references organizations (organization_id)
) strict;
create unique index documents_source_unique on documents (collection_no, source_path) where source_path is not null;
create unique index documents_member_unique on documents (parent_id, path) where parent_id is not null;
create index documents_by_created_at on documents (organization_id, created_at, document_id);
create index documents_by_collection on documents (collection_no);
create index documents_by_visible_version on documents (visible_version_no) where visible_version_no is not null;

create table document_tags (
    document_id blob not null,
    organization_id blob not null,
    position integer not null,
    tag text not null,
    constraint document_tags_key primary key (document_id, position),
    constraint document_tags_tag_unique unique (document_id, tag),
    constraint document_tags_document foreign key (document_id) references documents (document_id) on delete cascade
) strict, without rowid;
create index document_tags_by_tag on document_tags (organization_id, tag, document_id);

create table versions (
    -- Rises with each version: the newest of a document has the highest.
    version_no integer not null constraint versions_key primary key autoincrement,
    version_id blob not null,
    organization_id blob not null,
    document_id blob not null,
    -- Null once the bytes are gone: not to be kept, or of a duplicate.
    blob_key text,
    filename text not null,
    content_type text not null,
    file_size integer not null,
    file_hash blob not null,
    title_own text,
    author text,
    text_hash blob,
    stage text not null,
    page_count integer,
    characters integer,
    -- Its chunks are `first_chunk_id` and the `chunk_count - 1` ids after it, by chunk index.
    first_chunk_id integer,
    chunk_count integer not null default 0,
    embedded_count integer not null default 0,
    created_at integer not null, kept_hash blob,
    constraint versions_id_unique unique (version_id),
    constraint versions_id_is_uuid check (length(version_id) = 16),
    constraint versions_stage_known check (stage in ('accepted', 'extracted', 'chunked', 'completed')),
    constraint versions_embedded_within_chunks check (embedded_count between 0 and chunk_count),
    constraint versions_document foreign key (document_id) references documents (document_id) on delete cascade
) strict;
create index versions_by_blob on versions (blob_key) where blob_key is not null;
create index versions_by_document on versions (document_id, version_no);
create index versions_by_text on versions (organization_id, text_hash) where text_hash is not null;
create index versions_by_first_chunk on versions (first_chunk_id) where first_chunk_id is not null;

create table uploads (
    upload_id blob not null,
    organization_id blob not null,
    document_id blob not null,
    is_new_document integer not null,
    content_type text not null,
    file_size integer not null,
    filename text not null,
    blob_key text not null,
    expires_at integer not null,
    state text not null,
    file_hash blob,
    job_id blob,
    created_at integer not null,
    constraint uploads_key primary key (upload_id),
    constraint uploads_id_is_uuid check (length(upload_id) = 16),
    constraint uploads_state_is_whole check (
        (state = 'awaiting' and file_hash is null and job_id is null)
        or (state = 'received' and file_hash is not null and job_id is null)
        or (state = 'processed' and job_id is not null)
    ),
    constraint uploads_document foreign key (document_id) references documents (document_id) on delete cascade
) strict;
create index uploads_by_blob on uploads (blob_key);
create index uploads_by_document on uploads (document_id);
create index uploads_unprocessed_by_expires_at on uploads (organization_id, expires_at) where state <> 'processed';

create table pages (
    version_no integer not null,
    page_number integer not null,
    organization_id blob not null,
    width real,
    height real,
    text text not null,
    blocks blob not null,
    lines blob not null, words blob not null default x'',
    constraint pages_key primary key (version_no, page_number),
    constraint pages_version foreign key (version_no) references versions (version_no) on delete cascade
) strict;

create table extraction_notes (
    version_no integer not null,
    position integer not null,
    organization_id blob not null,
    page_number integer,
    kind text not null,
    text text not null,
    constraint extraction_notes_key primary key (version_no, position),
    constraint extraction_notes_version foreign key (version_no) references versions (version_no) on delete cascade
) strict, without rowid;

create table jobs (
    job_id blob not null,
    organization_id blob not null,
    document_id blob not null,
    -- May be gone: the version of an old job is removed when a newer one takes over.
    version_id blob not null,
    version_no integer not null,
    queue text not null,
    status text not null,
    attempts integer not null default 0,
    lease_token integer not null default 0,
    lease_expires_at integer,
    worker text,
    available_at integer not null,
    progress integer not null default 0,
    current_step text not null,
    failure_code text,
    failure_message text,
    failure_retry text,
    created_at integer not null,
    started_at integer,
    ended_at integer,
    constraint jobs_key primary key (job_id),
    constraint jobs_id_is_uuid check (length(job_id) = 16),
    constraint jobs_status_known check (status in ('queued', 'started', 'deferred', 'finished', 'failed', 'cancelled')),
    constraint jobs_lease_while_started check ((status = 'started') = (lease_expires_at is not null)),
    constraint jobs_progress_is_percent check (progress between 0 and 100),
    constraint jobs_failure_is_whole check ((failure_code is null) = (failure_message is null)),
    constraint jobs_document foreign key (document_id) references documents (document_id) on delete cascade
) strict;
create index jobs_by_document on jobs (document_id);
create index jobs_by_created_at on jobs (organization_id, created_at, job_id);
create index jobs_open on jobs (organization_id, available_at) where status in ('queued', 'started', 'deferred');

create table deliveries (
    -- Never reused, so that a receipt names one delivery for ever.
    delivery_no integer not null constraint deliveries_key primary key autoincrement,
    organization_id blob not null,
    job_id blob not null,
    queue text not null,
    lane text not null,
    rank integer not null,
    available_at integer not null,
    -- How often it was received: part of the receipt, so that a late `ack` cannot take it from the next worker.
    received_count integer not null default 0,
    worker text,
    held_until integer,
    -- Delivered again while a worker held it: the acknowledgement puts it back in line instead of removing it.
    again_at integer,
    again_rank integer,
    constraint deliveries_job_unique unique (job_id, queue, lane),
    constraint deliveries_again_is_whole check ((again_at is null) = (again_rank is null))
) strict;
create index deliveries_in_line on deliveries (queue, lane, rank, delivery_no);

create table chunks (
    -- The order of ingestion; never reused.
    chunk_id integer not null constraint chunks_key primary key autoincrement,
    organization_id blob not null,
    version_no integer not null,
    chunk_index integer not null,
    length integer not null,
    terms blob not null,
    heading text,
    content text not null,
    spans blob not null,
    constraint chunks_index_unique unique (version_no, chunk_index),
    constraint chunks_version foreign key (version_no) references versions (version_no)
) strict;

-- Terms of visible chunks only, each once, parted by spaces. Terms are plain [a-z0-9], which `ascii` keeps as they are.
create virtual table postings using fts5 (
    terms, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);

create table term_statistics (
    organization_id blob not null,
    term text not null,
    -- Visible chunks that hold the term (BM25's df); a row without any is removed.
    visible_chunks integer not null,
    constraint term_statistics_key primary key (organization_id, term),
    constraint term_statistics_positive check (visible_chunks > 0),
    constraint term_statistics_organization
        foreign key (organization_id) references organizations (organization_id)
) strict, without rowid;

-- Without an organization: a model's name is nobody's data.
create table embedding_models (
    model_no integer not null constraint embedding_models_key primary key,
    name text not null,
    dimensions integer not null,
    constraint embedding_models_name_unique unique (name, dimensions)
) strict;

-- Not `without rowid`: rows of a kilobyte in inner nodes would make the tree seven levels deep.
create table embeddings (
    embedding_no integer not null constraint embeddings_key primary key,
    chunk_id integer not null,
    model_no integer not null,
    organization_id blob not null,
    -- f16, little-endian.
    vector blob not null,
    constraint embeddings_chunk_unique unique (chunk_id, model_no),
    constraint embeddings_chunk foreign key (chunk_id) references chunks (chunk_id),
    constraint embeddings_model foreign key (model_no) references embedding_models (model_no)
) strict;

-- `collections`: what a conversation is of, each name between line feeds, which no name holds; null for all. Whoever may not see
-- all of them does not see it.
create table sessions (
    session_id blob not null,
    organization_id blob not null,
    title text not null,
    title_folded text not null,
    message_count integer not null,
    created_at integer not null,
    updated_at integer not null, collections text, filter text,
    constraint sessions_key primary key (session_id),
    constraint sessions_id_is_uuid check (length(session_id) = 16),
    constraint sessions_organization foreign key (organization_id) references organizations (organization_id)
) strict;
create index sessions_by_updated_at on sessions (organization_id, updated_at, session_id);

-- Questions and answers. What only answers have is null in a question.
create table messages (
    -- The order of the conversation.
    message_no integer not null constraint messages_key primary key autoincrement,
    message_id blob not null,
    session_id blob not null,
    organization_id blob not null,
    content text not null,
    content_folded text not null,
    created_at integer not null,
    mode text,
    answered integer,
    search_results integer,
    model text,
    prompt_tokens integer,
    completion_tokens integer,
    processing_micros integer, cost_micros integer, currency text, is_price_known integer, fallback text, rating text constraint messages_rating_known check (rating in ('up', 'down')), rating_reason text, rated_at integer,
    constraint messages_id_unique unique (message_id),
    constraint messages_id_is_uuid check (length(message_id) = 16),
    constraint messages_mode_known check (mode in ('generated', 'extractive')),
    constraint messages_answer_is_whole check (
        (mode is null) = (answered is null)
        and (mode is null) = (search_results is null)
        and (mode is null) = (prompt_tokens is null)
        and (mode is null) = (completion_tokens is null)
        and (mode is null) = (processing_micros is null)
    ),
    constraint messages_session foreign key (session_id) references sessions (session_id) on delete cascade
) strict;
create index messages_by_session on messages (session_id, message_no);

-- The evidence of an answer, as it was when the answer was made: it stays when the document changes or goes.
create table message_sources (
    message_no integer not null,
    position integer not null,
    organization_id blob not null,
    document_id blob not null,
    document_title text not null,
    chunk_id integer not null,
    filename text not null,
    page_number integer not null,
    quote_start integer not null,
    quote_end integer not null,
    quote text not null,
    excerpt text not null,
    similarity_score real not null,
    boxes blob not null,
    verified integer not null,
    constraint message_sources_key primary key (message_no, position),
    constraint message_sources_message foreign key (message_no) references messages (message_no) on delete cascade
) strict;
create index message_sources_by_document on message_sources (document_id);

create table message_claims (
    message_no integer not null,
    position integer not null,
    organization_id blob not null,
    text text not null,
    status text not null,
    -- Positions of the sources it rests on.
    sources blob not null,
    constraint message_claims_key primary key (message_no, position),
    constraint message_claims_status_known check (status in ('verified', 'unconfirmed')),
    constraint message_claims_message foreign key (message_no) references messages (message_no) on delete cascade
) strict, without rowid;

create table message_nearest (
    message_no integer not null,
    position integer not null,
    organization_id blob not null,
    document_id blob not null,
    document_title text not null,
    page_number integer not null,
    constraint message_nearest_key primary key (message_no, position),
    constraint message_nearest_message foreign key (message_no) references messages (message_no) on delete cascade
) strict, without rowid;

-- One row an answer, or another call of a model (`kind`), which outlives its session: what was used was used. The key is the one it was asked with, null where
-- none was needed. What was added later stands where `alter table` puts it: the conversation; the first moment of the month it counts in, null for what
-- cost nothing and of before there were prices; whether the model did not tell its tokens; what it was paid for.
create table answer_usage (
    usage_no integer not null constraint answer_usage_key primary key autoincrement,
    organization_id blob not null,
    -- Null for an extractive answer.
    model text,
    prompt_tokens integer not null,
    completion_tokens integer not null,
    answered_at integer not null, key_id blob, session_id blob, month_from integer, currency text, cost_micros integer not null default 0, is_price_known integer not null default 1, is_estimated integer not null default 0, kind text not null default 'answer' constraint answer_usage_kind_known check (kind in ('answer', 'rewriting', 'embedding')),
    constraint answer_usage_organization foreign key (organization_id) references organizations (organization_id)
) strict;
create index answer_usage_by_time on answer_usage (organization_id, answered_at);

create table api_keys (
    key_id blob not null,
    organization_id blob not null,
    -- SHA-256 of the secret, which is not kept.
    hash blob not null,
    -- The first characters of the secret, by which people tell keys apart.
    hint text not null,
    name text,
    -- Words parted by commas.
    permissions text not null,
    -- The collections it may see, each name ended by a line feed, which no name holds; null for all, those made later too.
    collections text,
    created_at integer not null,
    expires_at integer,
    revoked_at integer,
    constraint api_keys_key primary key (key_id),
    constraint api_keys_id_is_uuid check (length(key_id) = 16),
    constraint api_keys_hash_unique unique (hash),
    constraint api_keys_hash_is_sha256 check (length(hash) = 32),
    constraint api_keys_organization foreign key (organization_id) references organizations (organization_id)
) strict;
create index api_keys_by_created_at on api_keys (organization_id, created_at, key_id);

-- What was done, never what a document says. A key may be named that is there no more.
create table audit_entries (
    entry_no integer not null constraint audit_entries_key primary key autoincrement,
    organization_id blob not null,
    at integer not null,
    key_id blob,
    action text not null,
    subject text not null,
    constraint audit_entries_organization foreign key (organization_id) references organizations (organization_id)
) strict;
create index audit_entries_by_organization on audit_entries (organization_id, entry_no);

create table cleanup_jobs (
    job_id blob not null,
    organization_id blob not null,
    task text not null,
    older_than_micros integer not null,
    -- The hour (since 1970) that it is the scheduled run of; null when a person asked for it.
    slot integer,
    status text not null,
    attempts integer not null default 0,
    lease_token integer not null default 0,
    lease_expires_at integer,
    worker text,
    available_at integer not null,
    -- Uploads or files removed by the try that ended it.
    removed integer not null default 0,
    failure_code text,
    failure_message text,
    failure_retry text,
    created_at integer not null,
    started_at integer,
    ended_at integer,
    constraint cleanup_jobs_key primary key (job_id),
    constraint cleanup_jobs_id_is_uuid check (length(job_id) = 16),
    constraint cleanup_jobs_status_known check (
        status in ('queued', 'started', 'deferred', 'finished', 'failed', 'cancelled')
    ),
    constraint cleanup_jobs_lease_while_started check ((status = 'started') = (lease_expires_at is not null)),
    constraint cleanup_jobs_end_is_whole check (
        (status in ('finished', 'failed', 'cancelled')) = (ended_at is not null)
    ),
    constraint cleanup_jobs_failure_is_whole check ((failure_code is null) = (failure_message is null)),
    constraint cleanup_jobs_organization foreign key (organization_id) references organizations (organization_id)
) strict;
-- Whoever schedules, and however often: one run a task and hour.
create unique index cleanup_jobs_slot_unique on cleanup_jobs (organization_id, task, slot) where slot is not null;
create index cleanup_jobs_by_created_at on cleanup_jobs (organization_id, created_at, job_id);
create index cleanup_jobs_open on cleanup_jobs (organization_id, available_at)
    where status in ('queued', 'started', 'deferred');

-- Who works. Of no organization: workers are the installation's, as are the roles that one of them has.
create table workers (
    name text not null,
    -- Words parted by commas.
    queues text not null,
    started_at integer not null,
    seen_at integer not null,
    constraint workers_key primary key (name)
) strict, without rowid;

create table leaderships (
    role text not null,
    worker text not null,
    expires_at integer not null,
    constraint leaderships_key primary key (role)
) strict, without rowid;

-- Which backups were made. Of no organization: a backup is of the whole installation.
create table backups (
    file_name text not null,
    started_at integer not null,
    finished_at integer not null,
    size_bytes integer not null,
    copied_to text,
    constraint backups_key primary key (file_name),
    constraint backups_end_after_beginning check (finished_at >= started_at)
) strict;
create index backups_by_finished_at on backups (finished_at);

-- What each document whose passages a model read has of an answer; together they are the whole.
create table usage_documents (
    usage_no integer not null,
    position integer not null,
    organization_id blob not null,
    document_id blob not null,
    prompt_tokens integer not null,
    completion_tokens integer not null,
    cost_micros integer not null,
    constraint usage_documents_key primary key (usage_no, position),
    constraint usage_documents_usage foreign key (usage_no) references answer_usage (usage_no) on delete cascade
) strict, without rowid;

-- Money set aside for an answer. It goes when the answer is settled.
create table reservations (
    reservation_id blob not null,
    organization_id blob not null,
    key_id blob,
    session_id blob,
    model text not null,
    month_from integer not null,
    currency text not null,
    amount_micros integer not null,
    prompt_tokens integer not null,
    completion_tokens integer not null,
    is_price_known integer not null,
    -- 16 bytes each.
    document_ids blob not null,
    reserved_at integer not null, kind text not null default 'answer' constraint reservations_kind_known check (kind in ('answer', 'rewriting', 'embedding')),
    constraint reservations_key primary key (reservation_id),
    constraint reservations_id_is_uuid check (length(reservation_id) = 16),
    constraint reservations_organization foreign key (organization_id) references organizations (organization_id)
) strict, without rowid;
create index reservations_by_time on reservations (organization_id, reserved_at);

-- Sums of a month: of each organization, and under the organization of zeros of all together.
create table budget_months (
    organization_id blob not null,
    month_from integer not null,
    currency text not null,
    spent_micros integer not null,
    reserved_micros integer not null,
    constraint budget_months_key primary key (organization_id, month_from, currency)
) strict, without rowid;

-- What an organization may spend in a month.
create table organization_budgets (
    organization_id blob not null,
    limit_micros integer not null,
    currency text not null,
    constraint organization_budgets_key primary key (organization_id),
    constraint organization_budgets_organization foreign key (organization_id) references organizations (organization_id)
) strict, without rowid;

-- That a share of a limit is used; under the organization of zeros, of the installation's. One a month, party and share.
create table budget_notices (
    organization_id blob not null,
    month_from integer not null,
    currency text not null,
    percent integer not null,
    limit_micros integer not null,
    spent_micros integer not null,
    created_at integer not null,
    tries integer not null default 0,
    -- Null once it was told.
    next_try_at integer,
    constraint budget_notices_key primary key (organization_id, month_from, currency, percent)
) strict, without rowid;

-- By what texts that are nearly equal are found.
create table text_signatures (
    version_no integer not null,
    organization_id blob not null,
    -- 128 values of four bytes, little-endian.
    signature blob not null,
    constraint text_signatures_key primary key (version_no),
    constraint text_signatures_version foreign key (version_no) references versions (version_no) on delete cascade
) strict;

-- Texts that are nearly equal have one of these in common.
create table signature_bands (
    organization_id blob not null,
    band integer not null,
    version_no integer not null,
    constraint signature_bands_key primary key (organization_id, band, version_no),
    constraint signature_bands_version foreign key (version_no) references versions (version_no) on delete cascade
) strict, without rowid;
create index signature_bands_by_version on signature_bands (version_no);
