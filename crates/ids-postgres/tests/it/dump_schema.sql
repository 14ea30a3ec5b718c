-- What the catalog says of the tables, sequences and functions of a schema: the table, and a line of text.
with relations as (
    select c.oid, c.relname::text as name, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.reloptions
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relkind in ('r', 'p', 'S', 'v', 'm')
)
select name, format('%s security %s %s options %s', relkind, relrowsecurity, relforcerowsecurity, reloptions) from relations
union all
select r.name, format('column %s %s %s not null %s default %s identity %s collation %s storage %s', a.attnum, a.attname,
    format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, l.collname,
    a.attstorage)
from relations r
join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join pg_collation l on l.oid = a.attcollation
where r.relkind <> 'S'
union all
select r.name, format('constraint %s %s', c.conname, pg_get_constraintdef(c.oid))
from relations r join pg_constraint c on c.conrelid = r.oid
union all
select r.name, pg_get_indexdef(i.indexrelid)
from relations r join pg_index i on i.indrelid = r.oid
union all
select r.name, format('policy %s %s %s %s %s', p.polname, p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid),
    pg_get_expr(p.polwithcheck, p.polrelid))
from relations r join pg_policy p on p.polrelid = r.oid
union all
select r.name, format('sequence from %s by %s to %s cycles %s', s.seqstart, s.seqincrement, s.seqmax, s.seqcycle)
from relations r join pg_sequence s on s.seqrelid = r.oid
union all
select r.name, pg_get_triggerdef(t.oid)
from relations r join pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal
union all
select 'function ' || p.proname, pg_get_functiondef(p.oid)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = $1
order by 1, 2
