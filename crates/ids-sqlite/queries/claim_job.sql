-- Takes a job that is free and due: waiting, or left by a worker whose lease ran out. The token rises, so that whoever
-- held it before is refused; the try counts from here, so that one that kills its worker counts too.
update jobs
set status = 'started', lease_token = lease_token + 1, lease_expires_at = ?4, worker = ?5, attempts = attempts + 1,
    started_at = coalesce(started_at, ?3)
where job_id = ?1 and organization_id = ?2
  and ((status in ('queued', 'deferred') and available_at <= ?3)
       or (status = 'started' and lease_expires_at <= ?3))
  and exists (select 1 from versions v where v.version_no = jobs.version_no)
returning lease_token, attempts, progress
