-- What all migrations together give (tests/it/migrate.rs holds it), to be read. Beside it stands the list `schema_migrations`
-- (src/migrate.rs), and the extension `vector`, in whichever schema.
--
-- Times are microseconds since 1970 of the application's clock; hashes are 32 bytes. Whatever is sorted by text is sorted by
-- its code points (`collate "C"`), as every other store of ids sorts it.
--
-- Row level security, forced on the owner of the tables too: a transaction names its organization in the setting
-- `ids.organization`, and where none is named there are no rows. Tables without it say why.

-- No row level security: the list comes before an organization is known. Ids and names only.
create table organizations (
    organization_id uuid not null,
    -- A short name of it, for what is stored once a word.
    organization_no integer not null generated always as identity,
    name text collate "C" not null,
    created_at bigint not null,
    constraint organizations_key primary key (organization_id),
    constraint organizations_no_unique unique (organization_no),
    constraint organizations_name_unique unique (name)
);

create table collections (
    collection_no bigint not null generated always as identity,
    organization_id uuid not null,
    name text collate "C" not null,
    created_at bigint not null,
    constraint collections_key primary key (collection_no),
    constraint collections_name_unique unique (organization_id, name),
    constraint collections_organization foreign key (organization_id) references organizations (organization_id)
);

create table documents (
    document_id uuid not null,
    organization_id uuid not null,
    collection_no bigint not null,
    source_path text,
    -- What a person said of it.
    title_given text,
    description text,
    -- What is shown: of the visible version, before there is one of the newest, before that as announced.
    title text not null,
    title_folded text collate "C" not null,
    filename text not null,
    filename_folded text collate "C" not null,
    content_type text not null,
    file_size bigint not null,
    file_hash bytea,
    status text not null,
    job_id uuid,
    visible_version_no bigint,
    newest_version_no bigint,
    -- Whose pages and type are shown. A column, since PostgreSQL takes `coalesce` in a condition for something that may leak what
    -- it sees, and under row level security uses no index with it.
    shown_version_no bigint generated always as (coalesce(visible_version_no, newest_version_no)) stored,
    duplicate_of uuid,
    failure_code text,
    failure_message text,
    failure_retry text,
    created_at bigint not null,
    updated_at bigint not null,
    -- What it came in. No foreign key: a library that is moved may get a document before the one it came in.
    parent_id uuid,
    -- The version of that in which it came last: those of others go when the newest one is read.
    parent_version_id uuid,
    -- Where it lies in that.
    path text collate "C",
    constraint documents_key primary key (document_id),
    constraint documents_failure_is_whole check ((failure_code is null) = (failure_message is null)),
    constraint documents_collection foreign key (collection_no) references collections (collection_no),
    constraint documents_organization foreign key (organization_id) references organizations (organization_id)
);
create unique index documents_source_unique on documents (collection_no, source_path) where source_path is not null;
create unique index documents_member_unique on documents (parent_id, path) where parent_id is not null;
create index documents_by_created_at on documents (organization_id, created_at, document_id);
create index documents_by_collection on documents (collection_no);
create index documents_by_visible_version on documents (visible_version_no) where visible_version_no is not null;

create table document_tags (
    document_id uuid not null,
    organization_id uuid not null,
    position integer not null,
    tag text not null,
    constraint document_tags_key primary key (document_id, position),
    constraint document_tags_tag_unique unique (document_id, tag),
    constraint document_tags_document foreign key (document_id) references documents (document_id) on delete cascade
);
create index document_tags_by_tag on document_tags (organization_id, tag, document_id);

