-- Ends a try, for the holder of the newest lease only. An end keeps `ended_at`, another try gets its time.
update cleanup_jobs
set status = ?4, lease_token = lease_token + 1, lease_expires_at = null, worker = null, removed = ?5,
    failure_code = ?6, failure_message = ?7, failure_retry = ?8,
    available_at = coalesce(?9, available_at), ended_at = case when ?9 is null then ?10 end
where job_id = ?1 and organization_id = ?2 and lease_token = ?3 and status = 'started'
