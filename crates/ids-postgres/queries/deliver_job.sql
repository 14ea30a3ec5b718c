-- Puts a job in line, or moves it: a row that nobody holds takes the new rank and time; one that a worker holds stays
-- his, and notes that it is to come back in line when he acknowledges.
insert into deliveries as d (organization_id, job_id, queue, lane, rank, available_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (job_id, queue, lane) do update set
    rank = case when d.held_until > $7 then d.rank else excluded.rank end,
    available_at = case when d.held_until > $7 then d.available_at else excluded.available_at end,
    again_at = case when d.held_until > $7 then excluded.available_at end,
    again_rank = case when d.held_until > $7 then excluded.rank end,
    worker = case when d.held_until > $7 then d.worker end,
    held_until = case when d.held_until > $7 then d.held_until end
