//! How much memory the process that answers requests takes, at rest and with 200 requests at once.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ids_embed::Model;

use crate::Options;
use crate::http::{Connection, Request, load};
use crate::process::{Memory, Watch, memory};
use crate::report::Report;
use crate::shape::{Embedded, Process, Services, count, upload};

/// Documents that are searched meanwhile.
const DOCUMENTS: usize = 100;
/// Sentences of each.
const SENTENCES: usize = 60;
/// Requests at once.
const AT_ONCE: usize = 200;

/// What was seen of one shape.
struct Seen {
    rest: Memory,
    most: Memory,
    after: Memory,
    busy: f64,
    per_second: f64,
}

pub async fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let model = model_megabytes()?;
    let embedded = {
        let serve = Embedded::start(&options.ids)?;
        let rest = at_rest(&serve.process).await;
        fill(options, &serve.process.address).await?;
        under_load(options, &serve.process, rest).await?
    };
    let services = Services::start().await?;
    let api = services.api(&options.ids)?;
    let rest = at_rest(&api).await;
    {
        let _worker = services.worker(&options.ids, "filler")?;
        fill(options, &api.address).await?;
    }
    let server = under_load(options, &api, rest).await?;

    report.both("embedding model alone, memory of its own", "MB", model, model);
    let mut row = |what: &str, of: fn(&Seen) -> f64| report.both(what, "MB", of(&embedded), of(&server));
    row("API at rest, PSS", |seen| seen.rest.pss);
    row("API at rest, of it anonymous", |seen| seen.rest.anonymous);
    row("API at rest, RSS", |seen| seen.rest.rss);
    row("API, most under 200 requests at once, PSS", |seen| seen.most.pss);
    row("API, most under 200 requests at once, of it anonymous", |seen| {
        seen.most.anonymous
    });
    row("API after them, PSS", |seen| seen.after.pss);
    report.both(
        "API at rest, PSS without the model",
        "MB",
        embedded.rest.pss - model,
        server.rest.pss - model,
    );
    report.both(
        "API, most under 200 requests at once, PSS without the model",
        "MB",
        embedded.most.pss - model,
        server.most.pss - model,
    );
    report.both(
        "mixed requests a second, 200 at once",
        "1/s",
        embedded.per_second,
        server.per_second,
    );
    report.both(
        "of them told to come again (503)",
        "%",
        embedded.busy,
        server.busy,
    );
    Ok(())
}

/// What loading the model adds to a process that has read its file: this one.
fn model_megabytes() -> Result<f64> {
    let file = fs::read("assets/e5-small-enpt-q4.bin").context("run it in the repository's root")?;
    let before = memory(std::process::id()).anonymous;
    let model = Model::load(&file)?;
    let after = memory(std::process::id()).anonymous;
    drop(model);
    Ok(after - before)
}

async fn at_rest(process: &Process) -> Memory {
    // Until what its start took is given back.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    memory(process.pid())
}

/// The same documents for both shapes, ready to be found by meaning.
pub async fn fill(options: &Options, address: &str) -> Result<()> {
    let (sentences, _) = crate::sentences::read(Path::new(&options.eval))?;
    let mut connection = Connection::open(address).await?;
    for number in 0..DOCUMENTS {
        let text = crate::texts::text(&sentences, number as u64, SENTENCES);
        upload(&mut connection, &format!("{number}.txt"), text.as_bytes()).await?;
    }
    while count(&mut connection, "completed").await? < DOCUMENTS as u64 {
        ensure!(count(&mut connection, "failed").await? == 0, "a document failed");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    Ok(())
}

async fn under_load(options: &Options, process: &Process, rest: Memory) -> Result<Seen> {
    let mut requests = Vec::new();
    for query in crate::texts::queries(options, 100)? {
        requests.push(Request::get("/health"));
        requests.push(Request::get("/api/v1/queue/health"));
        requests.push(Request::get("/api/v1/documents?limit=20"));
        requests.push(Request::search(&query));
    }
    let watch = Watch::begin(process.pid());
    let begun = std::time::Instant::now();
    let done = load(&process.address, AT_ONCE, &requests, options.requests).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let most = watch.most().await?;
    ensure!(done.failed == 0, "{} requests failed", done.failed);
    Ok(Seen {
        rest,
        most,
        after: at_rest(process).await,
        busy: 100.0 * done.busy as f64 / options.requests as f64,
        per_second: options.requests as f64 / seconds,
    })
}
