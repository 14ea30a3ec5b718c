//! Delivery of job ids out of the library itself: the port `JobQueue`.
//!
//! One row a job and lane. A row that a worker holds is out of line until its time is over; delivered again meanwhile,
//! it goes back in line when that worker acknowledges, so that nothing is received by two at once and nothing is lost.

use std::time::Duration;

use async_trait::async_trait;
use ids_core::error::StoreError;
use ids_core::id::{JobId, OrganizationId};
use ids_core::job::{JobRef, Lane, QueueName};
use ids_core::limits::DELIVERY_VISIBILITY;
use ids_core::ports::{Delivery, JobQueue};
use ids_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::{Durability, WriteTx};
use crate::error::DbResult;
use crate::library::SqliteLibrary;
use crate::rows::Id;

/// What stands at the head of a lane.
enum Head {
    /// Something is due.
    Due,
    /// Nothing before that time.
    Later(Timestamp),
    /// Nothing at all.
    Empty,
}

fn deliver(
    tx: &mut WriteTx<'_>,
    queue: QueueName,
    lane: Lane,
    job: JobRef,
    rank: i64,
    delay: Duration,
) -> DbResult<()> {
    tx.prepare_cached(include_str!("../queries/deliver_job.sql"))?
        .execute(params![
            job.organization.to_blob(),
            job.job_id.to_blob(),
            queue.as_str(),
            lane.as_str(),
            rank,
            tx.now().plus(delay).as_micros(),
            tx.now().as_micros(),
        ])?;
    tx.arrived(queue, lane);
    Ok(())
}

fn head(tx: &Connection, queue: QueueName, lane: Lane, now: Timestamp) -> DbResult<Head> {
    let next: Option<i64> = tx
        .prepare_cached(
            "select min(max(available_at, coalesce(held_until, available_at))) from deliveries
             where queue = ?1 and lane = ?2",
        )?
        .query_row(params![queue.as_str(), lane.as_str()], |row| row.get(0))?;
    Ok(match next.map(Timestamp::from_micros) {
        None => Head::Empty,
        Some(due) if due <= now => Head::Due,
        Some(due) => Head::Later(due),
    })
}

fn take(tx: &mut WriteTx<'_>, queue: QueueName, lane: Lane, worker: &str) -> DbResult<Option<Delivery>> {
    let now = tx.now();
    let taken = tx
        .prepare_cached(include_str!("../queries/receive_delivery.sql"))?
        .query_row(
            params![
                queue.as_str(),
                lane.as_str(),
                now.as_micros(),
                now.plus(DELIVERY_VISIBILITY).as_micros(),
                worker,
            ],
            |row| {
                let number: i64 = row.get(2)?;
                let received: i64 = row.get(3)?;
                Ok(Delivery {
                    job: JobRef {
                        organization: OrganizationId::from_blob(row.get(0)?),
                        job_id: JobId::from_blob(row.get(1)?),
                    },
                    queue,
                    lane,
                    receipt: format!("{number}-{received}"),
                })
            },
        )
        .optional()?;
    if taken.is_some() && matches!(head(tx, queue, lane, now)?, Head::Due) {
        // One wake-up may have stood for several arrivals: pass it on.
        tx.arrived(queue, lane);
    }
    Ok(taken)
}

/// The delivery's row and how often it was received, out of its receipt.
fn parse_receipt(receipt: &str) -> Option<(i64, i64)> {
    let (number, received) = receipt.split_once('-')?;
    Some((number.parse().ok()?, received.parse().ok()?))
}

fn extend(tx: &mut WriteTx<'_>, receipt: &str) -> DbResult<()> {
    let Some((number, received)) = parse_receipt(receipt) else {
        return Ok(());
    };
    tx.prepare_cached(
        "update deliveries set held_until = ?3
         where delivery_no = ?1 and received_count = ?2 and held_until is not null",
    )?
    .execute(params![
        number,
        received,
        tx.now().plus(DELIVERY_VISIBILITY).as_micros()
    ])?;
    Ok(())
}

fn ack(tx: &mut WriteTx<'_>, delivery: &Delivery) -> DbResult<()> {
    let Some((number, received)) = parse_receipt(&delivery.receipt) else {
        return Ok(());
    };
    let again = tx
        .prepare_cached(
            "update deliveries set available_at = again_at, rank = again_rank, again_at = null, again_rank = null,
                 held_until = null, worker = null
             where delivery_no = ?1 and received_count = ?2 and held_until is not null and again_at is not null",
        )?
        .execute(params![number, received])?;
    if again > 0 {
        tx.arrived(delivery.queue, delivery.lane);
        return Ok(());
    }
    tx.prepare_cached(
        "delete from deliveries where delivery_no = ?1 and received_count = ?2 and held_until is not null",
    )?
    .execute(params![number, received])?;
    Ok(())
}

#[async_trait]
impl JobQueue for SqliteLibrary {
    async fn deliver(
        &self,
        queue: QueueName,
        lane: Lane,
        job: JobRef,
        rank: i64,
        delay: Duration,
    ) -> Result<(), StoreError> {
        self.database
            .write(Durability::Process, move |tx| {
                deliver(tx, queue, lane, job, rank, delay)
            })
            .await
    }

    async fn receive(
        &self,
        queue: QueueName,
        lane: Lane,
        worker: &str,
        wait: Duration,
    ) -> Result<Option<Delivery>, StoreError> {
        let deadline = tokio::time::Instant::now() + wait;
        let arrival = self.database.shared.arrival(queue, lane);
        loop {
            // Registered before the look: what arrives between look and wait wakes us.
            let mut arrived = std::pin::pin!(arrival.notified());
            arrived.as_mut().enable();
            let now = self.database.shared.clock.now();
            let head = self.database.read(move |tx| head(tx, queue, lane, now)).await?;
            if let Head::Due = head {
                let worker = worker.to_owned();
                let taken = self
                    .database
                    .write(Durability::Process, move |tx| take(tx, queue, lane, &worker))
                    .await?;
                if taken.is_some() {
                    return Ok(taken);
                }
                // Someone else was faster: look again, for what stands behind it.
                continue;
            }
            let until = match head {
                Head::Later(due) => deadline.min(tokio::time::Instant::now() + due.since(now)),
                Head::Due | Head::Empty => deadline,
            };
            // Being dropped here loses nothing: an unused wake-up passes to the next who waits.
            let woken = tokio::time::timeout_at(until, arrived).await.is_ok();
            if !woken && tokio::time::Instant::now() >= deadline {
                return Ok(None);
            }
        }
    }

    async fn extend(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let receipt = delivery.receipt.clone();
        self.database
            .write(Durability::Process, move |tx| extend(tx, &receipt))
            .await
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let delivery = delivery.clone();
        self.database
            .write(Durability::Process, move |tx| ack(tx, &delivery))
            .await
    }

    async fn waiting(&self, queue: QueueName, lane: Lane) -> Result<u64, StoreError> {
        self.database
            .read(move |tx| {
                let now = tx.shared.clock.now().as_micros();
                let count: i64 = tx
                    .prepare_cached(
                        "select count(*) from deliveries where queue = ?1 and lane = ?2 and available_at <= ?3
                         and (held_until is null or held_until <= ?3)",
                    )?
                    .query_row(params![queue.as_str(), lane.as_str(), now], |row| row.get(0))?;
                Ok(count.unsigned_abs())
            })
            .await
    }
}