create table versions (
    -- Rises with each version: the newest of a document has the highest.
    version_no bigint not null generated always as identity,
    version_id uuid not null,
    organization_id uuid not null,
    document_id uuid not null,
    -- Null once the bytes are gone: not to be kept, or of a duplicate.
    blob_key text,
    filename text not null,
    content_type text not null,
    file_size bigint not null,
    file_hash bytea not null,
    title_own text,
    author text,
    text_hash bytea,
    stage text not null,
    page_count integer,
    characters bigint,
    chunk_count integer not null default 0,
    embedded_count integer not null default 0,
    created_at bigint not null,
    -- Null before its chunks are stored; they are it and the `chunk_count - 1` ids after it, by chunk index.
    first_chunk_id bigint,
    -- Of the bytes that are kept, where these are not those that were sent.
    kept_hash bytea,
    constraint versions_key primary key (version_no),
    constraint versions_id_unique unique (version_id),
    constraint versions_stage_known check (stage in ('accepted', 'extracted', 'chunked', 'completed')),
    constraint versions_embedded_within_chunks check (embedded_count between 0 and chunk_count),
    constraint versions_document foreign key (document_id) references documents (document_id) on delete cascade
);
create index versions_by_blob on versions (organization_id, blob_key) where blob_key is not null;
create index versions_by_document on versions (document_id, version_no);
create unique index versions_first_chunk_unique on versions (first_chunk_id) where first_chunk_id is not null;
-- Versions whose vectors are being made, of which some are not visible yet.
create index versions_embedding on versions (organization_id) where stage = 'chunked' and embedded_count > 0;
create index versions_by_text on versions (organization_id, text_hash) where text_hash is not null;

-- By what texts that are nearly equal are found.
create table text_signatures (
    version_no bigint not null,
    organization_id uuid not null,
    -- 128 values of four bytes, little-endian.
    signature bytea not null,
    constraint text_signatures_key primary key (version_no),
    constraint text_signatures_version foreign key (version_no) references versions (version_no) on delete cascade
);

-- Texts that are nearly equal have one of these in common.
create table signature_bands (
    organization_id uuid not null,
    band bigint not null,
    version_no bigint not null,
    constraint signature_bands_key primary key (organization_id, band, version_no),
    constraint signature_bands_version foreign key (version_no) references versions (version_no) on delete cascade
);
create index signature_bands_by_version on signature_bands (version_no);

create table uploads (
    upload_id uuid not null,
    organization_id uuid not null,
    document_id uuid not null,
    is_new_document boolean not null,
    content_type text not null,
    file_size bigint not null,
    filename text not null,
    blob_key text not null,
    expires_at bigint not null,
    state text not null,
    file_hash bytea,
    job_id uuid,
    created_at bigint not null,
    constraint uploads_key primary key (upload_id),
    constraint uploads_state_is_whole check (
        (state = 'awaiting' and file_hash is null and job_id is null)
        or (state = 'received' and file_hash is not null and job_id is null)
        or (state = 'processed' and job_id is not null)
    ),
    constraint uploads_document foreign key (document_id) references documents (document_id) on delete cascade
);
create index uploads_by_blob on uploads (organization_id, blob_key);
create index uploads_by_document on uploads (document_id);
create index uploads_unprocessed_by_expires_at on uploads (organization_id, expires_at) where state <> 'processed';

create table pages (
    version_no bigint not null,
    page_number integer not null,
    organization_id uuid not null,
    width real,
    height real,
    text text not null,
    blocks bytea not null,
    lines bytea not null,
    words bytea not null default '',
    constraint pages_key primary key (version_no, page_number),
    constraint pages_version foreign key (version_no) references versions (version_no) on delete cascade
);

create table extraction_notes (
    version_no bigint not null,
    position integer not null,
    organization_id uuid not null,
    page_number integer,
    kind text not null,
    text text not null,
    constraint extraction_notes_key primary key (version_no, position),
    constraint extraction_notes_version foreign key (version_no) references versions (version_no) on delete cascade
);

