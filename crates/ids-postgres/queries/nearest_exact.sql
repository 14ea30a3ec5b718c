-- The nearest of an organization's visible vectors of a model, by looking at each.
select e.chunk_id, (e.vector <#> $3)::float8 as distance
from embeddings e
where e.organization_id = $1 and e.model_no = $2
  and exists (select 1 from documents d where d.visible_version_no = e.version_no and d.organization_id = $1)
order by distance limit $4
