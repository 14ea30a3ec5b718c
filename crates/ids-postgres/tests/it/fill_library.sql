-- 20,000 documents of the organization `default`, each with a version, a job and an upload; all done but every thousandth.
set session_replication_role = replica;
insert into collections (organization_id, name, created_at)
values ('00000000-0000-0000-0000-000000000001', 'default', 0);
insert into documents (document_id, organization_id, collection_no, source_path, title, title_folded, filename, filename_folded,
    content_type, file_size, status, job_id, visible_version_no, newest_version_no, created_at, updated_at)
select ('d' || lpad(to_hex(n), 31, '0'))::uuid, '00000000-0000-0000-0000-000000000001', 1, '/' || n, n, n, n, n, 'text/plain', n,
    'completed', ('a' || lpad(to_hex(n), 31, '0'))::uuid, n, n, n, n
from generate_series(1, 20000) n;
insert into versions (version_id, organization_id, document_id, blob_key, filename, content_type, file_size, file_hash,
    text_hash, page_count, stage, created_at)
select ('e' || lpad(to_hex(n), 31, '0'))::uuid, '00000000-0000-0000-0000-000000000001', ('d' || lpad(to_hex(n), 31, '0'))::uuid,
    'originals/' || n, n, 'text/plain', n, sha256(int4send(n)), sha256(int4send(n)), 1, 'completed', n
from generate_series(1, 20000) n;
insert into jobs (job_id, organization_id, document_id, version_id, version_no, queue, status, available_at, current_step,
    created_at)
select ('a' || lpad(to_hex(n), 31, '0'))::uuid, '00000000-0000-0000-0000-000000000001', ('d' || lpad(to_hex(n), 31, '0'))::uuid,
    ('e' || lpad(to_hex(n), 31, '0'))::uuid, n, 'document_processing', case when n % 1000 = 0 then 'queued' else 'finished' end, n,
    'completed', n
from generate_series(1, 20000) n;
insert into uploads (upload_id, organization_id, document_id, is_new_document, content_type, file_size, filename, blob_key,
    expires_at, state, job_id, created_at)
select ('b' || lpad(to_hex(n), 31, '0'))::uuid, '00000000-0000-0000-0000-000000000001', ('d' || lpad(to_hex(n), 31, '0'))::uuid, true,
    'text/plain', n, n, 'temp/' || n, n, case when n % 1000 = 0 then 'awaiting' else 'processed' end,
    case when n % 1000 <> 0 then ('a' || lpad(to_hex(n), 31, '0'))::uuid end, n
from generate_series(1, 20000) n;
insert into api_keys (key_id, organization_id, key_hash, hint, permissions, created_at)
select ('c' || lpad(to_hex(n), 31, '0'))::uuid, '00000000-0000-0000-0000-000000000001', sha256(int4send(n)), 'ids_AAAA', 'admin', n
from generate_series(1, 20000) n;
reset session_replication_role;
analyze;