create table jobs (
    job_id uuid not null,
    organization_id uuid not null,
    document_id uuid not null,
    -- May be gone: the version of an old job is removed when a newer one takes over.
    version_id uuid not null,
    version_no bigint not null,
    queue text not null,
    status text not null,
    attempts integer not null default 0,
    lease_token bigint not null default 0,
    lease_expires_at bigint,
    worker text,
    available_at bigint not null,
    progress integer not null default 0,
    current_step text not null,
    failure_code text,
    failure_message text,
    failure_retry text,
    created_at bigint not null,
    started_at bigint,
    ended_at bigint,
    constraint jobs_key primary key (job_id),
    constraint jobs_status_known check (status in ('queued', 'started', 'deferred', 'finished', 'failed', 'cancelled')),
    constraint jobs_lease_while_started check ((status = 'started') = (lease_expires_at is not null)),
    constraint jobs_progress_is_percent check (progress between 0 and 100),
    constraint jobs_failure_is_whole check ((failure_code is null) = (failure_message is null)),
    constraint jobs_document foreign key (document_id) references documents (document_id) on delete cascade
);
create index jobs_by_document on jobs (document_id);
create index jobs_by_created_at on jobs (organization_id, created_at, job_id);
create index jobs_open on jobs (organization_id, available_at) where status in ('queued', 'started', 'deferred');

-- Jobs without a document.
create table cleanup_jobs (
    job_id uuid not null,
    organization_id uuid not null,
    task text not null,
    older_than_micros bigint not null,
    -- The hour since 1970 that it is the scheduled run of; null when a person asked for it.
    slot bigint,
    status text not null,
    attempts integer not null default 0,
    lease_token bigint not null default 0,
    lease_expires_at bigint,
    worker text,
    available_at bigint not null,
    removed bigint not null default 0,
    failure_code text,
    failure_message text,
    failure_retry text,
    created_at bigint not null,
    started_at bigint,
    ended_at bigint,
    constraint cleanup_jobs_key primary key (job_id),
    constraint cleanup_jobs_status_known check (
        status in ('queued', 'started', 'deferred', 'finished', 'failed', 'cancelled')
    ),
    constraint cleanup_jobs_lease_while_started check ((status = 'started') = (lease_expires_at is not null)),
    constraint cleanup_jobs_failure_is_whole check ((failure_code is null) = (failure_message is null)),
    constraint cleanup_jobs_organization foreign key (organization_id) references organizations (organization_id)
);
create unique index cleanup_jobs_slot_unique on cleanup_jobs (organization_id, task, slot) where slot is not null;
create index cleanup_jobs_by_created_at on cleanup_jobs (organization_id, created_at, job_id);

create table api_keys (
    key_id uuid not null,
    organization_id uuid not null,
    -- SHA-256 of the secret, which is stored nowhere.
    key_hash bytea not null,
    hint text not null,
    name text,
    -- Words parted by commas.
    permissions text not null,
    -- Null: all collections, those made later too.
    collections text[],
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint,
    constraint api_keys_key primary key (key_id),
    constraint api_keys_hash_unique unique (key_hash),
    constraint api_keys_organization foreign key (organization_id) references organizations (organization_id)
);
create index api_keys_by_created_at on api_keys (organization_id, created_at, key_id);

create table audit_entries (
    entry_no bigint not null generated always as identity,
    organization_id uuid not null,
    recorded_at bigint not null,
    key_id uuid,
    action text not null,
    subject text not null,
    constraint audit_entries_key primary key (entry_no),
    constraint audit_entries_organization foreign key (organization_id) references organizations (organization_id)
);
create index audit_entries_by_organization on audit_entries (organization_id, entry_no);

-- No row level security: workers are the installation's, of no organization.
create table workers (
    name text collate "C" not null,
    queues text[] not null,
    started_at bigint not null,
    seen_at bigint not null,
    constraint workers_key primary key (name)
);

-- No row level security: the same.
create table leaderships (
    role text not null,
    worker text not null,
    expires_at bigint not null,
    constraint leaderships_key primary key (role)
);

-- The chunks of a version come in one run: `chunk_id` is the number of the run times 2^20, plus the chunk's index. So ids follow
-- each other within a version, rise in the order of ingestion, are never reused, and two versions that are stored at once do
-- not mix. Up to this number of runs they are exact as numbers of JSON.
create sequence chunk_runs as bigint maxvalue 8589934591;

create table chunks (
    chunk_id bigint not null,
    organization_id uuid not null,
    version_no bigint not null,
    chunk_index integer not null,
    length integer not null,
    terms bytea not null,
    heading text,
    content text not null,
    spans bytea not null,
    constraint chunks_key primary key (chunk_id),
    constraint chunks_index_unique unique (version_no, chunk_index),
    constraint chunks_index_within_run check (chunk_index between 0 and 1048575),
    constraint chunks_version foreign key (version_no) references versions (version_no)
-- A chunk is read whole, hundreds at a time: rows of up to half a page stay in one piece.
) with (toast_tuple_target = 4080);

