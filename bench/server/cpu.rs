//! How much CPU one request costs the process that answers it.

use anyhow::{Context, Result, ensure};
use ids_core::eval::percentile;

use crate::Options;
use crate::http::{Connection, Request, load};
use crate::process::cpu_seconds;
use crate::report::Report;
use crate::shape::{Embedded, Services, postgres_cpu};

/// Searches cost more than the others, so fewer say enough.
const SEARCHES_PER_REQUEST: usize = 4;

pub async fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let searches: Vec<Request> = crate::texts::queries(options, 200)?
        .iter()
        .map(|query| Request::search(query))
        .collect();
    let serve = Embedded::start(&options.ids)?;
    crate::memory::fill(options, &serve.process.address).await?;
    let answer = Connection::open(&serve.process.address)
        .await?
        .ask(&searches[0])
        .await?;
    let chunks = answer.json()?["total_chunks_searched"]
        .as_u64()
        .context("a number")?;
    let search = format!("hybrid search, {chunks} chunks");
    let kinds = [
        ("/live", vec![Request::get("/live")], options.requests),
        ("/health", vec![Request::get("/health")], options.requests),
        (
            "/api/v1/queue/health",
            vec![Request::get("/api/v1/queue/health")],
            options.requests,
        ),
        (search.as_str(), searches, options.requests / SEARCHES_PER_REQUEST),
    ];
    let services = Services::start().await?;
    let api = services.api(&options.ids)?;
    let worker = services.worker(&options.ids, "filler")?;
    crate::memory::fill(options, &api.address).await?;
    // Its connections would be counted as the API's.
    drop(worker);
    let (sql, _driver) = services.sql().await?;

    for (what, requests, total) in kinds {
        let mut cpu = Vec::new();
        let mut times = Vec::new();
        let mut database = 0.0;
        for process in [&serve.process, &api] {
            // The first ones warm what is kept between requests.
            load(&process.address, 1, &requests, 200).await?;
            let before = (cpu_seconds(process.pid())?, postgres_cpu(&sql, "ids").await?);
            let done = load(&process.address, 1, &requests, total).await?;
            ensure!(done.busy + done.failed == 0, "{what} failed");
            cpu.push((cpu_seconds(process.pid())? - before.0) / total as f64 * 1e3);
            database = (postgres_cpu(&sql, "ids").await? - before.1) / total as f64 * 1e3;
            let mut seconds = done.seconds;
            times.push(percentile(&mut seconds, 50.0) * 1e3);
        }
        report.both(format!("CPU of {what}"), "ms", cpu[0], cpu[1]);
        report.server(format!("CPU of {what}, PostgreSQL's"), "ms", database);
        report.both(
            format!("time of {what}, one at a time, p50"),
            "ms",
            times[0],
            times[1],
        );
    }
    Ok(())
}
