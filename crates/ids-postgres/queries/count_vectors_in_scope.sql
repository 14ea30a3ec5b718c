-- Whether the versions in scope have fewer than $3 vectors of a model, counted out of the key and no further than that.
select count(*) < $3 from (
    select 1 from embeddings e
    where e.organization_id = $1 and e.model_no = $2 and e.version_no = any($4)
    order by e.version_no limit $3
) counted
