//! The child alone, for this crate's tests and for benches; `ids` calls the same function on its hidden subcommand.
//!
//! `ids-extract-child __extract REQUEST` is the child. The other words misbehave under the child's limits, each in its
//! own way: `allocate`, `spin`, `wait`, `abort`, `overflow`, `chatter`, `nonsense`, `open`.

use std::hint::black_box;
use std::io::Write;
use std::process::ExitCode;

use ids_extract::{child_main, child_main_with};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let word = args.next().unwrap_or_default();
    match word.to_str() {
        Some("__extract") => child_main(args),
        Some("allocate") => child_main_with(args, allocate),
        Some("spin") => child_main_with(args, || while black_box(true) {}),
        Some("wait") => child_main_with(args, || {
            while black_box(true) {
                std::thread::park()
            }
        }),
        Some("abort") => child_main_with(args, || std::process::abort()),
        Some("overflow") => child_main_with(args, || {
            black_box(overflow(1));
        }),
        Some("chatter") => child_main_with(args, chatter),
        Some("nonsense") => child_main_with(args, || write(b"\x03\0\0\0{}}")),
        Some("open") => child_main_with(args, open),
        _ => ExitCode::from(2),
    }
}

fn allocate() {
    let mut held = Vec::new();
    loop {
        held.push(vec![1_u8; 16 * 1_024 * 1_024]);
        black_box(&held);
    }
}

fn overflow(depth: u64) -> u64 {
    let here = black_box([depth; 64]);
    if black_box(depth) == 0 {
        0
    } else {
        overflow(depth + 1) + here[0]
    }
}

/// Notes without end: the limit of output.
fn chatter() {
    loop {
        write(b"\x15\0\0\0{\"Total\":{\"pages\":1}}");
    }
}

/// Says `Encrypted`, which nothing else here does, when no file can be opened and no port bound.
fn open() {
    let is_open = std::fs::File::open("/proc/self/status").is_ok()
        || std::net::TcpListener::bind("127.0.0.1:0").is_ok();
    if !is_open {
        write(b"\x2b\0\0\0{\"Failed\":{\"reason\":\"Encrypted\",\"text\":\"\"}}");
    }
}

/// To standard output itself: the writer of frames holds the lock.
fn write(bytes: &[u8]) {
    let stdout = std::fs::File::from(
        match std::os::fd::AsFd::as_fd(&std::io::stdout()).try_clone_to_owned() {
            Ok(stdout) => stdout,
            Err(_) => std::process::abort(),
        },
    );
    if (&stdout).write_all(bytes).is_err() {
        std::process::exit(1);
    }
}
