//! The machine's clock and identifiers: the only place where either is read.

use std::time::{SystemTime, UNIX_EPOCH};

use ids_core::ports::{Clock, Ids};
use ids_core::time::Timestamp;
use uuid::Uuid;

/// The clock of the operating system.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the adapter that the port stands for"
    )]
    fn now(&self) -> Timestamp {
        // A clock before 1970 is broken; treating it as 1970 keeps everything else running.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Version 7 UUIDs: ordered by time, random otherwise.
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the adapter that the port stands for"
    )]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        if let Err(error) = getrandom::fill(&mut bytes) {
            // Linux gives them always once it is up; a key that can be guessed would be worse than no server.
            tracing::error!("the system gives no random bytes: {error}");
            std::process::abort();
        }
        bytes
    }
}
