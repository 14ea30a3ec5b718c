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

-- The key it was asked with; null where none was needed, as in every answer of before.
alter table answer_usage add column key_id blob;
