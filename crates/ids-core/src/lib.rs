//! The domain of `ids`: types, ports, pipelines and every rule. It does no I/O and knows no framework.
//!
//! Folders follow the way of a document ([`ingest`]), of its job ([`jobs`]) and of a question ([`search`]); [`ports`] is
//! what the domain needs of the world; [`library`] is the one door through which front ends come in.

pub mod access;
pub mod answer;
pub mod backup;
pub mod budget;
pub mod chunk;
pub mod cleanup;
mod content_type;
pub mod document;
pub mod embedding;
pub mod error;
pub mod eval;
pub mod id;
pub mod ingest;
pub mod job;
pub mod jobs;
pub mod library;
pub mod limits;
pub mod member;
pub mod moving;
pub mod page;
pub mod page_image;
pub mod password;
pub mod ports;
pub mod rate_limit;
pub mod scope;
pub mod search;
pub mod session;
pub mod shield;
pub mod slots;
pub mod span;
pub mod time;
pub mod trace;
