//! What the child takes from itself before it looks at a foreign byte: address space, computing time, files, programs,
//! the file system and the network. It does so itself, since doing it between `fork` and `exec` is `unsafe`.

use std::io;
use std::os::fd::AsFd;
use std::thread;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError, Scope,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::set_no_new_privs;

/// Open files: standard input, output and error, the library while it is loaded, landlock's own.
const OPEN_FILES: u64 = 24;

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

/// Takes away programs, threads, the file system, the network and other processes, as far as the kernel can. The
/// library must be loaded before.
pub(crate) fn isolate() -> io::Result<()> {
    setrlimit(
        Resource::Nproc,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?;
    landlock_all().map_err(io::Error::other)
}

/// No file may be opened, no port bound or connected to, no process outside signaled. Without landlock in the kernel
/// nothing happens here; the limits hold all the same.
fn landlock_all() -> Result<(), RulesetError> {
    let abi = ABI::V6;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    Ok(())
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
