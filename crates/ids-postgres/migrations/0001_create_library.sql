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
    constraint documents_key primary key (document_id),
    constraint documents_failure_is_whole check ((failure_code is null) = (failure_message is null)),
    constraint documents_collection foreign key (collection_no) references collections (collection_no),
    constraint documents_organization foreign key (organization_id) references organizations (organization_id)
);
create unique index documents_source_unique on documents (collection_no, source_path) where source_path is not null;
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
    constraint versions_key primary key (version_no),
    constraint versions_id_unique unique (version_id),
    constraint versions_stage_known check (stage in ('accepted', 'extracted', 'chunked', 'completed')),
    constraint versions_embedded_within_chunks check (embedded_count between 0 and chunk_count),
    constraint versions_document foreign key (document_id) references documents (document_id) on delete cascade
);
create index versions_by_blob on versions (organization_id, blob_key) where blob_key is not null;
create index versions_by_document on versions (document_id, version_no);
create index versions_by_text on versions (organization_id, text_hash) where text_hash is not null;

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
