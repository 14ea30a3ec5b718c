-- Takes the first of a lane that is due and that nobody holds (any more): smallest rank, then first come. One that another
-- worker takes at this moment is passed over, not waited for.
-- The count of receptions is part of the receipt, so that a worker who came too late cannot acknowledge for the next.
update deliveries
set received_count = received_count + 1, worker = $5, held_until = $4, again_at = null, again_rank = null
where delivery_no = (
    select delivery_no from deliveries
    where queue = $1 and lane = $2 and available_at <= $3 and (held_until is null or held_until <= $3)
    order by rank, delivery_no limit 1
    for update skip locked
)
returning organization_id, job_id, delivery_no, received_count
