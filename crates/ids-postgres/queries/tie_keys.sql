-- What orders the chunks of visible versions among equals, by first chunk. The lateral limit keeps to the two indexes whatever the
-- planner thinks of the number of versions.
select run.first_chunk_id, v.file_hash, v.collection, v.filename
from unnest($2::int8[]) as run (first_chunk_id)
cross join lateral (
    select v.file_hash, c.name as collection, v.filename
    from versions v
    join documents d on d.visible_version_no = v.version_no
    join collections c on c.collection_no = d.collection_no
    where v.first_chunk_id = run.first_chunk_id and v.organization_id = $1
    limit 1
) v
