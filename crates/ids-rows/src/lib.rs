//! What rows hold in every store: the byte forms of lists that are only read whole, and the words of states.
//!
//! Both stores write the same bytes and words, so that a library can be moved from one to the other as it lies.

pub mod codec;
pub mod filter;
pub mod words;