-- Which visible chunks hold a term: one row a term and block of 1,024 chunks of one version. A list is read in the order of
-- ingestion out of the key alone, and no further than it is needed, so that the cost of a query does not grow with the library;
-- an index of type GIN gives the whole list or nothing, and none at all under row level security (docs/adr/0008).
--
-- No `organization_id`: its short number, which is 12 bytes less a row and a key, and the policy looks it up once a statement.
-- No foreign keys either, which would be checked for every row: who removes a version or an organization removes these.
create table postings (
    organization_no integer not null,
    term text collate "C" not null,
    -- The first chunk of the block, whether it holds the term or not.
    first_chunk_id bigint not null,
    -- How far each chunk that holds the term stands behind the one before, by the codec's numbers.
    chunks bytea not null,
    constraint postings_key primary key (organization_no, term, first_chunk_id) include (chunks)
-- Reading the key alone needs pages that are known to be visible: new ones are looked at sooner than PostgreSQL would.
) with (autovacuum_vacuum_insert_scale_factor = 0.05);

-- What BM25 needs of visible chunks: how many hold a term; under `#chunks` how many there are, under `#length` the sum of their
-- lengths. What is exact is the sum of both tables: each commit adds rows to the second one, so that none waits for another,
-- and now and then they are folded into the first.
create table term_statistics (
    organization_no integer not null,
    term text collate "C" not null,
    chunks bigint not null,
    constraint term_statistics_key primary key (organization_no, term)
);
create table term_statistic_deltas (
    organization_no integer not null,
    term text collate "C" not null,
    delta_no bigint not null generated always as identity,
    chunks bigint not null,
    constraint term_statistic_deltas_key primary key (organization_no, term, delta_no) include (chunks)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);

-- No row level security: a model's name is nobody's data.
create table embedding_models (
    model_no integer not null generated always as identity,
    name text collate "C" not null,
    dimensions integer not null,
    constraint embedding_models_key primary key (model_no),
    constraint embedding_models_name_unique unique (name, dimensions)
);

-- Each model's HNSW index is made when the model is met first (`src/models.rs`).
create table embeddings (
    chunk_id bigint not null,
    model_no integer not null,
    organization_id uuid not null,
    version_no bigint not null,
    -- Half precision holds the very bits of the domain. A library made with pgvector before 0.7 has `vector`, at twice the size.
    vector halfvec not null,
    constraint embeddings_key primary key (chunk_id, model_no),
    constraint embeddings_chunk foreign key (chunk_id) references chunks (chunk_id),
    constraint embeddings_model foreign key (model_no) references embedding_models (model_no)
-- A vector stands in the row, up to what a page can hold: one kept apart doubles the cost of an exact scan.
) with (toast_tuple_target = 8160);
create index embeddings_by_version on embeddings (organization_id, model_no, version_no);

create table sessions (
    session_id uuid not null,
    organization_id uuid not null,
    title text not null,
    title_folded text collate "C" not null,
    message_count integer not null,
    created_at bigint not null,
    updated_at bigint not null,
    -- The collections that a conversation is of; null for all. Whoever may not see all of them does not see it.
    collections text[],
    -- What its questions are limited to, as `ids_rows::filter` writes it; null for nothing.
    filter text,
    constraint sessions_key primary key (session_id),
    constraint sessions_organization foreign key (organization_id) references organizations (organization_id)
);
create index sessions_by_updated_at on sessions (organization_id, updated_at, session_id);

