-- The nearest vectors of a model in the versions in scope, which are visible, by looking at each.
select e.chunk_id, (e.vector <#> $3)::float8 as distance
from embeddings e
where e.organization_id = $1 and e.model_no = $2 and e.version_no = any($5)
order by distance limit $4
