//! The built-in embedding model: multilingual-e5-small pruned to English and Portuguese, run in process.
//!
//! Three layers, each usable without the next: [`Model`] turns one text into one vector on the calling thread;
//! [`EmbeddingPool`] spreads passages over a bounded set of threads; [`BuiltInEmbedder`] is the adapter for the ports
//! of `ids-core`. No file is opened and no network is used: the caller hands over the model file's bytes.
//!
//! What holds, each by a test: the same text gives the same bits on every kernel, thread and batch; no bytes given
//! as a model file make it panic; memory is bounded whatever the text.

mod adapter;
mod attention;
mod engine;
mod file;
mod kernel;
mod linear;
mod math;
mod model;
mod pool;
mod priority;
mod tokenizer;

pub use adapter::BuiltInEmbedder;
pub use file::ModelFileError;
pub use kernel::Kernel;
pub use model::{DIMENSIONS, Model, TextEmbedding, TextKind, Workspace};
pub use pool::{EmbeddingPool, PoolStopped};
