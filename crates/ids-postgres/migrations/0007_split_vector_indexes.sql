-- The index of a model's vectors becomes eight, each over a part of them (docs/adr/0008). Binaries of before find none and
-- read all vectors.
do $$
declare
    old record;
begin
    for old in
        select 'embeddings_hnsw_' || m.model_no as name, pg_get_indexdef(c.oid) as definition
        from embedding_models m
        join pg_class c on c.oid = to_regclass('embeddings_hnsw_' || m.model_no)
    loop
        for part in 0..7 loop
            execute replace(old.definition, old.name || ' ', old.name || '_' || part || ' ')
                || ' and ((chunk_id >> 20) + chunk_id) % 8 = ' || part;
        end loop;
        execute 'drop index ' || old.name;
    end loop;
end $$;
