-- Whether an organization has fewer than $3 visible vectors of a model, counted out of the key and no further than that. Those of
-- versions that are not visible yet are among them; there are few, and as many more may be counted. Sorted, so that the planner
-- keeps to the key where the organization owns most of the table.
with unseen as (
    select coalesce(sum(v.embedded_count), 0) as vectors from versions v
    where v.organization_id = $1 and v.stage = 'chunked' and v.embedded_count > 0
      and not exists (select 1 from documents d where d.visible_version_no = v.version_no)
)
select count(*) < $3 + (select vectors from unseen) from (
    select 1 from embeddings e
    where e.organization_id = $1 and e.model_no = $2
    order by e.version_no limit $3 + (select vectors from unseen)
) counted
