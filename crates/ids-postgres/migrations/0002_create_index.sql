-- The chunks of a version come in one run: `chunk_id` is the number of the run times 2^20, plus the chunk's index. So ids follow
-- each other within a version, rise in the order of ingestion, are never reused, and two versions that are stored at once do
-- not mix. Up to this number of runs they are exact as numbers of JSON.
create sequence chunk_runs as bigint maxvalue 8589934591;

-- Null before its chunks are stored; they are it and the `chunk_count - 1` ids after it, by chunk index.
alter table versions add column first_chunk_id bigint;
create unique index versions_first_chunk_unique on versions (first_chunk_id) where first_chunk_id is not null;
-- Versions whose vectors are being made, of which some are not visible yet.
create index versions_embedding on versions (organization_id) where stage = 'chunked' and embedded_count > 0;

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

-- The column `vector` comes below. Each model's HNSW index is made when the model is met first (`src/models.rs`).
create table embeddings (
    chunk_id bigint not null,
    model_no integer not null,
    organization_id uuid not null,
    version_no bigint not null,
    constraint embeddings_key primary key (chunk_id, model_no),
    constraint embeddings_chunk foreign key (chunk_id) references chunks (chunk_id),
    constraint embeddings_model foreign key (model_no) references embedding_models (model_no)
-- A vector stands in the row, up to what a page can hold: one kept apart doubles the cost of an exact scan.
) with (toast_tuple_target = 8160);
create index embeddings_by_version on embeddings (organization_id, model_no, version_no);

-- Half precision holds the very bits of the domain; before pgvector 0.7 single precision does, at twice the size. The setting is
-- for tests of the latter.
do $$
begin
    if to_regtype('halfvec') is null or current_setting('ids.vectors', true) = 'single' then
        alter table embeddings add column vector vector not null;
    else
        alter table embeddings add column vector halfvec not null;
    end if;
end
$$;

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
