//! Tests of the embedding engine, on the real model file and on small random ones.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::print_stdout,
    reason = "what a test leaves out, and the figures it measured"
)]

mod adapter;
mod fuzz;
mod hostile_files;
mod kernels;
mod pool;
mod real_model;
mod texts;
mod tiny_model;
mod tokens;
mod vectors;
