//! How long after kill -9 of a worker its job runs elsewhere.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ids_core::eval::percentile;
use tokio_postgres::Client;

use crate::Options;
use crate::http::{Connection, Request};
use crate::report::Report;
use crate::shape::{Process, Services, upload};

/// Pages of the document: long enough that it is not over before the worker is killed.
const PAGES: usize = 300;
/// How often the job is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How the worker ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Killed,
    Terminated,
}

pub async fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let pdf = crate::texts::pdf(options, PAGES)?;
    let services = Services::start().await?;
    let api = services.api(&options.ids)?;
    let mut workers = [
        services.worker(&options.ids, "a")?,
        services.worker(&options.ids, "b")?,
    ];
    let (sql, _driver) = services.sql().await?;
    for (end, what) in [
        (End::Killed, "kill -9 of a worker to its job in another one"),
        (End::Terminated, "SIGTERM of a worker to its job in another one"),
    ] {
        let mut times = Vec::new();
        for round in 0..options.rounds {
            let mut connection = Connection::open(&api.address).await?;
            let name = format!("{end:?}-{round}.pdf");
            // The same bytes would be a duplicate: what stands after its end is no part of a PDF.
            let mut content = pdf.clone();
            content.extend_from_slice(name.as_bytes());
            let document = upload(&mut connection, &name, &content).await?;
            times.push(round_of(&services, options, &sql, &mut workers, &document, end).await?);
            let delete = Request::delete(&format!("/api/v1/documents/{document}"));
            connection.ask(&delete).await?.json()?;
        }
        let worst = percentile(&mut times.clone(), 100.0);
        report.server(format!("{what}, median"), "s", percentile(&mut times, 50.0));
        report.server(format!("{what}, worst"), "s", worst);
    }
    Ok(())
}

async fn round_of(
    services: &Services,
    options: &Options,
    sql: &Client,
    workers: &mut [Process; 2],
    document: &str,
    end: End,
) -> Result<f64> {
    // In the midst of embedding, which is where a long job spends its time.
    let (holder, lease) = loop {
        let held = holder(sql, document).await?;
        if let Some((worker, lease, progress)) = held
            && progress >= 60
        {
            break (worker, lease);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let at = usize::from(holder.starts_with("b-"));
    let begun = Instant::now();
    match end {
        End::Killed => workers[at].kill(),
        End::Terminated => workers[at].terminate()?,
    }
    loop {
        if let Some((worker, now, _)) = holder_of_other(sql, document, lease).await?
            && worker != holder
        {
            let seconds = begun.elapsed().as_secs_f64();
            eprintln!("lease {lease} of {holder}: lease {now} of {worker} after {seconds:.1} s");
            workers[at].kill();
            workers[at] = services.worker(&options.ids, ["a", "b"][at])?;
            return Ok(seconds);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn holder_of_other(sql: &Client, document: &str, lease: i64) -> Result<Option<(String, i64, i32)>> {
    Ok(holder(sql, document).await?.filter(|(_, now, _)| *now > lease))
}

/// Who works on the document, by which lease, and how far it is in percent.
async fn holder(sql: &Client, document: &str) -> Result<Option<(String, i64, i32)>> {
    let id: uuid::Uuid = document.parse()?;
    let row = sql
        .query_opt(
            "select worker, lease_token, progress from jobs where document_id = $1 and status = 'started'",
            &[&id],
        )
        .await?;
    row.map(|row| {
        let worker: Option<String> = row.try_get(0)?;
        let worker = worker.context("a started job has a worker")?;
        Ok((worker, row.try_get(1)?, row.try_get(2)?))
    })
    .transpose()
}
