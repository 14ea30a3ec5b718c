//! The child alone, for this crate's tests and for benches; `ids` calls the same function on its hidden subcommand.
//!
//! `ids-extract-child __extract REQUEST` is the child. The other words misbehave under the child's limits, each in its
//! own way: `allocate`, `spin`, `wait`, `abort`, `overflow`, `chatter`, `nonsense`, `open`, and, as one that was taken over
//! would: `socket`, `execute`, `ptrace`, `fork`, `thread`, `program-memory`.

use std::hint::black_box;
use std::io::Write;
use std::process::ExitCode;

use ids_extract::{child_main, child_main_with, ocr_main};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let word = args.next().unwrap_or_default();
    match word.to_str() {
        Some("__extract") => child_main(args),
        Some("__ocr") => ocr_main(args),
        // The first argument that Tesseract is given.
        Some("stdin") => in_the_place_of_tesseract(&args.collect::<Vec<_>>()),
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
        Some("socket") => child_main_with(args, || {
            say_whether(std::net::UdpSocket::bind("127.0.0.1:0").is_err())
        }),
        Some("execute") => child_main_with(args, || {
            // `exec` itself, in this process: it returns only where it was refused.
            let mut program = std::process::Command::new("/bin/true");
            let refused = std::os::unix::process::CommandExt::exec(&mut program);
            say_whether(refused.raw_os_error().is_some());
        }),
        Some("fork") => child_main_with(args, || {
            say_whether(std::process::Command::new("/bin/true").spawn().is_err())
        }),
        Some("ptrace") => child_main_with(args, || say_whether(!can_be_traced())),
        Some("thread") => child_main_with(args, || {
            say_whether(std::thread::Builder::new().spawn(|| ()).is_err())
        }),
        Some("program-memory") => child_main_with(args, || say_whether(!can_map_a_program())),
        _ => ExitCode::from(2),
    }
}

/// What stands where Tesseract should, and tries what that must not do: what the argument `-l` says.
fn in_the_place_of_tesseract(args: &[std::ffi::OsString]) -> ExitCode {
    let after = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).map(std::path::PathBuf::from)
    };
    let (Some(folder), Some(what)) = (after("--tessdata-dir"), after("-l")) else {
        return ExitCode::from(2);
    };
    let is_refused = match what.to_str() {
        Some("language-data") => std::fs::read(folder.join("por.traineddata")).is_ok(),
        Some("passwords") => std::fs::read("/etc/passwd").is_err(),
        Some("a-file-to-write") => std::fs::write(folder.join("new"), "x").is_err(),
        Some("a-program") => std::process::Command::new("/bin/true").spawn().is_err(),
        Some("a-thread") => std::thread::Builder::new().spawn(|| ()).is_err(),
        Some("a-socket") => std::net::UdpSocket::bind("127.0.0.1:0").is_err(),
        _ => false,
    };
    ExitCode::from(if is_refused { 0 } else { 1 })
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

/// No file can be opened, none of the system's and none that is there for everybody, and none looked at.
fn open() {
    let is_open = ["/etc/passwd", "/proc/self/status", "/dev/null"]
        .iter()
        .any(|path| std::fs::File::open(path).is_ok() || std::fs::metadata(path).is_ok());
    say_whether(!is_open);
}

/// Whether memory can be had that holds a program.
fn can_map_a_program() -> bool {
    let (protection, kind) = (
        libc::PROT_READ | libc::PROT_EXEC,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    // SAFETY: a fresh mapping of no file, which nothing refers to.
    #[expect(unsafe_code, reason = "what a parser that was taken over would do")]
    let mapped = unsafe { libc::mmap(std::ptr::null_mut(), 4_096, protection, kind, -1, 0) };
    mapped != libc::MAP_FAILED
}

/// Whether this process may be looked into by its parent.
fn can_be_traced() -> bool {
    // SAFETY: no pointer is read or written.
    #[expect(unsafe_code, reason = "what a parser that was taken over would do")]
    let answer = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    answer == 0
}

/// Says `Encrypted` when something was refused, and `TooLarge` when it was not; nothing else here says either.
fn say_whether(is_refused: bool) {
    match is_refused {
        true => write(b"\x2b\0\0\0{\"Failed\":{\"reason\":\"Encrypted\",\"text\":\"\"}}"),
        false => write(b"\x2a\0\0\0{\"Failed\":{\"reason\":\"TooLarge\",\"text\":\"\"}}"),
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
