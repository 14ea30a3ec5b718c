//! How much memory a worker takes while a PDF of 1,000 pages is processed.

use std::time::Instant;

use anyhow::Result;

use crate::Options;
use crate::http::Connection;
use crate::process::{Memory, Watch, memory};
use crate::report::Report;
use crate::shape::{Embedded, Process, Services, until_status, upload};

/// What was seen of one shape.
struct Seen {
    idle: Memory,
    most: Memory,
    words: f64,
    meaning: f64,
}

pub async fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let pdf = crate::texts::pdf(options, options.pages)?;
    let embedded = {
        let serve = Embedded::start(&options.ids)?;
        process(&serve.process, &serve.process.address, &pdf).await?
    };
    let services = Services::start().await?;
    let api = services.api(&options.ids)?;
    let worker = services.worker(&options.ids, "reader")?;
    let server = process(&worker, &api.address, &pdf).await?;

    let pages = options.pages;
    report.both(
        "worker idle (embedded: the whole program), PSS",
        "MB",
        embedded.idle.pss,
        server.idle.pss,
    );
    let what = format!("worker and its child while {pages} pages are processed, most");
    report.both(format!("{what}, PSS"), "MB", embedded.most.pss, server.most.pss);
    report.both(format!("{what}, RSS"), "MB", embedded.most.rss, server.most.rss);
    report.both(
        format!("{pages} pages, found by words after"),
        "s",
        embedded.words,
        server.words,
    );
    report.both(
        format!("{pages} pages, found by meaning after"),
        "s",
        embedded.meaning,
        server.meaning,
    );
    Ok(())
}

async fn process(worker: &Process, address: &str, pdf: &[u8]) -> Result<Seen> {
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let idle = memory(worker.pid());
    let watch = Watch::begin(worker.pid());
    let mut connection = Connection::open(address).await?;
    let begun = Instant::now();
    let document = upload(&mut connection, "mil-paginas.pdf", pdf).await?;
    until_status(&mut connection, &document, &["embedding", "completed"]).await?;
    let words = begun.elapsed().as_secs_f64();
    until_status(&mut connection, &document, &["completed"]).await?;
    let meaning = begun.elapsed().as_secs_f64();
    Ok(Seen {
        idle,
        most: watch.most().await?,
        words,
        meaning,
    })
}
