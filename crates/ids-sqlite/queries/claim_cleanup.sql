-- Takes a cleanup that is free and due, as `claim_job` takes a job: the token rises, so that whoever held it before is
-- refused, and the try counts from here.
update cleanup_jobs
set status = 'started', lease_token = lease_token + 1, lease_expires_at = ?4, worker = ?5, attempts = attempts + 1,
    started_at = coalesce(started_at, ?3)
where job_id = ?1 and organization_id = ?2
  and ((status in ('queued', 'deferred') and available_at <= ?3)
       or (status = 'started' and lease_expires_at <= ?3))
returning lease_token, attempts, task, older_than_micros
