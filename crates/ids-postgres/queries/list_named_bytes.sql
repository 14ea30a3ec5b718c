-- Bytes that the rows of one organization name: of versions, and of uploads that are not accepted yet. The hash is that of the
-- bytes that lie there, which may be a copy of those that were sent.
select v.blob_key, v.version_id, coalesce(v.kept_hash, v.file_hash), v.file_size,
    exists (select 1 from jobs j
            where j.document_id = v.document_id and j.version_no = v.version_no and j.organization_id = v.organization_id
                and j.status in ('queued', 'started', 'deferred')) as is_in_work
from versions v where v.organization_id = $1 and v.blob_key is not null
union all
select u.blob_key, null, u.file_hash, u.file_size, false
from uploads u where u.organization_id = $1 and u.state <> 'processed'
order by 1
