//! Background work: workers take jobs by lease, the reconciler delivers what the queue lost, cleanup removes what is left
//! behind (design.md 2, "Nothing accepted is lost").

mod cleanup;
mod heartbeat;
mod memory;
mod reconcile;
mod retry;
mod worker;

pub use heartbeat::Heartbeat;
pub use memory::MemoryBudget;
pub use reconcile::Reconciler;
pub use retry::backoff;
pub use worker::Worker;
