//! `ids backup list`.

use clap::Args;
use ids_backup::ListedBackup;
use serde_json::json;

use crate::cli::exit::Failed;
use crate::cli::output;
use crate::config::Config;

/// Show the backups there are, newest first.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// A folder of backups, or `s3` [default: where `ids backup` puts them]
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Lists.
pub async fn run(args: ListArgs, config: &Config) -> Result<u8, Failed> {
    let place = super::place_of(args.from.as_deref(), config)?;
    let listed = place.list().await?;
    if args.json {
        let backups: Vec<_> = listed.iter().map(to_json).collect();
        output::print(&json!({"place": place.name(), "backups": backups}).to_string())?;
        return Ok(0);
    }
    if listed.is_empty() {
        output::print(&format!("there is no backup in `{}`", place.name()))?;
        return Ok(0);
    }
    let mut rows = vec![["BACKUP", "SIZE"].map(str::to_owned).to_vec()];
    rows.extend(
        listed
            .iter()
            .map(|backup| vec![backup.name.to_string(), output::size(backup.bytes)]),
    );
    output::print(&output::table(&rows))?;
    Ok(0)
}

fn to_json(backup: &ListedBackup) -> serde_json::Value {
    json!({
        "file": backup.name.to_string(),
        "started_at": backup.name.started_at_text(),
        "bytes": backup.bytes,
        "encrypted": backup.name.is_encrypted,
    })
}
