//! `ids backup verify`.

use clap::Args;
use ids_backup::Stop;
use serde_json::json;

use super::{place_of, show_progress, until_stopped};
use crate::backup;
use crate::cli::exit::Failed;
use crate::cli::output;
use crate::config::Config;

/// Read a backup from its first to its last byte, and the originals it needs; no library is needed.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// `latest`, the name of a backup, or a path to one
    #[arg(value_name = "FILE")]
    file: String,
    /// A folder of backups, or `s3` [default: where `ids backup` puts them]
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Reads it through.
pub async fn run(args: VerifyArgs, config: &Config) -> Result<u8, Failed> {
    let place = place_of(args.from.as_deref(), config)?;
    let (place, name) = place.find(&args.file).await?;
    let stop = Stop::default();
    let (progress, clear) = show_progress();
    let work = backup::verify(&place, &name, config.backup.key.as_ref(), true, &stop, &progress);
    let verified = until_stopped(work, &stop).await;
    clear();
    let verified = verified?;
    let (manifest, about) = (&verified.manifest, &verified.manifest.about);
    if args.json {
        let body = json!({
            "file": name.to_string(),
            "verified": true,
            "sha256": verified.sha256.to_string(),
            "bytes": verified.bytes,
            "shape": about.shape.to_string(),
            "ids_version": about.ids_version,
            "schema_version": about.schema_version,
            "rows": manifest.rows(),
            "originals": manifest.originals.len(),
            "missing": manifest.missing,
        });
        output::print(&body.to_string())?;
    } else {
        output::print(&format!(
            "{name} is whole: of the {} shape, by ids {} (schema {}), {}, {}",
            about.shape,
            output::clean(&about.ids_version),
            about.schema_version,
            output::count(manifest.rows(), "row"),
            output::count(manifest.originals.len() as u64, "original"),
        ))?;
    }
    Ok(0)
}
