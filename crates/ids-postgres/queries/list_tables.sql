-- The tables of a schema that belong to whom its list of migrations belongs to, with the columns that are stored and not computed,
-- and whether row level security stands before their rows. Extensions bring tables of their own.
select c.relname::text, c.relrowsecurity,
    (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
    coalesce((select array_agg(distinct p.relname::text) from pg_constraint f join pg_class p on p.oid = f.confrelid
     where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid), '{}') as parents
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_class m on m.relnamespace = n.oid and m.relname = 'schema_migrations' and m.relowner = c.relowner
where n.nspname = $1 and c.relkind in ('r', 'p')
    and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')
order by c.relname
