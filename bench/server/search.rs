//! How long a search takes over the same chunks in both shapes, and how far they agree.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ids_core::eval::percentile;
use ids_core::id::OrganizationId;
use ids_core::library::Library;
use ids_core::scope::Scope;
use ids_core::search::{SearchMode, SearchReply, SearchRequest};
use ids_embed::BuiltInEmbedder;
use ids_postgres::{PostgresConfig, PostgresLibrary, Secret, SslMode};
use ids_testkit::services::{SharedPostgres, postgres};
use tokio_postgres::Client;

use crate::Options;
use crate::library::{SystemClock, fill, library_over, load_embedder, open};
use crate::process::cpu_seconds;
use crate::report::Report;
use crate::shape::{connect, postgres_cpu};

/// Questions.
const QUERIES: usize = 400;
/// Questions asked of one shape before the same are asked of the other, so that a noisy minute meets both.
const TURN: usize = 50;
/// Where real vectors are kept, and libraries between runs.
const KEPT: &str = "target/bench";

/// What was seen of one mode in one shape.
#[derive(Default)]
struct Seen {
    milliseconds: Vec<f64>,
    cpu: f64,
    replies: Vec<SearchReply>,
}

pub async fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let embedder = load_embedder()?;
    let folder = PathBuf::from(KEPT).join(format!("server-{}", options.chunks));
    let embedded = sqlite(options, &folder).await?;
    let server = postgres();
    let (sql, _driver) = connect(&format!(
        "postgres://{}:{}@{}:{}/{}",
        server.superuser, server.superuser_password, server.host, server.port, server.database
    ))
    .await?;
    let over_postgres = filled_postgres(options, server, &sql, &embedder, &folder).await?;
    let queries = crate::texts::queries(options, QUERIES)?;
    for mode in SearchMode::ALL {
        compare(
            &embedded,
            &over_postgres,
            &sql,
            mode,
            &queries,
            options.chunks,
            report,
        )
        .await?;
    }
    Ok(())
}

/// The library in SQLite, made unless it is there.
async fn sqlite(options: &Options, folder: &Path) -> Result<Library> {
    fs::create_dir_all(folder)?;
    let opened = open(folder)?;
    let there = chunks(&opened.library).await?;
    if there == 0 {
        let (sentences, _) = crate::sentences::read(&options.eval)?;
        fill(
            &opened.store,
            &opened.embedder,
            &vectors(),
            &sentences,
            options.chunks,
            async || Ok(()),
        )
        .await?;
    } else {
        ensure!(
            there == options.chunks as u64,
            "`{}` is half made; remove it",
            folder.display()
        );
    }
    Ok(opened.library)
}

