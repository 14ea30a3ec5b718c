//! Bytes of uploads and kept originals: adapters for the [`BlobStore`](ids_core::ports::BlobStore) port.
//!
//! `folder` keeps them in a folder of this machine and receives uploads through addresses signed by this process
//! (`signing`). `copy` takes blobs from one store to another. `s3` keeps them in a bucket, which receives uploads itself.

mod copy;
mod error;
mod folder;
mod key;
mod partial;
mod s3;
mod signing;
mod slots;
mod spool;

pub use copy::StoreToStore;
pub use folder::FolderBlobStore;
pub use ids_net::{Secret, TrustedRoots};
pub use s3::{
    CorsState, Deadlines, LifecycleState, PathStyle, RetryPolicy, RoundTripFailure, S3BlobStore, S3Config,
    S3ConfigError,
};
pub use signing::SigningKey;
pub use spool::WRITE_BUFFER_BYTES;
