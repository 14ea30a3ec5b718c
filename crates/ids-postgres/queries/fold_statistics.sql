-- Moves the differences of an organization into the sums they belong to, in one statement: whoever reads sees all of them on one
-- side or all on the other. In the order of the key, so that neighbors lie on one page.
with gone as (
    delete from term_statistic_deltas
    where organization_no = (select o.organization_no from organizations o where o.organization_id = $1)
    returning organization_no, term, chunks
)
insert into term_statistics as kept (organization_no, term, chunks)
select organization_no, term, sum(chunks) from gone
group by organization_no, term having sum(chunks) <> 0
order by organization_no, term
on conflict (organization_no, term) do update set chunks = kept.chunks + excluded.chunks