/// The same in PostgreSQL: in a schema of the tests' server, which is there as long as that server is.
async fn filled_postgres(
    options: &Options,
    server: &SharedPostgres,
    sql: &Client,
    embedder: &Arc<BuiltInEmbedder>,
    folder: &Path,
) -> Result<Library> {
    let schema = format!("bench_{}", options.chunks);
    let config = PostgresConfig {
        port: server.port,
        password: Some(Secret::new(&server.password)),
        ssl_mode: SslMode::Disable,
        schema: Some(schema.clone()),
        ..PostgresConfig::new(&server.host, &server.user, &server.database)
    };
    let store = PostgresLibrary::open(&config, Arc::new(SystemClock)).await?;
    let library = library_over(&store, folder, embedder)?;
    let there = chunks(&library).await?;
    if there == 0 {
        let (sentences, _) = crate::sentences::read(&options.eval)?;
        let begun = Instant::now();
        let mut indexes = Vec::new();
        fill(
            &store,
            embedder,
            &vectors(),
            &sentences,
            options.chunks,
            async || {
                indexes = drop_vector_indexes(sql, &schema).await?;
                Ok(())
            },
        )
        .await?;
        eprintln!("put into PostgreSQL in {:.0} s", begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        sql.batch_execute("set maintenance_work_mem = '3GB'").await?;
        sql.batch_execute(&indexes.join(";")).await?;
        eprintln!("vectors indexed in {:.0} s", begun.elapsed().as_secs_f64());
        // As its own housekeeping would within minutes.
        let rows = sql
            .query(
                "select tablename::text from pg_tables where schemaname = $1",
                &[&schema],
            )
            .await?;
        for row in rows {
            let table: String = row.try_get(0)?;
            sql.batch_execute(&format!("vacuum (analyze) \"{schema}\".\"{table}\""))
                .await?;
        }
    } else {
        ensure!(
            there == options.chunks as u64,
            "the schema `{schema}` is half made; drop it"
        );
    }
    Ok(library)
}

/// Drops the indexes of the vectors and gives the statements that make them: built at once they take a tenth of the time that they
/// take vector by vector, and searches are what is measured.
async fn drop_vector_indexes(sql: &Client, schema: &str) -> Result<Vec<String>> {
    let rows = sql
        .query(
            "select indexname::text, indexdef from pg_indexes
             where schemaname = $1 and indexdef like '% USING hnsw %'",
            &[&schema],
        )
        .await?;
    ensure!(!rows.is_empty(), "no index of vectors was made");
    let mut definitions = Vec::new();
    for row in rows {
        let name: String = row.try_get(0)?;
        sql.batch_execute(&format!("drop index \"{schema}\".\"{name}\""))
            .await?;
        definitions.push(row.try_get(1)?);
    }
    Ok(definitions)
}

fn vectors() -> PathBuf {
    Path::new(KEPT).join("real-vectors.f32")
}

fn scope() -> Scope {
    Scope::organization(OrganizationId::DEFAULT)
}

async fn chunks(library: &Library) -> Result<u64> {
    let request = SearchRequest {
        mode: SearchMode::Keyword,
        ..SearchRequest::new("cidade")
    };
    Ok(library.search(&scope(), &request).await?.chunks_searched)
}

async fn compare(
    embedded: &Library,
    server: &Library,
    sql: &Client,
    mode: SearchMode,
    queries: &[String],
    chunks: usize,
    report: &mut Report,
) -> Result<()> {
    // The first pass warms the caches, as those of a server that has been asked before.
    ask(embedded, mode, queries, &mut Seen::default()).await?;
    ask(server, mode, queries, &mut Seen::default()).await?;
    let (mut first, mut second) = (Seen::default(), Seen::default());
    let before = postgres_cpu(sql, "ids").await?;
    for turn in queries.chunks(TURN) {
        ask(embedded, mode, turn, &mut first).await?;
        ask(server, mode, turn, &mut second).await?;
    }
    let database = postgres_cpu(sql, "ids").await? - before;

    let what = format!("{} search, {chunks} chunks", mode.as_str());
    let each = 1e3 / queries.len() as f64;
    for percent in [50.0, 99.0] {
        report.both(
            format!("{what}, p{percent}"),
            "ms",
            percentile(&mut first.milliseconds.clone(), percent),
            percentile(&mut second.milliseconds.clone(), percent),
        );
    }
    report.both(
        format!("{what}, CPU of the process that asks"),
        "ms",
        first.cpu * each,
        second.cpu * each,
    );
    report.server(format!("{what}, CPU of PostgreSQL"), "ms", database * each);
    let agreement = agreement(&first.replies, &second.replies).context("no hits")?;
    report.server(format!("{what}, overlap@10 with embedded"), "", agreement.overlap);
    report.server(
        format!("{what}, questions whose ten are the same in the same order"),
        "%",
        agreement.identical * 100.0,
    );
    Ok(())
}

async fn ask(library: &Library, mode: SearchMode, queries: &[String], seen: &mut Seen) -> Result<()> {
    let before = cpu_seconds(std::process::id())?;
    for query in queries {
        let request = SearchRequest {
            mode,
            ..SearchRequest::new(query.clone())
        };
        let begun = Instant::now();
        let reply = library.search(&scope(), &request).await?;
        seen.milliseconds.push(begun.elapsed().as_secs_f64() * 1e3);
        seen.replies.push(reply);
    }
    seen.cpu += cpu_seconds(std::process::id())? - before;
    Ok(())
}

/// How far the shapes agree, 0 to 1.
struct Agreement {
    overlap: f64,
    identical: f64,
}

fn agreement(ours: &[SearchReply], theirs: &[SearchReply]) -> Option<Agreement> {
    let (mut overlap, mut identical, mut count) = (0.0, 0.0, 0.0);
    for (ours, theirs) in ours.iter().zip(theirs) {
        let (ours, theirs) = (places(ours), places(theirs));
        let most = ours.len().max(theirs.len());
        if most == 0 {
            continue;
        }
        let in_ours: HashSet<_> = ours.iter().collect();
        let both = theirs.iter().filter(|place| in_ours.contains(place)).count();
        overlap += both as f64 / most as f64;
        identical += f64::from(u8::from(ours == theirs));
        count += 1.0;
    }
    (count > 0.0).then(|| Agreement {
        overlap: overlap / count,
        identical: identical / count,
    })
}

/// Document and chunk of each hit, which both shapes call the same.
fn places(reply: &SearchReply) -> Vec<(ids_core::id::DocumentId, u32)> {
    let hits = reply.hits.iter().take(10);
    hits.map(|hit| (hit.chunk.document_id, hit.chunk.chunk_index))
        .collect()
}
