//! Contract suites for the ports of `ids-core`, and what tests of adapters share: a clock that stands still, ids that
//! count, stores with documents in them, a server that plays a model's, fuzzing, the test data.

pub mod belongings;
pub mod clock;
pub mod contracts;
pub mod fuzz;
pub mod ids;
pub mod model_server;
pub mod records;
pub mod services;
pub mod stores;
pub mod testdata;
pub mod wait;

pub use clock::ManualClock;
pub use ids::SequentialIds;
pub use model_server::{Gate, Script, ScriptedModelServer};
pub use stores::Stores;
