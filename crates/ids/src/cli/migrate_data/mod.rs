//! `ids migrate-data`: moves the library of the data directory into PostgreSQL, or one of PostgreSQL into a data directory.

mod progress;
mod report;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use ids_blobs::StoreToStore;
use ids_core::access::OrganizationName;
use ids_core::id::OrganizationId;
use ids_core::moving::{Move, MoveError, Moved, OnDifference, Plan, Verified};
use ids_sqlite::SqliteLibrary;

use self::progress::MoveBar;
use self::report::Report;
use super::exit::Failed;
use super::{confirm, output};
use crate::compose::MovingEnd;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::lifecycle::{Signal, Signals};

/// Move the library of the data directory into PostgreSQL (`POSTGRES_*`; bytes into the bucket where `S3_BUCKET` is set), or back.
/// The source stays as it is. Stopped half way, the same command goes on where it was.
#[derive(Debug, Args)]
pub struct MigrateDataArgs {
    /// Where the library is to be
    #[arg(long, value_enum, value_name = "SHAPE")]
    to: Target,
    /// The organization of the server's library that is meant; it must be there
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// Without S3: the data directory that the server's processes share, where its uploads lie [default: that of --data-dir]
    #[arg(long, value_name = "DIR")]
    server_data_dir: Option<PathBuf>,
    /// Do not ask: leave out unfinished documents, put documents beside others, replace those that differ
    #[arg(long)]
    yes: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// PostgreSQL
    Server,
    /// The data directory
    Embedded,
}

/// How many ids are named in a text for people.
const NAMED: usize = 10;

/// Moves, verifies, and says what came of it.
pub async fn run(args: MigrateDataArgs, config: &Config) -> Result<u8, Failed> {
    let mut signals =
        Signals::catch().map_err(|error| Failed::because(format!("signals cannot be caught: {error}")))?;
    if config.postgres.is_none() {
        return Err(Failed::usage(
            "set POSTGRES_HOST: `ids migrate-data` moves between the data directory and PostgreSQL",
        ));
    }
    let file = SqliteLibrary::path_in(&config.data_dir);
    if args.to == Target::Server && !file.exists() {
        let directory = config.data_dir.display();
        return Err(Failed::because(format!(
            "there is no library in the data directory `{directory}`; give another --data-dir"
        )));
    }
    let data_dir = DataDir::own(&config.data_dir).map_err(anyhow::Error::from)?;
    let server_dir = args.server_data_dir.as_deref().unwrap_or(data_dir.path());
    let embedded = MovingEnd::embedded(config, data_dir.path()).await?;
    let server = match MovingEnd::server(config, server_dir).await {
        Ok(server) => server,
        Err(error) => {
            embedded.close().await;
            return Err(error.into());
        }
    };
    let outcome = between(&args, &embedded, &server, data_dir.path(), &mut signals).await;
    server.close().await;
    embedded.close().await;
    outcome
}

async fn between(
    args: &MigrateDataArgs,
    embedded: &MovingEnd,
    server: &MovingEnd,
    data_dir: &Path,
    signals: &mut Signals,
) -> Result<u8, Failed> {
    let (organization, name) = organization_of(args, server).await?;
    let (inside, outside) = (embedded.end(OrganizationId::DEFAULT), server.end(organization));
    let (from, to, source, target) = match args.to {
        Target::Server => (inside, outside, embedded, server),
        Target::Embedded => (outside, inside, server, embedded),
    };
    let bytes = StoreToStore {
        source: Arc::clone(&source.blobs),
        target: Arc::clone(&target.blobs),
    };
    let the_move = Move {
        from,
        to,
        bytes: Arc::new(bytes),
    };
    let plan = the_move.plan().await.map_err(said)?;
    let mut doubts = doubts(&plan);
    if args.to == Target::Embedded {
        doubts.extend(in_use(source).await?);
    }
    agree(args, &doubts).await?;
    let on_difference = if args.yes {
        OnDifference::Replace
    } else {
        OnDifference::Stop
    };
    let bar = MoveBar::new();
    let moved = {
        let mut show = |progress| bar.show(progress);
        tokio::select! {
            // Dropped half way it leaves whole things only: each is one transaction.
            moved = the_move.run(&plan, on_difference, &mut show) => Ok(moved),
            signal = signals.next() => Err(signal),
        }
    };
    bar.clear();
    match moved {
        Ok(moved) => {
            let (moved, verified) = moved.map_err(said)?;
            tell(args, &name, data_dir, &plan, &moved, &verified)
        }
        Err(signal) => Err(stopped(signal, bar.documents())),
    }
}