-- Questions and answers. What only answers have is null in a question.
create table messages (
    -- The order of the conversation.
    message_no bigint not null generated always as identity,
    message_id uuid not null,
    session_id uuid not null,
    organization_id uuid not null,
    content text not null,
    content_folded text collate "C" not null,
    created_at bigint not null,
    mode text,
    answered boolean,
    search_results integer,
    model text,
    prompt_tokens bigint,
    completion_tokens bigint,
    processing_micros bigint,
    cost_micros bigint,
    currency text,
    is_price_known boolean,
    -- Why a model that is there did not write it.
    fallback text,
    -- What somebody thought of an answer, why, and when; null when nobody said.
    rating text,
    rating_reason text,
    rated_at bigint,
    constraint messages_key primary key (message_no),
    constraint messages_id_unique unique (message_id),
    constraint messages_mode_known check (mode in ('generated', 'extractive')),
    constraint messages_rating_known check (rating in ('up', 'down')),
    constraint messages_answer_is_whole check (
        (mode is null) = (answered is null)
        and (mode is null) = (search_results is null)
        and (mode is null) = (prompt_tokens is null)
        and (mode is null) = (completion_tokens is null)
        and (mode is null) = (processing_micros is null)
    ),
    constraint messages_session foreign key (session_id) references sessions (session_id) on delete cascade
);
create index messages_by_session on messages (session_id, message_no);

-- The evidence of an answer, as it was when the answer was made: it stays when the document changes or goes.
create table message_sources (
    message_no bigint not null,
    position integer not null,
    organization_id uuid not null,
    document_id uuid not null,
    document_title text not null,
    chunk_id bigint not null,
    filename text not null,
    page_number integer not null,
    quote_start integer not null,
    quote_end integer not null,
    quote text not null,
    excerpt text not null,
    similarity_score real not null,
    boxes bytea not null,
    verified boolean not null,
    constraint message_sources_key primary key (message_no, position),
    constraint message_sources_message foreign key (message_no) references messages (message_no) on delete cascade
);
create index message_sources_by_document on message_sources (document_id);

create table message_claims (
    message_no bigint not null,
    position integer not null,
    organization_id uuid not null,
    text text not null,
    status text not null,
    -- Positions of the sources it rests on.
    sources bytea not null,
    constraint message_claims_key primary key (message_no, position),
    constraint message_claims_status_known check (status in ('verified', 'unconfirmed')),
    constraint message_claims_message foreign key (message_no) references messages (message_no) on delete cascade
);

create table message_nearest (
    message_no bigint not null,
    position integer not null,
    organization_id uuid not null,
    document_id uuid not null,
    document_title text not null,
    page_number integer not null,
    constraint message_nearest_key primary key (message_no, position),
    constraint message_nearest_message foreign key (message_no) references messages (message_no) on delete cascade
);

-- One row an answer, which outlives its session: what was used was used.
create table answer_usage (
    usage_no bigint not null generated always as identity,
    organization_id uuid not null,
    -- Null where no key was needed; the key itself may be gone.
    key_id uuid,
    -- Null for an extractive answer.
    model text collate "C",
    prompt_tokens bigint not null,
    completion_tokens bigint not null,
    answered_at bigint not null,
    session_id uuid,
    -- The first moment of the month it counts in; null for what cost nothing, and of before there were prices.
    month_from bigint,
    currency text,
    cost_micros bigint not null default 0,
    is_price_known boolean not null default true,
    -- Whether the model did not tell its tokens.
    is_estimated boolean not null default false,
    -- What a model was paid for: an answer, a follow-up made into a question that stands alone, or vectors.
    kind text not null default 'answer',
    constraint answer_usage_key primary key (usage_no),
    constraint answer_usage_kind_known check (kind in ('answer', 'rewriting', 'embedding')),
    constraint answer_usage_organization foreign key (organization_id) references organizations (organization_id)
);
create index answer_usage_by_time on answer_usage (organization_id, answered_at);

-- What each document whose passages a model read has of an answer; together they are the whole.
create table usage_documents (
    usage_no bigint not null,
    position integer not null,
    organization_id uuid not null,
    document_id uuid not null,
    prompt_tokens bigint not null,
    completion_tokens bigint not null,
    cost_micros bigint not null,
    constraint usage_documents_key primary key (usage_no, position),
    constraint usage_documents_usage foreign key (usage_no) references answer_usage (usage_no) on delete cascade
);

