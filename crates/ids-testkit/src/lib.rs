//! Contract suites for the ports of `ids-core`, and what tests of adapters share: a clock that stands still, ids that
//! count, stores with documents in them, the test data.

pub mod clock;
pub mod contracts;
pub mod ids;
pub mod stores;
pub mod testdata;

pub use clock::ManualClock;
pub use ids::SequentialIds;
pub use stores::Stores;
