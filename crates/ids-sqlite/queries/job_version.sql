-- The version that a job makes, as its worker sees it.
select v.version_id, v.document_id, v.blob_key, v.filename, v.content_type, v.file_size, v.file_hash,
       coalesce(d.title_given, v.title_own), v.stage, v.page_count, v.chunk_count, v.embedded_count
from jobs j
join versions v on v.version_no = j.version_no
join documents d on d.document_id = j.document_id
where j.job_id = ?1
