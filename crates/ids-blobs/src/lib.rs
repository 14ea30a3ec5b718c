//! Bytes of uploads and kept originals: adapters for the [`BlobStore`](ids_core::ports::BlobStore) port.
//!
//! `folder` keeps them in a folder of this machine and receives uploads through addresses signed by this process
//! (`signing`). `s3` keeps them in a bucket, which receives uploads itself; it comes with the server shape.

mod error;
mod folder;
mod key;
mod signing;

pub use folder::{FolderBlobStore, WRITE_BUFFER_BYTES};
pub use signing::SigningKey;
