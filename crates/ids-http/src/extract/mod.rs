//! Requests to values, with every fault in the one error shape.

mod body;
mod fields;
mod path;

pub(crate) use body::{JsonBody, has_content_type, read_all};
pub(crate) use fields::{Fields, content_type};
pub(crate) use path::{PathOf, QueryOf, parse_id};
