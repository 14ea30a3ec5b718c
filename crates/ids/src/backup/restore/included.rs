//! Files that were put into an archive on request.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ids_backup::{Part, Stop, read_archive};

use super::make_private;
use crate::backup::blocking;
use crate::backup::verify::VerifiedBackup;
use crate::config::Config;

/// Takes them out below `folder`, over nothing that is there.
pub(super) async fn take_out(
    verified: &VerifiedBackup,
    config: &Config,
    folder: &Path,
    stop: &Stop,
) -> anyhow::Result<Vec<PathBuf>> {
    let archive = Arc::clone(&verified.archive);
    let (folder, key, stop) = (folder.to_owned(), config.backup.key.clone(), stop.clone());
    blocking(move || -> anyhow::Result<_> {
        make_private(&folder)?;
        let mut taken = Vec::new();
        let read = read_archive(archive.path(), "the archive", key.as_ref(), &stop, &mut |part| {
            let Part::Included { path, bytes } = part else {
                return Ok(());
            };
            let target = folder.join(path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut options = File::options();
            // Never over a file, nor through a link.
            let mut file = options.write(true).create_new(true).mode(0o600).open(&target)?;
            io::copy(bytes, &mut file)?;
            file.sync_all()?;
            taken.push(target);
            Ok(())
        });
        let into = || {
            format!(
                "the library is restored; the included files cannot be taken out to `{}`, which should be an empty folder",
                folder.display()
            )
        };
        read.with_context(into)?;
        Ok(taken)
    })
    .await
}
