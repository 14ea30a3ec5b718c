//! Archives and folders of backups: what goes in comes out, and what was cut, changed or made by somebody hostile does not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod archive;
mod folder;
mod fuzz;
mod originals;
mod support;
