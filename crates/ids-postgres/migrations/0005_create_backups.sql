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
