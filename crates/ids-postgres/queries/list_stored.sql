-- All documents in the order of ingestion, on which ranking depends: by the first chunk of the visible version.
select d.document_id, d.updated_at,
    exists (
        select 1 from jobs j
        where j.organization_id = $1 and j.document_id = d.document_id and j.status in ('queued', 'started', 'deferred')
    ),
    d.status = 'awaiting_upload'
from documents d
left join versions v on v.version_no = d.visible_version_no and v.chunk_count > 0
where d.organization_id = $1
order by v.first_chunk_id nulls last, d.document_id
