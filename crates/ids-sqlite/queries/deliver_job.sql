-- Puts a job in line, or moves it: a row that nobody holds takes the new rank and time; one that a worker holds stays
-- his, and notes that it is to come back in line when he acknowledges.
insert into deliveries (organization_id, job_id, queue, lane, rank, available_at)
values (?1, ?2, ?3, ?4, ?5, ?6)
on conflict (job_id, queue, lane) do update set
    rank = case when held_until > ?7 then rank else excluded.rank end,
    available_at = case when held_until > ?7 then available_at else excluded.available_at end,
    again_at = case when held_until > ?7 then excluded.available_at end,
    again_rank = case when held_until > ?7 then excluded.rank end,
    worker = case when held_until > ?7 then worker end,
    held_until = case when held_until > ?7 then held_until end
