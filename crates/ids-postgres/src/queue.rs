//! Delivery of job ids out of the library itself: the port `JobQueue` where there is no Redis.
//!
//! One row a job and lane. A row that a worker holds is out of line until its time is over; delivered again meanwhile,
//! it goes back in line when that worker acknowledges, so that nothing is received by two at once and nothing is lost.
//!
//! A delivery of this process wakes a receiver at once; those of other processes are seen within [`POLL`].

use std::time::Duration;

use async_trait::async_trait;
use ids_core::error::StoreError;
use ids_core::job::{JobRef, Lane, QueueName};
use ids_core::limits::DELIVERY_VISIBILITY;
use ids_core::ports::{Delivery, JobQueue};
use ids_core::time::Timestamp;

use crate::error::DbResult;
use crate::library::PostgresLibrary;
use crate::rows::{Columns, Id};
use crate::transaction::Tx;

/// How often a waiting receiver looks for what other processes delivered: one short statement a worker and lane. Listening would
/// take a connection of its own in every process, which a pooler between us and the server does not allow.
const POLL: Duration = Duration::from_secs(1);

/// And how soon again when what is due is in another's hands at this moment.
const SOON: Duration = Duration::from_millis(5);

/// What a look at a lane found.
enum Found {
    /// The next one, which is this worker's now, and whether more are due.
    Taken(Delivery, bool),
    /// Nothing before that time.
    Later(Timestamp),
    /// Nothing at all.
    Nothing,
}

async fn deliver(
    tx: &Tx<'_>,
    (queue, lane): (QueueName, Lane),
    job: JobRef,
    rank: i64,
    delay: Duration,
) -> DbResult<()> {
    tx.execute(
        include_str!("../queries/deliver_job.sql"),
        &[
            &job.organization.to_uuid(),
            &job.job_id.to_uuid(),
            &queue.as_str(),
            &lane.as_str(),
            &rank,
            &tx.now().plus(delay).as_micros(),
            &tx.now().as_micros(),
        ],
    )
    .await?;
    Ok(())
}

async fn take(tx: &Tx<'_>, queue: QueueName, lane: Lane, worker: &str) -> DbResult<Found> {
    let now = tx.now();
    let taken = tx
        .query_opt(
            include_str!("../queries/receive_delivery.sql"),
            &[
                &queue.as_str(),
                &lane.as_str(),
                &now.as_micros(),
                &now.plus(DELIVERY_VISIBILITY).as_micros(),
                &worker,
            ],
        )
        .await?;
    let Some(row) = taken else {
        let next = next_due(tx, queue, lane).await?;
        return Ok(next.map_or(Found::Nothing, Found::Later));
    };
    let mut columns = Columns::new(&row, "deliveries");
    let job = JobRef {
        organization: columns.id()?,
        job_id: columns.id()?,
    };
    let (number, received): (i64, i32) = (columns.get()?, columns.get()?);
    let delivery = Delivery {
        job,
        queue,
        lane,
        receipt: format!("{number}-{received}"),
    };
    let more = tx
        .query_opt(
            "select 1 from deliveries
             where queue = $1 and lane = $2 and available_at <= $3 and (held_until is null or held_until <= $3)
             order by rank, delivery_no limit 1",
            &[&queue.as_str(), &lane.as_str(), &now.as_micros()],
        )
        .await?
        .is_some();
    Ok(Found::Taken(delivery, more))
}

/// When the next of a lane is due.
async fn next_due(tx: &Tx<'_>, queue: QueueName, lane: Lane) -> DbResult<Option<Timestamp>> {
    let next: Option<i64> = tx
        .query_one(
            "select min(greatest(available_at, coalesce(held_until, available_at))) from deliveries
             where queue = $1 and lane = $2",
            &[&queue.as_str(), &lane.as_str()],
        )
        .await?
        .try_get(0)?;
    Ok(next.map(Timestamp::from_micros))
}

/// The delivery's row and how often it was received, out of its receipt.
fn parse_receipt(receipt: &str) -> Option<(i64, i32)> {
    let (number, received) = receipt.split_once('-')?;
    Some((number.parse().ok()?, received.parse().ok()?))
}

