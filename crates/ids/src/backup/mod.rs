//! Making backups of a library of either shape, and libraries of backups. What a backup is as files stands in `ids-backup`, how rows are
//! read and written in the stores; this puts them together.

mod bytes;
mod copies;
mod library;
mod make;
mod place;
mod progress;
mod restore;
mod rows;
mod verify;

pub use copies::copy_to_bucket;
pub use make::{Included, Made, MakeOptions, make, record};
pub use place::BackupPlace;
pub use progress::{Progress, Step};
pub use restore::{RestoreOptions, Restored, Target, check, restore};
pub use verify::verify;

use anyhow::Context;

/// Work that reads and writes files, off the runtime.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> anyhow::Result<T>
where
    T: Send + 'static,
    E: Into<anyhow::Error> + Send + 'static,
{
    tokio::task::spawn_blocking(work)
        .await
        .context("a thread ended by a panic")?
        .map_err(Into::into)
}