-- Money set aside for an answer. It goes when the answer is settled.
create table reservations (
    reservation_id uuid not null,
    organization_id uuid not null,
    key_id uuid,
    session_id uuid,
    model text collate "C" not null,
    month_from bigint not null,
    currency text not null,
    amount_micros bigint not null,
    prompt_tokens bigint not null,
    completion_tokens bigint not null,
    is_price_known boolean not null,
    document_ids uuid[] not null,
    reserved_at bigint not null,
    kind text not null default 'answer',
    constraint reservations_key primary key (reservation_id),
    constraint reservations_kind_known check (kind in ('answer', 'rewriting', 'embedding')),
    constraint reservations_organization foreign key (organization_id) references organizations (organization_id)
);
create index reservations_by_time on reservations (organization_id, reserved_at);

-- Sums of a month: of each organization, and under the organization of zeros of all together.
create table budget_months (
    organization_id uuid not null,
    month_from bigint not null,
    currency text not null,
    spent_micros bigint not null,
    reserved_micros bigint not null,
    constraint budget_months_key primary key (organization_id, month_from, currency)
);

-- What an organization may spend in a month.
create table organization_budgets (
    organization_id uuid not null,
    limit_micros bigint not null,
    currency text not null,
    constraint organization_budgets_key primary key (organization_id),
    constraint organization_budgets_organization foreign key (organization_id) references organizations (organization_id)
);

-- That a share of a limit is used; under the organization of zeros, of the installation's. One a month, party and share.
create table budget_notices (
    organization_id uuid not null,
    month_from bigint not null,
    currency text not null,
    percent integer not null,
    limit_micros bigint not null,
    spent_micros bigint not null,
    created_at bigint not null,
    tries integer not null default 0,
    -- Null once it was told.
    next_try_at bigint,
    constraint budget_notices_key primary key (organization_id, month_from, currency, percent)
);

-- No row level security: a worker takes what comes next, of whichever organization, and learns from the row in whose name the job
-- is to be done. Ids only.
create table deliveries (
    -- Never reused, so that a receipt names one delivery for ever.
    delivery_no bigint not null generated always as identity,
    organization_id uuid not null,
    job_id uuid not null,
    queue text not null,
    lane text not null,
    rank bigint not null,
    available_at bigint not null,
    -- How often it was received: part of the receipt, so that a late `ack` cannot take it from the next worker.
    received_count integer not null default 0,
    worker text,
    held_until bigint,
    -- Delivered again while a worker held it: the acknowledgement puts it back in line instead of removing it.
    again_at bigint,
    again_rank bigint,
    constraint deliveries_key primary key (delivery_no),
    constraint deliveries_job_unique unique (job_id, queue, lane),
    constraint deliveries_again_is_whole check ((again_at is null) = (again_rank is null))
);
create index deliveries_in_line on deliveries (queue, lane, rank, delivery_no);

-- Which backups were made. No row level security: a backup is of the whole installation, of no organization.
create table backups (
    file_name text collate "C" not null,
    started_at bigint not null,
    finished_at bigint not null,
    size_bytes bigint not null,
    copied_to text,
    constraint backups_key primary key (file_name),
    constraint backups_end_after_beginning check (finished_at >= started_at)
);
create index backups_by_finished_at on backups (finished_at);

alter table collections enable row level security;
alter table collections force row level security;
create policy collections_of_organization on collections
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table documents enable row level security;
alter table documents force row level security;
create policy documents_of_organization on documents
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table document_tags enable row level security;
alter table document_tags force row level security;
create policy document_tags_of_organization on document_tags
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table versions enable row level security;
alter table versions force row level security;
create policy versions_of_organization on versions
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table uploads enable row level security;
alter table uploads force row level security;
create policy uploads_of_organization on uploads
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table pages enable row level security;
alter table pages force row level security;
create policy pages_of_organization on pages
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table extraction_notes enable row level security;
alter table extraction_notes force row level security;
create policy extraction_notes_of_organization on extraction_notes
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table jobs enable row level security;
alter table jobs force row level security;
create policy jobs_of_organization on jobs
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table cleanup_jobs enable row level security;
alter table cleanup_jobs force row level security;
create policy cleanup_jobs_of_organization on cleanup_jobs
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy api_keys_of_organization on api_keys
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table audit_entries enable row level security;
alter table audit_entries force row level security;
create policy audit_entries_of_organization on audit_entries
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

