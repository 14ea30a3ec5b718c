-- 99,900 chunks in 4,995 documents of one organization, and 100 chunks in 5 documents of another: as if they had been ingested, but in seconds.
-- $model is the number of the model, whose index is there; the vectors have eight values.
insert into organizations (organization_id, name, created_at)
values ('00000000-0000-0000-0000-00000000beef', 'small', 0);

-- One row a document: whose it is, and a number that gives everything else.
create temporary table made as
select i as n, case when i % 1000 = 0 then 'beef' else '0001' end as whose, i::bigint << 20 as first_chunk_id
from generate_series(11, 5010) i;

create function pg_temp.organization(whose text) returns uuid language sql immutable as
    $$ select ('00000000-0000-0000-0000-00000000' || whose)::uuid $$;
create function pg_temp.id(kind integer, n bigint) returns uuid language sql immutable as
    $$ select ('00000000-0000-' || lpad(kind::text, 4, '0') || '-0000-' || lpad(to_hex(n), 12, '0'))::uuid $$;

create procedure pg_temp.fill(whose_rows text) language plpgsql as $$
declare
    o uuid := pg_temp.organization(whose_rows);
    number integer := (select organization_no from organizations where organization_id = o);
    place bigint;
begin
    perform set_config('ids.organization', o::text, false);
    insert into collections (organization_id, name, created_at) values (o, 'default', 0) returning collection_no into place;
    insert into documents (document_id, organization_id, collection_no, title, title_folded, filename, filename_folded,
        content_type, file_size, status, job_id, visible_version_no, newest_version_no, created_at, updated_at)
    select pg_temp.id(1, n), o, place, 't', 't', n || '.txt', n || '.txt', 'text/plain', 1, 'completed', pg_temp.id(3, n), n, n, n, n
    from made where whose = whose_rows;
    insert into document_tags (document_id, organization_id, position, tag)
    select pg_temp.id(1, n), o, 0, 'tag' || n % 50 from made where whose = whose_rows;
    insert into versions (version_no, version_id, organization_id, document_id, filename, content_type, file_size, file_hash,
        text_hash, stage, page_count, first_chunk_id, chunk_count, embedded_count, created_at) overriding system value
    select n, pg_temp.id(2, n), o, pg_temp.id(1, n), n || '.txt', 'text/plain', 1, sha256(n::text::bytea), sha256(n::text::bytea),
        'completed', 1, first_chunk_id, 20, 20, n
    from made where whose = whose_rows;
    insert into jobs (job_id, organization_id, document_id, version_id, version_no, queue, status, available_at, current_step,
        created_at)
    select pg_temp.id(3, n), o, pg_temp.id(1, n), pg_temp.id(2, n), n, 'document_processing', 'finished', n, 'completed', n
    from made where whose = whose_rows;
    insert into pages (version_no, page_number, organization_id, text, blocks, lines)
    select n, 1, o, 'p', '', '' from made where whose = whose_rows;
    -- Terms: `rall` once, as the codec writes it. Spans: the first character of page 1.
    insert into chunks (chunk_id, organization_id, version_no, chunk_index, length, terms, content, spans)
    select first_chunk_id + i, o, n, i, 1, '\x000472616c6c01', 'c ' || repeat('content ', 80), '\x010001'
    from made, generate_series(0, 19) i where whose = whose_rows;
    -- One term in all chunks, one in all chunks of every second document, 40 in the first chunk of some, one in one chunk.
    insert into postings (organization_no, term, first_chunk_id, chunks)
    select number, t.term, first_chunk_id, t.chunks from made
    cross join lateral (
        select 'rall', ('\x00' || repeat('01', 19))::bytea
        union all select 'rhalf', ('\x00' || repeat('01', 19))::bytea where n % 2 = 0
        union all select 'rone' || n, '\x03'
        union all select 'rsome' || (n * i) % 2000, '\x00' from generate_series(1, 40) i group by 1
    ) t (term, chunks)
    where whose = whose_rows;
    insert into term_statistics (organization_no, term, chunks)
    select organization_no, term, sum(octet_length(chunks)) from postings
    where organization_no = number and first_chunk_id > 10::bigint << 20 group by 1, 2
    union all select number, '#chunks', count(*) from chunks where organization_id = o and version_no > 10
    union all select number, '#length', count(*) from chunks where organization_id = o and version_no > 10;
    -- As many differences as come together before they are folded.
    insert into term_statistic_deltas (organization_no, term, chunks)
    select number, 'rsome' || (n * i) % 2000, 0 from made, generate_series(1, 40) i where n < 600
    union all select number, '#chunks', 0 from generate_series(1, 60);
    insert into embeddings (chunk_id, model_no, organization_id, version_no, vector)
    select c.chunk_id, $model, o, c.version_no, l2_normalize(array[random() - .5, random() - .5, random() - .5, random() - .5,
        random() - .5, random() - .5, random() - .5, random() - .5]::real[]::vector)::halfvec
    from chunks c where c.organization_id = o and c.version_no > 10;
    insert into sessions (session_id, organization_id, title, title_folded, message_count, created_at, updated_at)
    select pg_temp.id(4, n), o, 't', 't', 1, n, n from made where whose = whose_rows;
    insert into messages (message_id, session_id, organization_id, content, content_folded, created_at)
    select pg_temp.id(5, n), pg_temp.id(4, n), o, 'm', 'm', n from made where whose = whose_rows;
    insert into answer_usage (organization_id, prompt_tokens, completion_tokens, answered_at)
    select o, 1, 1, n from made where whose = whose_rows;
    insert into usage_documents (usage_no, position, organization_id, document_id, prompt_tokens, completion_tokens, cost_micros)
    select u.usage_no, 0, o, pg_temp.id(1, u.usage_no), 1, 1, 1 from answer_usage u where u.organization_id = o;
    insert into reservations (reservation_id, organization_id, model, month_from, currency, amount_micros, prompt_tokens,
        completion_tokens, is_price_known, document_ids, reserved_at)
    select pg_temp.id(7, n), o, 'm', 0, 'USD', 1, 1, 1, true, '{}', n from made where whose = whose_rows;
    insert into deliveries (organization_id, job_id, queue, lane, rank, available_at)
    select o, pg_temp.id(3, n), 'document_processing', 'prepare', n, 0
    from made where whose = whose_rows;
    insert into api_keys (key_id, organization_id, key_hash, hint, permissions, created_at)
    select pg_temp.id(6, n), o, sha256(('key' || n)::bytea), 'h', 'search', n from made where whose = whose_rows;
end
$$;
call pg_temp.fill('0001');
call pg_temp.fill('beef');
select setval('chunk_runs', 10000), setval(pg_get_serial_sequence('versions', 'version_no'), 10000);
