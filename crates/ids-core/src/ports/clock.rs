//! Time and identifiers, so that tests can set both.

use uuid::Uuid;

use crate::time::Timestamp;

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// New identifiers.
pub trait Ids: Send + Sync {
    /// A UUID that was never given before.
    fn next(&self) -> Uuid;

    /// 32 bytes that nobody can guess, for secrets.
    fn secret(&self) -> [u8; 32];
}