-- A key is looked up by its hash before it is known whose it is; who knows the hash of 256 random bits has seen the key.
create policy api_keys_by_hash on api_keys for select
    using (key_hash = decode(nullif(current_setting('ids.key_hash', true), ''), 'hex'));

alter table chunks enable row level security;
alter table chunks force row level security;
create policy chunks_of_organization on chunks
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table embeddings enable row level security;
alter table embeddings force row level security;
create policy embeddings_of_organization on embeddings
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table postings enable row level security;
alter table postings force row level security;
create policy postings_of_organization on postings
    using (organization_no = (
        select o.organization_no from organizations o
        where o.organization_id = nullif(current_setting('ids.organization', true), '')::uuid))
    with check (organization_no = (
        select o.organization_no from organizations o
        where o.organization_id = nullif(current_setting('ids.organization', true), '')::uuid));

alter table term_statistics enable row level security;
alter table term_statistics force row level security;
create policy term_statistics_of_organization on term_statistics
    using (organization_no = (
        select o.organization_no from organizations o
        where o.organization_id = nullif(current_setting('ids.organization', true), '')::uuid))
    with check (organization_no = (
        select o.organization_no from organizations o
        where o.organization_id = nullif(current_setting('ids.organization', true), '')::uuid));

alter table term_statistic_deltas enable row level security;
alter table term_statistic_deltas force row level security;
create policy term_statistic_deltas_of_organization on term_statistic_deltas
    using (organization_no = (
        select o.organization_no from organizations o
        where o.organization_id = nullif(current_setting('ids.organization', true), '')::uuid))
    with check (organization_no = (
        select o.organization_no from organizations o
        where o.organization_id = nullif(current_setting('ids.organization', true), '')::uuid));

alter table sessions enable row level security;
alter table sessions force row level security;
create policy sessions_of_organization on sessions
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table messages enable row level security;
alter table messages force row level security;
create policy messages_of_organization on messages
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table message_sources enable row level security;
alter table message_sources force row level security;
create policy message_sources_of_organization on message_sources
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table message_claims enable row level security;
alter table message_claims force row level security;
create policy message_claims_of_organization on message_claims
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table message_nearest enable row level security;
alter table message_nearest force row level security;
create policy message_nearest_of_organization on message_nearest
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table answer_usage enable row level security;
alter table answer_usage force row level security;
create policy answer_usage_of_organization on answer_usage
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table usage_documents enable row level security;
alter table usage_documents force row level security;
create policy usage_documents_of_organization on usage_documents
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table text_signatures enable row level security;
alter table text_signatures force row level security;
create policy text_signatures_of_organization on text_signatures
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table signature_bands enable row level security;
alter table signature_bands force row level security;
create policy signature_bands_of_organization on signature_bands
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table reservations enable row level security;
alter table reservations force row level security;
create policy reservations_of_organization on reservations
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table organization_budgets enable row level security;
alter table organization_budgets force row level security;
create policy organization_budgets_of_organization on organization_budgets
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

-- Of an organization, and those of all together, which everyone who asks must raise: sums, and nothing that was asked.
alter table budget_months enable row level security;
alter table budget_months force row level security;
create policy budget_months_of_organization on budget_months
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid
        or organization_id = '00000000-0000-0000-0000-000000000000' and nullif(current_setting('ids.organization', true), '') is not null)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid
        or organization_id = '00000000-0000-0000-0000-000000000000' and nullif(current_setting('ids.organization', true), '') is not null);

alter table budget_notices enable row level security;
alter table budget_notices force row level security;
create policy budget_notices_of_organization on budget_notices
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid
        or organization_id = '00000000-0000-0000-0000-000000000000' and nullif(current_setting('ids.organization', true), '') is not null)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid
        or organization_id = '00000000-0000-0000-0000-000000000000' and nullif(current_setting('ids.organization', true), '') is not null);
