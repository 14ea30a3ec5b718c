-- Takes a job that is free and due: waiting, or left by a worker whose lease ran out. The token rises, so that whoever
-- held it before is refused; the try counts from here, so that one that kills its worker counts too.
-- Of several who ask at once one gets the row's lock; the others then look at the row again, and find it taken.
update jobs j
set status = 'started', lease_token = j.lease_token + 1, lease_expires_at = $4, worker = $5, attempts = j.attempts + 1,
    started_at = coalesce(j.started_at, $3)
from versions v, documents d
where j.job_id = $1 and j.organization_id = $2
  and ((j.status in ('queued', 'deferred') and j.available_at <= $3)
       or (j.status = 'started' and j.lease_expires_at <= $3))
  and v.version_no = j.version_no and d.document_id = j.document_id
returning j.lease_token, j.attempts, j.progress,
    v.version_id, v.document_id, v.blob_key, v.filename, v.content_type, v.file_size, v.file_hash,
    coalesce(d.title_given, v.title_own), v.stage, v.page_count, v.chunk_count, v.embedded_count
