//! The command line: one file a command.

mod api;
mod ask;
mod backup;
mod client;
mod collections;
mod completions;
mod confirm;
mod doctor;
mod documents;
mod eval;
mod exit;
mod filter;
mod healthcheck;
mod ingest;
mod keys;
mod listen;
mod man;
mod mcp;
mod migrate;
mod migrate_data;
mod organizations;
mod output;
mod privacy;
mod progress_line;
mod queue;
mod reindex;
mod restore;
mod search;
mod serve;
mod snippet;
mod usage;
mod values;
mod worker;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};
pub use exit::Failed;

use crate::config::{Config, LogConfig, Variables};
use crate::lifecycle::{Signal, Signals};
use crate::logging;
use crate::ocr;
use crate::traces::Traces;
use crate::version;

/// Find the right page in thousands of documents, by meaning and by word.
#[derive(Debug, Parser)]
#[command(
    name = "ids",
    version = version::SHORT,
    long_version = version::long(),
    propagate_version = false,
    max_term_width = 100
)]
pub struct Cli {
    /// Where documents and their index lie [env: IDS_DATA_DIR] [default: ~/.local/share/ids]
    #[arg(long, global = true, value_name = "DIR", hide_default_value = true)]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the page and the API, and process documents in the background
    Serve(serve::ServeArgs),
    /// Serve the page and the API over PostgreSQL; `ids worker` processes the documents
    Api(api::ApiArgs),
    /// Process documents and clean up; any number of workers may run side by side
    Worker(worker::WorkerArgs),
    /// Ingest files and folders; what is unchanged is skipped
    Ingest(ingest::IngestArgs),
    /// Find passages by word and by meaning
    Search(search::SearchArgs),
    /// Ask a question; the answer cites page and words
    Ask(ask::AskArgs),
    /// Look at documents, and remove them
    Documents(documents::DocumentsArgs),
    /// Look at collections, make and remove them
    Collections(collections::CollectionsArgs),
    /// Look at the jobs behind documents, and steer them
    Queue(queue::QueueArgs),
    /// Look at organizations, limit what they spend, and remove them
    Organizations(organizations::OrganizationsArgs),
    /// Make the keys that callers of a server need, list and revoke them
    Keys(keys::KeysArgs),
    /// Show what answers cost in a month, and how far the budget reaches
    Usage(usage::UsageArgs),
    /// Bring the database to the schema of this version
    Migrate(migrate::MigrateArgs),
    /// Back the library up, list backups, and read them through
    Backup(backup::BackupArgs),
    /// Make a library of a backup
    Restore(restore::RestoreArgs),
    /// Move the library of the data directory into PostgreSQL, or back
    MigrateData(migrate_data::MigrateDataArgs),
    /// Make again what was made of documents, such as their embeddings
    Reindex(reindex::ReindexArgs),
    /// Look whether everything that is set can be used, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Measure search over a set of documents, questions and judgements
    Eval(eval::EvalArgs),
    /// Ask a running server how it is; exit code 0 when it can work
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Serve the library to an assistant as tools (Model Context Protocol, over stdin and stdout)
    Mcp(mcp::McpArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Write the manual pages into a folder
    #[command(hide = true)]
    Man(man::ManArgs),
}

impl Cli {
    /// Threads of the runtime, where the command names them.
    pub fn threads(&self) -> Option<usize> {
        match &self.command {
            Command::Api(args) => args.workers.map(usize::from),
            _ => None,
        }
    }
}

impl Command {
    /// Whether it runs until it is stopped, and what it logs is its output.
    const fn is_service(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Api(_) | Self::Worker(_))
    }

    /// Whether it reads documents itself.
    const fn reads_documents(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Worker(_))
    }

    fn log(&self, config: &Config) -> LogConfig {
        let mut log = config.log.clone();
        if matches!(self, Self::Worker(args) if args.verbose) {
            "debug".clone_into(&mut log.level);
        }
        log
    }
}

/// Runs a command; returns its exit code.
pub async fn run(cli: Cli) -> Result<u8, Failed> {
    // Scripts and pages are made whatever the settings are.
    match &cli.command {
        Command::Completions(args) => return completions::run(args),
        Command::Man(args) => return man::run(args),
        // A supervisor asks an address, often without a home or any other setting of the server it asks.
        Command::Healthcheck(args) if args.url().is_some() => {
            return until_stopped(healthcheck::of_address(args)).await;
        }
        _ => {}
    }
    let working_directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let variables = Variables::read(&working_directory)?;
    let config = Config::new(&variables, cli.data_dir.as_deref())?;
    let is_service = cli.command.is_service();
    let traces = match &config.traces {
        Some(settings) if is_service => Some(Traces::start(settings)?),
        _ => None,
    };
    logging::init(&cli.command.log(&config), !is_service, traces.as_ref());
    if is_service {
        for name in variables.ignored() {
            tracing::warn!("`{name}` was set by Kubernetes for a service of that name; it is passed over");
        }
        if cli.command.reads_documents()
            && let Some(hint) = ocr::missing(&config.ocr_languages)
        {
            tracing::warn!("{hint}");
        }
    }
    let outcome = dispatch(cli.command, &config).await;
    if let Some(traces) = traces {
        traces.stop().await;
    }
    outcome
}

async fn dispatch(command: Command, config: &Config) -> Result<u8, Failed> {
    match command {
        Command::Serve(args) => serve::run(args, config).await,
        Command::Api(args) => api::run(args, config).await,
        Command::Worker(args) => worker::run(args, config).await,
        Command::Migrate(args) => migrate::run(args, config).await,
        // These put things in order when they are stopped.
        Command::MigrateData(args) => migrate_data::run(args, config).await,
        Command::Backup(args) => backup::run(args, config).await,
        Command::Restore(args) => restore::run(args, config).await,
        Command::Ingest(args) => ingest::run(args, config).await,
        Command::Eval(args) => eval::run(args, config).await,
        Command::Search(args) => until_stopped(search::run(args, config)).await,
        Command::Ask(args) => until_stopped(ask::run(args, config)).await,
        Command::Documents(args) => until_stopped(documents::run(args, config)).await,
        Command::Collections(args) => until_stopped(collections::run(args, config)).await,
        Command::Queue(args) => until_stopped(queue::run(args, config)).await,
        Command::Organizations(args) => until_stopped(organizations::run(args, config)).await,
        Command::Keys(args) => until_stopped(keys::run(args, config)).await,
        Command::Usage(args) => until_stopped(usage::run(args, config)).await,
        Command::Reindex(args) => until_stopped(reindex::run(args, config)).await,
        Command::Doctor(args) => until_stopped(doctor::run(args, config)).await,
        Command::Healthcheck(args) => until_stopped(healthcheck::run(args, config)).await,
        Command::Mcp(args) => until_stopped(mcp::run(args, config)).await,
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

/// Runs a short command; Ctrl-C drops it where it is. Each of its writes is one transaction of the library.
async fn until_stopped(command: impl Future<Output = Result<u8, Failed>>) -> Result<u8, Failed> {
    let mut signals = Signals::catch().context("signals cannot be caught")?;
    tokio::select! {
        outcome = command => outcome,
        signal = signals.next() => Err(match signal {
            Signal::Interrupt => Failed::interrupted(),
            Signal::Terminate => Failed::because("stopped"),
        }),
    }
}
