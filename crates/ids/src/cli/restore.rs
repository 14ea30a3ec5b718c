//! `ids restore`: makes a library of a backup.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use ids_backup::{BackupName, Stop};
use serde_json::json;

use super::backup::{place_of, show_progress, until_stopped};
use super::exit::Failed;
use super::{confirm, output};
use crate::backup::{self, BackupPlace, RestoreOptions, Restored, Target};
use crate::config::Config;

/// Make a library of a backup, in the shape that is configured: whole, or not at all. The library must not be in use meanwhile, and must be
/// empty unless `--replace` is given. Backups of earlier versions are brought to this one.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// `latest`, the name of a backup, or a path to one
    #[arg(value_name = "FILE")]
    file: String,
    /// A folder of backups, or `s3` [default: where `ids backup` puts them]
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// Replace the library that is there, after asking
    #[arg(long)]
    replace: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Restore without the originals of documents
    #[arg(long)]
    no_originals: bool,
    /// Take included files out to this folder, which should be empty
    #[arg(long, value_name = "DIR")]
    included_to: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Restores and says what came of it.
pub async fn run(args: RestoreArgs, config: &Config) -> Result<u8, Failed> {
    let begin = Instant::now();
    let place = place_of(args.from.as_deref(), config)?;
    let (place, name) = place.find(&args.file).await?;
    let target = Target::open(config).await?;
    agree(&args, &target, &place, &name).await?;
    let options = RestoreOptions {
        with_originals: !args.no_originals,
        included_to: args.included_to.clone(),
    };
    let stop = Stop::default();
    let (progress, clear) = show_progress();
    let work = async {
        let verified = backup::check(config, &place, &name, &options, &stop, &progress).await?;
        backup::restore(
            config,
            target,
            (&place, &name),
            verified,
            &options,
            &stop,
            &progress,
        )
        .await
    };
    let restored = until_stopped(work, &stop).await;
    clear();
    let restored = restored?;
    for remark in &restored.remarks {
        output::remark(&output::clean(remark));
    }
    tell(&args, &name, &restored, begin.elapsed().as_secs_f64())?;
    Ok(0)
}

async fn agree(
    args: &RestoreArgs,
    target: &Target,
    place: &BackupPlace,
    name: &BackupName,
) -> Result<(), Failed> {
    let standing = target.standing();
    if standing.is_empty() {
        return Ok(());
    }
    let what = if standing.is_unreadable {
        "a library that cannot be read".to_owned()
    } else {
        format!(
            "a library with {}, {} and {}",
            output::count(standing.documents, "document"),
            output::count(standing.sessions, "conversation"),
            output::count(standing.keys, "key")
        )
    };
    if !args.replace {
        return Err(Failed::because(format!(
            "there is {what}; give --replace to put the backup in its place, or restore into an empty one"
        )));
    }
    if args.yes {
        return Ok(());
    }
    let question = format!(
        "There is {what}. Replace all of it by `{name}` of `{}`? [y/N] ",
        place.name()
    );
    if confirm::confirmed(&question).await? {
        Ok(())
    } else {
        Err(Failed::because("nothing was restored"))
    }
}

fn tell(args: &RestoreArgs, name: &BackupName, restored: &Restored, seconds: f64) -> Result<(), Failed> {
    let (manifest, about) = (&restored.manifest, &restored.manifest.about);
    let originals = if args.no_originals {
        0
    } else {
        manifest.originals.len()
    };
    if !args.json {
        return output::print(&format!(
            "restored {name}: {}, {}, all counted and compared, {seconds:.1} s",
            output::count(manifest.rows(), "row"),
            output::count(originals as u64, "original"),
        ));
    }
    let body = json!({
        "file": name.to_string(),
        "verified": true,
        "shape": about.shape.to_string(),
        "ids_version": about.ids_version,
        "schema_version": about.schema_version,
        "rows": manifest.rows(),
        "originals": originals,
        "missing": manifest.missing,
        "included": restored.included,
        "remarks": restored.remarks,
        "seconds": (seconds * 1_000.0).round() / 1_000.0,
    });
    output::print(&body.to_string())
}
