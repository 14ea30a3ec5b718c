//! What travels: one type per body, private to this crate, so that no refactor of the domain changes the API.

pub(crate) mod chat;
pub(crate) mod chunk;
pub(crate) mod collection;
pub(crate) mod document;
pub(crate) mod error;
pub(crate) mod key;
pub(crate) mod meta;
pub(crate) mod openai;
pub(crate) mod page;
pub(crate) mod privacy;
pub(crate) mod queue;
pub(crate) mod search;
pub(crate) mod time;
pub(crate) mod upload;
pub(crate) mod usage;

/// A score as it is sent: six decimals say all that ranking knows, and keep f32's noise out of the bodies.
pub(crate) fn rounded(score: f32) -> f64 {
    (f64::from(score) * 1e6).round() / 1e6
}

/// Seconds with milliseconds.
pub(crate) fn seconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e3).round() / 1e3
}
