-- The version behind a lease: only while the job runs, under its newest token, and while the version is there.
select v.version_no, v.organization_id, v.document_id, d.collection_no, v.stage, v.first_chunk_id, v.chunk_count,
       v.text_hash, d.visible_version_no
from jobs j
join versions v on v.version_no = j.version_no
join documents d on d.document_id = j.document_id
where j.job_id = ?1 and j.organization_id = ?2 and j.lease_token = ?3 and j.status = 'started' and v.version_id = ?4
