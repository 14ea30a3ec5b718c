//! How long a backup and a restore take, in both shapes (README.md).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measuring program")]

mod fill;
#[path = "../search/sentences.rs"]
mod sentences;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use ids_blobs::{FolderBlobStore, SigningKey};
use ids_core::ports::Clock;
use ids_postgres::{PostgresConfig, PostgresLibrary, Secret, SslMode};
use ids_sqlite::SqliteLibrary;
use ids_testkit::services::PrivatePostgres;

use self::fill::{Filler, SystemClock};

/// Measures backups and restores.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program.
    #[arg(long)]
    ids: PathBuf,
    /// The folder of evaluation sets, whose sentences are used.
    #[arg(long)]
    eval: PathBuf,
    /// Documents of each library.
    #[arg(long, default_value_t = 10_000)]
    documents: usize,
    /// Kilobytes of each original.
    #[arg(long, default_value_t = 20)]
    original_kb: usize,
}

/// A place for the program: where its data lies, and what it is told of servers.
struct Place {
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let filler = Filler::new(&arguments.eval, arguments.documents, arguments.original_kb)?;

    let embedded = Place {
        folder: folder.path().join("embedded"),
        environment: Vec::new(),
    };
    std::fs::create_dir_all(&embedded.folder)?;
    let store = SqliteLibrary::open_in(&embedded.folder, clock())?;
    filler.fill(&store, &blobs(&embedded.folder)?).await?;
    store.close().await;
    let target = Place {
        folder: folder.path().join("embedded-target"),
        environment: Vec::new(),
    };
    measure("embedded", &arguments.ids, &embedded, &target)?;
    std::fs::remove_dir_all(&embedded.folder)?;
    std::fs::remove_dir_all(&target.folder)?;

    let (source, restored) = (PrivatePostgres::start(), PrivatePostgres::start());
    let server = Place {
        folder: folder.path().join("server"),
        environment: environment(&source),
    };
    std::fs::create_dir_all(&server.folder)?;
    let store = PostgresLibrary::open(&config(&source), clock()).await?;
    filler.fill(&store, &blobs(&server.folder)?).await?;
    store.close();
    let target = Place {
        folder: folder.path().join("server-target"),
        environment: environment(&restored),
    };
    measure("server", &arguments.ids, &server, &target)
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn blobs(data_dir: &Path) -> Result<FolderBlobStore> {
    let key = SigningKey::load_or_create(&data_dir.join("upload.key"))?;
    Ok(FolderBlobStore::open(&data_dir.join("blobs"), key, clock())?)
}

fn config(server: &PrivatePostgres) -> PostgresConfig {
    PostgresConfig {
        port: server.port,
        password: Some(Secret::new(server.password.as_str())),
        ssl_mode: SslMode::Disable,
        ..PostgresConfig::new(&server.host, &server.user, &server.database)
    }
}

fn environment(server: &PrivatePostgres) -> Vec<(&'static str, String)> {
    vec![
        ("POSTGRES_HOST", server.host.clone()),
        ("POSTGRES_PORT", server.port.to_string()),
        ("POSTGRES_USER", server.user.clone()),
        ("POSTGRES_PASSWORD", server.password.clone()),
        ("POSTGRES_DB", server.database.clone()),
        ("POSTGRES_SSL_MODE", "disable".to_owned()),
    ]
}

fn measure(shape: &str, ids: &Path, source: &Place, target: &Place) -> Result<()> {
    let copies = source.folder.join("copies");
    let copies = copies.to_str().context("a path of ours")?;
    std::fs::create_dir_all(&target.folder)?;
    for (what, place, arguments) in [
        ("backup", source, vec!["backup", "--to", copies]),
        ("backup, originals there", source, vec!["backup", "--to", copies]),
        (
            "verify",
            source,
            vec!["backup", "verify", "latest", "--from", copies],
        ),
        ("restore", target, vec!["restore", "latest", "--from", copies]),
    ] {
        let (seconds, megabytes, body) = run(ids, place, &arguments)?;
        println!(
            "{shape}: {what}: {seconds:.1} s, {megabytes:.0} MB of memory, {} rows, {} originals, archive {:.0} MB",
            body["rows"],
            body["originals"],
            body["bytes"].as_f64().unwrap_or(0.0) / 1_048_576.0
        );
    }
    Ok(())
}

/// Seconds, the most memory, and what the command printed.
fn run(ids: &Path, place: &Place, arguments: &[&str]) -> Result<(f64, f64, serde_json::Value)> {
    // GNU time sees the most memory of a child; the kernel tells nobody once it has ended.
    let report = place.folder.join("time");
    let begin = Instant::now();
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%M", "-o"])
        .arg(&report)
        .arg(ids.canonicalize()?)
        .args(arguments)
        .arg("--json")
        .env("IDS_DATA_DIR", &place.folder)
        .env("BACKUP_KEY", "a key of this measurement")
        .envs(place.environment.iter().map(|(name, value)| (*name, value)))
        .current_dir(&place.folder)
        .output()
        .context("/usr/bin/time is not there (the package `time`)")?;
    let seconds = begin.elapsed().as_secs_f64();
    ensure!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let kilobytes: f64 = std::fs::read_to_string(&report)?.trim().parse()?;
    let body = serde_json::from_slice(&output.stdout)?;
    Ok((seconds, kilobytes / 1_024.0, body))
}
