//! How many tiny documents a second become searchable.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use crate::Options;
use crate::http::{Connection, Request, load};
use crate::process::cpu_seconds_with_children;
use crate::report::Report;
use crate::shape::{Embedded, Process, Services, count, postgres_cpu};

/// Who uploads at once.
const UPLOADERS: usize = 4;
/// Sentences of a document: one paragraph.
const SENTENCES: usize = 4;

/// How often it is asked how many are ready: each question costs what several documents cost.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Documents a second.
#[derive(Default)]
struct Rates {
    accepted: f64,
    words: f64,
    meaning: f64,
}

pub async fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let embedded = {
        let serve = Embedded::start(&options.ids)?;
        let rates = run(options, &serve.process.address).await?;
        let cpu = cpu_seconds_with_children(serve.process.pid())? / options.documents as f64 * 1e3;
        report.embedded("CPU of a tiny document, `ids serve`", "ms", cpu);
        rates
    };
    for count in 1..=2 {
        let services = Services::start().await?;
        let api = services.api(&options.ids)?;
        let mut workers = Vec::new();
        for number in 1..=count {
            workers.push(services.worker(&options.ids, &format!("w{number}"))?);
        }
        let server = run(options, &api.address).await?;
        if count == 1 {
            report_cpu(options, &services, &api, &workers, report).await?;
        }
        let workers = if count == 1 { "1 worker" } else { "2 workers" };
        let mut row = |what: &str, embedded: f64, server: f64| {
            let what = format!("tiny documents {what}, {workers}");
            if count == 1 {
                report.both(what, "1/s", embedded, server);
            } else {
                report.server(what, "1/s", server);
            }
        };
        row("accepted", embedded.accepted, server.accepted);
        row("found by words", embedded.words, server.words);
        row("found by meaning", embedded.meaning, server.meaning);
    }
    Ok(())
}

/// What a document cost each part, their start included.
async fn report_cpu(
    options: &Options,
    services: &Services,
    api: &Process,
    workers: &[Process],
    report: &mut Report,
) -> Result<()> {
    let (sql, _driver) = services.sql().await?;
    let mut worked = 0.0;
    for worker in workers {
        worked += cpu_seconds_with_children(worker.pid())?;
    }
    let parts = [
        ("`ids api`", cpu_seconds_with_children(api.pid())?),
        ("`ids worker` and its children", worked),
        ("PostgreSQL", postgres_cpu(&sql, "ids").await?),
    ];
    for (part, seconds) in parts {
        let what = format!("CPU of a tiny document, {part}");
        report.server(what, "ms", seconds / options.documents as f64 * 1e3);
    }
    Ok(())
}

async fn run(options: &Options, address: &str) -> Result<Rates> {
    let (sentences, _) = crate::sentences::read(Path::new(&options.eval))?;
    let requests: Vec<Request> = (0..options.documents)
        .map(|number| {
            let text = crate::texts::text(&sentences, number as u64, SENTENCES);
            Request::upload(&format!("{number}.txt"), text.as_bytes())
        })
        .collect();
    let total = options.documents;
    let begun = Instant::now();
    let mut uploading = JoinSet::new();
    let to = address.to_owned();
    uploading.spawn(async move {
        let done = load(&to, UPLOADERS, &requests, total).await?;
        ensure!(
            done.seconds.len() == total,
            "{} uploads were refused",
            done.busy + done.failed
        );
        anyhow::Ok(total as f64 / begun.elapsed().as_secs_f64())
    });
    let mut rates = Rates::default();
    let mut connection = Connection::open(address).await?;
    loop {
        // In this order: who moves on meanwhile is counted twice rather than never.
        let embedding = count(&mut connection, "embedding").await?;
        let completed = count(&mut connection, "completed").await?;
        let rate = total as f64 / begun.elapsed().as_secs_f64();
        if rates.words == 0.0 && completed + embedding >= total as u64 {
            rates.words = rate;
        }
        if completed >= total as u64 {
            rates.meaning = rate;
            break;
        }
        ensure!(count(&mut connection, "failed").await? == 0, "a document failed");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    if let Some(uploaded) = uploading.join_next().await {
        rates.accepted = uploaded??;
    }
    Ok(rates)
}
