//! Identifiers that count, so that snapshots are the same in every run.

use std::sync::atomic::{AtomicU64, Ordering};

use ids_core::ports::Ids;
use uuid::Uuid;

/// Gives `00000000-0000-7000-8000-000000000001` and so on: valid UUIDs of version 7, in rising order.
#[derive(Debug, Default)]
pub struct SequentialIds {
    given: AtomicU64,
}

impl Ids for SequentialIds {
    fn next(&self) -> Uuid {
        const VERSION_7: u128 = 0x7000_8000_0000_0000_0000;
        let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
        Uuid::from_u128(VERSION_7 | u128::from(number))
    }

    fn secret(&self) -> [u8; 32] {
        let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&number.to_be_bytes());
        bytes
    }
}
