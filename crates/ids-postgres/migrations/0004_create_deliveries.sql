-- No row level security: a worker takes what comes next, of whichever organization, and learns from the row in whose name the job
-- is to be done. Ids only.
create table deliveries (
    -- Never reused, so that a receipt names one delivery for ever.
    delivery_no bigint not null generated always as identity,
    organization_id uuid not null,
    job_id uuid not null,
    queue text not null,
    lane text not null,
    rank bigint not null,
    available_at bigint not null,
    -- How often it was received: part of the receipt, so that a late `ack` cannot take it from the next worker.
    received_count integer not null default 0,
    worker text,
    held_until bigint,
    -- Delivered again while a worker held it: the acknowledgement puts it back in line instead of removing it.
    again_at bigint,
    again_rank bigint,
    constraint deliveries_key primary key (delivery_no),
    constraint deliveries_job_unique unique (job_id, queue, lane),
    constraint deliveries_again_is_whole check ((again_at is null) = (again_rank is null))
);
create index deliveries_in_line on deliveries (queue, lane, rank, delivery_no);
