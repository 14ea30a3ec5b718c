-- The first blocks of several posting lists, each out of the key alone. The lateral limit makes the server stop at each list.
select asked.place, p.first_chunk_id, p.chunks
from unnest($2::text[]) with ordinality as asked (term, place)
cross join lateral (
    select p.first_chunk_id, p.chunks from postings p
    where p.organization_no = (select o.organization_no from organizations o where o.organization_id = $1)
      and p.term = asked.term
    order by p.first_chunk_id limit $3
) p
order by asked.place, p.first_chunk_id
