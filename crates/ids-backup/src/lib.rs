//! Backups as files: one archive a backup, and beside the archives the bytes of documents, each once, named by its hash.
//!
//! ```text
//! DIR/ids-20260131T031500Z.tar.gz[.age]     about.json, library.db or tables/NAME/000001.copy ..., included/..., manifest.json
//! DIR/ids-20260131T031500Z.sha256           for `sha256sum -c`
//! DIR/ids-20260131T031500Z.originals        the names of the bytes that this backup needs, one a line
//! DIR/originals/ab/abcdef...[.KEY.age]      bytes of documents; KEY tells which key opens them
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `age` | encryption by passphrase, as `age` does it |
//! | `key` | the key of backups, and the one that is made of it for the bytes of documents |
//! | `manifest` | what an archive says of itself |
//! | `archive` | writes an archive, and reads one as if somebody hostile had made it |
//! | `folder` | names, publishing in one step, lists, removal of what is old |
//! | `originals` | the bytes of documents, by hash |
//!
//! **Invariants.** A name `ids-....tar.gz[.age]` is a whole backup: it is given last, by a rename, when all bytes are on the disk. Nothing that an
//! archive names is opened or written outside of where the reader asked. All is streamed; nothing is held in memory whole but the
//! manifest. File I/O blocks: call it off the runtime.

pub mod age;
mod archive;
mod error;
mod folder;
mod key;
mod manifest;
mod originals;
mod stop;

pub use archive::{ArchiveWriter, Part, ReadArchive, WrittenArchive, read_archive};
pub use error::BackupError;
pub use folder::{BackupFolder, BackupName, ListedBackup, NewBackup, list_backups, originals_of};
pub use key::{BackupKey, OriginalsKey, ShortKey};
pub use manifest::{About, FORMAT, Manifest, Member, OriginalEntry, Sequence, Shape, Table, TableRows};
pub use originals::{KeptBytes, Originals, open_original};
pub use stop::Stop;