async fn extend(tx: &Tx<'_>, receipt: &str) -> DbResult<()> {
    let Some((number, received)) = parse_receipt(receipt) else {
        return Ok(());
    };
    tx.execute(
        "update deliveries set held_until = $3
         where delivery_no = $1 and received_count = $2 and held_until is not null",
        &[
            &number,
            &received,
            &tx.now().plus(DELIVERY_VISIBILITY).as_micros(),
        ],
    )
    .await?;
    Ok(())
}

/// Says whether it is back in line.
async fn ack(tx: &Tx<'_>, receipt: &str) -> DbResult<bool> {
    let Some((number, received)) = parse_receipt(receipt) else {
        return Ok(false);
    };
    // A delivery may come between the two: then nothing is deleted, and the second round puts it back in line.
    for _ in 0..2 {
        let again = tx
            .execute(
                "update deliveries set available_at = again_at, rank = again_rank, again_at = null, again_rank = null,
                     held_until = null, worker = null
                 where delivery_no = $1 and received_count = $2 and held_until is not null and again_at is not null",
                &[&number, &received],
            )
            .await?;
        if again > 0 {
            return Ok(true);
        }
        let gone = tx
            .execute(
                "delete from deliveries
                 where delivery_no = $1 and received_count = $2 and held_until is not null and again_at is null",
                &[&number, &received],
            )
            .await?;
        if gone > 0 {
            break;
        }
    }
    Ok(false)
}

#[async_trait]
impl JobQueue for PostgresLibrary {
    async fn deliver(
        &self,
        queue: QueueName,
        lane: Lane,
        job: JobRef,
        rank: i64,
        delay: Duration,
    ) -> Result<(), StoreError> {
        self.database
            .write_shared(|tx| Box::pin(deliver(tx, (queue, lane), job, rank, delay)))
            .await?;
        self.database.arrival(queue, lane).notify_one();
        Ok(())
    }

    async fn receive(
        &self,
        queue: QueueName,
        lane: Lane,
        worker: &str,
        wait: Duration,
    ) -> Result<Option<Delivery>, StoreError> {
        let deadline = tokio::time::Instant::now() + wait;
        let arrival = self.database.arrival(queue, lane);
        loop {
            // Registered before the look: what arrives between look and wait wakes us.
            let mut arrived = std::pin::pin!(arrival.notified());
            arrived.as_mut().enable();
            // Being dropped while this runs may leave the delivery with nobody, until its time is over.
            let found = self
                .database
                .write_shared(|tx| Box::pin(take(tx, queue, lane, worker)))
                .await?;
            let mut until = deadline.min(tokio::time::Instant::now() + POLL);
            match found {
                Found::Taken(delivery, more) => {
                    if more {
                        // One wake-up may have stood for several arrivals: pass it on.
                        arrival.notify_one();
                    }
                    return Ok(Some(delivery));
                }
                Found::Later(due) => {
                    let now = self.database.clock.now();
                    until = until.min(tokio::time::Instant::now() + due.since(now).max(SOON));
                }
                Found::Nothing => {}
            }
            // Being dropped here loses nothing: an unused wake-up passes to the next who waits.
            let woken = tokio::time::timeout_at(until, arrived).await.is_ok();
            if !woken && tokio::time::Instant::now() >= deadline {
                return Ok(None);
            }
        }
    }

    async fn extend(&self, delivery: &Delivery) -> Result<(), StoreError> {
        self.database
            .write_shared(|tx| Box::pin(extend(tx, &delivery.receipt)))
            .await
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let again = self
            .database
            .write_shared(|tx| Box::pin(ack(tx, &delivery.receipt)))
            .await?;
        if again {
            self.database.arrival(delivery.queue, delivery.lane).notify_one();
        }
        Ok(())
    }

    async fn waiting(&self, queue: QueueName, lane: Lane) -> Result<u64, StoreError> {
        self.database
            .read_shared(|tx| {
                Box::pin(async move {
                    let row = tx
                        .query_one(
                            "select count(*) from deliveries where queue = $1 and lane = $2 and available_at <= $3
                             and (held_until is null or held_until <= $3)",
                            &[&queue.as_str(), &lane.as_str(), &tx.now().as_micros()],
                        )
                        .await?;
                    Columns::new(&row, "deliveries").count()
                })
            })
            .await
    }
}
