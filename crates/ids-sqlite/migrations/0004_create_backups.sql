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
