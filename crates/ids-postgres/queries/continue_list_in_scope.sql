-- As continue_list.sql, of the blocks in scope that are left.
select p.first_chunk_id, p.chunks from postings p
where p.organization_no = (select o.organization_no from organizations o where o.organization_id = $1)
  and p.term = $2 and p.first_chunk_id = any($3)
order by p.first_chunk_id limit $4
