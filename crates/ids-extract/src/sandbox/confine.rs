//! What the child takes from itself before it looks at a foreign byte: address space, computing time, files, programs,
//! the file system, the network and most system calls. It does so itself, since doing it between `fork` and `exec` is `unsafe`.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::set_no_new_privs;
use serde::{Deserialize, Serialize};

use super::filter::{self, Purpose};

/// Open files: standard input, output and error, the library while it is loaded, landlock's own.
const OPEN_FILES: u64 = 24;
/// What loads a program of others, by machine and C library; those that are not there are passed over.
const LOADERS: [&str; 4] = [
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
];
/// Where its libraries lie, and the list of them.
const LIBRARIES: [&str; 6] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
];

/// Sets the limits that the kernel always has.
pub(crate) fn limit(address_space_bytes: u64, cpu_seconds: u64) -> io::Result<()> {
    let at_most = |value| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(Resource::As, at_most(address_space_bytes))?;
    // The first limit sends SIGXCPU, which tells the parent why; the second cannot be caught.
    setrlimit(
        Resource::Cpu,
        Rlimit {
            current: Some(cpu_seconds),
            maximum: Some(cpu_seconds + 2),
        },
    )?;
    setrlimit(Resource::Fsize, at_most(0))?;
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Nofile, at_most(OPEN_FILES))?;
    set_no_new_privs(true)?;
    // No other process of the same user may read this one's memory.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Takes away programs, threads, the file system, the network, other processes, and every system call that reading does not
/// need, as far as the kernel can. The library must be loaded before.
pub(crate) fn isolate() -> io::Result<Layers> {
    no_more_processes()?;
    // The calls that set it up are among those that are forbidden next.
    let landlock_version = landlock_all().map_err(io::Error::other)?;
    Ok(Layers {
        landlock_version,
        filters_system_calls: filter::forbid(Purpose::Parse),
    })
}

/// Leaves what a program needs that is about to be run: `program` itself, its loader, and reading in `folders`. It is for
/// text recognition, which is a program of others.
pub(crate) fn isolate_for(program: &Path, folders: &[&Path]) -> io::Result<Layers> {
    no_more_processes()?;
    let landlock_version = landlock_but_for(program, folders).map_err(io::Error::other)?;
    Ok(Layers {
        landlock_version,
        filters_system_calls: filter::forbid(Purpose::Recognize),
    })
}

fn no_more_processes() -> io::Result<()> {
    setrlimit(
        Resource::Nproc,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?;
    Ok(())
}

/// What a child could take from itself beside the limits that every kernel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Layers {
    /// The version of landlock that holds (files, and from the fourth on the network); 0 for none.
    pub landlock_version: u32,
    /// Whether system calls are filtered.
    pub filters_system_calls: bool,
}

/// No file may be opened, no port bound or connected to, no process outside signaled. Without landlock in the kernel
/// nothing happens here; the limits hold all the same.
fn landlock_all() -> Result<u32, RulesetError> {
    let status = ruleset()?.create()?.restrict_self()?;
    Ok(version(&status))
}

/// The same, but for a program and what it reads.
fn landlock_but_for(program: &Path, folders: &[&Path]) -> Result<u32, RulesetError> {
    // Libraries are mapped, which is reading; running is for the program and for what loads it.
    let run = AccessFs::Execute | AccessFs::ReadFile;
    let status = ruleset()?
        .create()?
        .add_rules(path_beneath_rules([program], run))?
        .add_rules(path_beneath_rules(LOADERS, run))?
        .add_rules(path_beneath_rules(
            LIBRARIES,
            AccessFs::ReadFile | AccessFs::ReadDir,
        ))?
        .add_rules(path_beneath_rules(
            folders,
            AccessFs::ReadFile | AccessFs::ReadDir,
        ))?
        .restrict_self()?;
    Ok(version(&status))
}

fn ruleset() -> Result<Ruleset, RulesetError> {
    let abi = ABI::V6;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))
}

fn version(status: &RestrictionStatus) -> u32 {
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } if status.ruleset != RulesetStatus::NotEnforced => {
            effective_abi as u32
        }
        _ => 0,
    }
}

/// Whether the kernel can take the file system and the network from a child; the other limits hold in any case.
pub fn landlock_is_available() -> bool {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create)
        .is_ok()
}

/// Ends this process when nobody reads its standard output any more: a parent that was killed leaves no child. Not
/// `PR_SET_PDEATHSIG`, which fires when the *thread* that started the child ends, and threads of a pool do.
pub(crate) fn end_with_the_reader() -> io::Result<()> {
    let watch = || {
        let stdout = io::stdout();
        // Of a pipe's writing end, an error says that the reading end is closed; it is told unasked.
        let mut ends = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::empty())];
        while let Err(rustix::io::Errno::INTR) = poll(&mut ends, None) {}
        std::process::abort();
    };
    thread::Builder::new().stack_size(64 * 1_024).spawn(watch)?;
    Ok(())
}
