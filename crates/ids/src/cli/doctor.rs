//! `ids doctor`: looks whether everything that is set can be used, and says what to do: the three checklists of the
//! operations guide as live checks.

mod backups;
mod bucket;
mod certificate;
mod clock;
mod database;
mod finding;
mod machine;
mod model;
mod queues;
mod redis;
#[cfg(test)]
mod testing;
mod web;

use std::time::Duration;

use clap::Args;
use futures_util::future::{BoxFuture, join_all};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio::time::timeout;

use self::finding::{Finding, State};
use super::exit::Failed;
use super::output;
use crate::config::Config;

/// How long one part may take. All are looked at together, so this is how long the whole takes at most.
const PATIENCE: Duration = Duration::from_secs(18);

/// Look whether everything that is set can be used, and say what to do.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Set up what is missing: the bucket's rule that removes abandoned uploads
    #[arg(long)]
    fix: bool,
    /// Ask the model for one token, too, which costs a fraction of a cent
    #[arg(long)]
    ask_model: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Looks at everything; exit code 1 when something does not work.
pub async fn run(args: DoctorArgs, config: &Config) -> Result<u8, Failed> {
    let findings = look(&args, config).await;
    let worst = findings.iter().map(|it| it.state).max().unwrap_or(State::Ok);
    if args.json {
        let list: Vec<Value> = findings.iter().map(Finding::to_json).collect();
        output::print(&json!({"status": worst.as_str(), "checks": list}).to_string())?;
    } else {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        output::print(&lines.join("\n"))?;
        output::remark(&summary(&findings));
    }
    Ok(u8::from(worst == State::Fail))
}

/// All parts at the same time, in the order in which they are told.
async fn look(args: &DoctorArgs, config: &Config) -> Vec<Finding> {
    let parts: Vec<(&'static str, BoxFuture<'_, Vec<Finding>>)> = vec![
        ("database", Box::pin(database::look(config))),
        ("redis", Box::pin(redis::look(config))),
        ("s3", Box::pin(bucket::look(config, args.fix))),
        ("model", Box::pin(model::look(config, args.ask_model))),
        ("address", Box::pin(web::look(config))),
        ("machine", Box::pin(machine::look(config))),
    ];
    // Drawn on a terminal only.
    let spinner = ProgressBar::new_spinner().with_message("looking at everything");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let looked = join_all(parts.into_iter().map(|(what, part)| within(PATIENCE, what, part))).await;
    spinner.finish_and_clear();
    looked.into_iter().flatten().collect()
}

/// What a part finds, or that it did not end.
async fn within(
    patience: Duration,
    what: &'static str,
    part: impl Future<Output = Vec<Finding>>,
) -> Vec<Finding> {
    timeout(patience, part).await.unwrap_or_else(|_| {
        vec![Finding::fail(
            what,
            format!("no answer within {} seconds", patience.as_secs()),
            "is a firewall between? It lets packets vanish, where a server that is down refuses at once",
        )]
    })
}

fn summary(findings: &[Finding]) -> String {
    let of = |state: State| findings.iter().filter(|it| it.state == state).count();
    match (of(State::Fail), of(State::Warn)) {
        (0, 0) => "all is well".to_owned(),
        (0, warnings) => format!("it works; {}", output::count(warnings as u64, "warning")),
        (failures, warnings) => format!(
            "{} to be seen to, {}",
            output::count(failures as u64, "failure"),
            output::count(warnings as u64, "warning")
        ),
    }
}

/// An error with its causes on one line. Errors of adapters hold neither passwords nor keys.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::finding::{Finding, State};
    use super::{summary, within};

    #[tokio::test(start_paused = true)]
    async fn a_part_that_hangs_is_a_failure_and_keeps_nobody_waiting() {
        let findings = within(Duration::from_secs(18), "s3", std::future::pending()).await;
        assert_eq!(findings[0].state, State::Fail);
        assert!(findings[0].detail.contains("18 seconds"), "{}", findings[0]);
    }

    #[test]
    fn the_summary_counts() {
        let warning = || Finding::warn("a", "b", "c");
        assert_eq!(summary(&[Finding::ok("a", "b")]), "all is well");
        assert_eq!(summary(&[warning(), warning()]), "it works; 2 warnings");
        assert_eq!(
            summary(&[Finding::fail("a", "b", "c"), warning()]),
            "1 failure to be seen to, 1 warning"
        );
    }
}