/// The organization that is meant, on the server's side; the embedded library has just `default`.
async fn organization_of(
    args: &MigrateDataArgs,
    server: &MovingEnd,
) -> Result<(OrganizationId, OrganizationName), Failed> {
    let mut known = server.organizations().await?;
    let wanted = match (&args.organization, args.to) {
        (Some(name), _) => name.as_str(),
        (None, Target::Embedded) if known.len() > 1 => {
            let names: Vec<String> = known.iter().map(|(_, name)| format!("`{name}`")).collect();
            return Err(Failed::usage(format!(
                "the server's library has several organizations ({}), a data directory has one; say which with --organization",
                output::clean(&names.join(", "))
            )));
        }
        (None, _) => OrganizationName::DEFAULT,
    };
    let at = known.iter().position(|(_, name)| name.as_str() == wanted);
    at.map(|at| known.swap_remove(at)).ok_or_else(|| {
        Failed::because(format!(
            "there is no organization `{}` in the server's library; `ids keys create --organization` makes one",
            output::clean(wanted)
        ))
    })
}

/// What a person should know before anything is written.
fn doubts(plan: &Plan) -> Vec<String> {
    let mut doubts = Vec::new();
    if !plan.unfinished.is_empty() {
        let ids: Vec<String> = plan
            .unfinished
            .iter()
            .take(NAMED)
            .map(ToString::to_string)
            .collect();
        let more = if plan.unfinished.len() > NAMED {
            ", …"
        } else {
            ""
        };
        doubts.push(format!(
            "{} of the source wait for their jobs and would be left out ({}{more}); let `ids serve` or a worker finish them first",
            output::count(plan.unfinished.len() as u64, "document"),
            ids.join(", ")
        ));
    }
    if plan.is_merge() {
        doubts.push(format!(
            "the target holds {} and {} that the source does not have; they would stay, beside what is moved",
            output::count(plan.strange_documents, "document"),
            output::count(plan.strange_sessions, "conversation")
        ));
    }
    doubts
}

/// A server's library is not locked: whoever uses it changes what is read.
async fn in_use(source: &MovingEnd) -> Result<Option<String>, Failed> {
    let workers = source.workers().await?;
    let names: Vec<String> = workers.iter().map(|worker| output::clean(&worker.name)).collect();
    Ok((!names.is_empty()).then(|| {
        format!(
            "the source is in use by {}; stop the API and the workers first",
            names.join(", ")
        )
    }))
}

async fn agree(args: &MigrateDataArgs, doubts: &[String]) -> Result<(), Failed> {
    if doubts.is_empty() {
        return Ok(());
    }
    let text = doubts.join("\n");
    if args.yes {
        output::remark(&text);
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failed::because(format!(
            "{text}\nhint: --yes goes on all the same"
        )));
    }
    if confirm::confirmed(&format!("{text}\nGo on all the same? [y/N] ")).await? {
        Ok(())
    } else {
        Err(Failed::because("nothing was moved"))
    }
}

fn stopped(signal: Signal, documents: Option<(u64, u64)>) -> Failed {
    let so_far = documents.map_or_else(String::new, |(done, total)| {
        format!(" with {done} of {} there", output::count(total, "document"))
    });
    let mut failed = match signal {
        Signal::Interrupt => Failed::interrupted(),
        Signal::Terminate => Failed::because("stopped"),
    };
    failed.message =
        format!("stopped{so_far}; the source is unchanged, and the same command goes on from here");
    failed
}

/// The whole chain: its end names the damaged row, or says what the server said.
fn said(error: MoveError) -> Failed {
    anyhow::Error::new(error).into()
}

fn tell(
    args: &MigrateDataArgs,
    organization: &OrganizationName,
    data_dir: &Path,
    plan: &Plan,
    moved: &Moved,
    verified: &Verified,
) -> Result<u8, Failed> {
    let report = Report {
        to: match args.to {
            Target::Server => "server",
            Target::Embedded => "embedded",
        },
        organization,
        data_dir,
        plan,
        moved,
        verified,
    };
    let differences = report.differences();
    if args.json {
        output::print(&report.to_json().to_string())?;
    } else {
        output::print(&report.to_text())?;
    }
    if differences.is_empty() {
        return Ok(0);
    }
    let failed = Failed::because(format!(
        "the two ends differ:\n{}\nhint: the source is unchanged; run the same command again, with --yes to replace what differs",
        differences.join("\n")
    ));
    Err(if args.json { failed.told() } else { failed })
}
