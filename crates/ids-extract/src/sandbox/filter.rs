//! The filter of system calls (seccomp). Two filters, of which the stricter answer counts:
//!
//! - what a parser may call is a list; every other call fails with `EPERM`. It fails rather than kills, since libraries try
//!   things that they can do without (pdfium looks for folders of fonts, glibc for a newer call), and a document must not be
//!   lost over that;
//! - what no parser ever has a reason to call (a socket, another program, another process's memory, a new process of the kinds
//!   that are no threads, the inside of the kernel) ends the child at once with `SIGSYS`: its parser was taken over.
//!
//! Threads cannot be made, so the one that watches the parent is there before, and the filter is set for both at once.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

/// What computing takes: memory, time, the descriptors that are open, locks, the end of the process.
const COMPUTING: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fcntl,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_sysinfo,
    // Of itself only: no other process may be signaled under landlock, and `kill` is not here.
    libc::SYS_tgkill,
    libc::SYS_write,
    libc::SYS_writev,
];

/// What else a program takes that is loaded and run: Tesseract. Which files these may open is landlock's matter.
const LOADING: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getuid,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_prlimit64,
    libc::SYS_readlinkat,
    libc::SYS_set_tid_address,
    libc::SYS_statx,
    libc::SYS_uname,
];

/// Calls that arm64 does not have and x86-64 has from of old.
#[cfg(target_arch = "x86_64")]
const COMPUTING_OF_OLD: &[i64] = &[libc::SYS_poll, libc::SYS_time];
#[cfg(target_arch = "x86_64")]
const LOADING_OF_OLD: &[i64] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_open,
    libc::SYS_readlink,
    libc::SYS_stat,
];
#[cfg(target_arch = "x86_64")]
const NEVER_OF_OLD: &[i64] = &[libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const COMPUTING_OF_OLD: &[i64] = &[];
#[cfg(not(target_arch = "x86_64"))]
const LOADING_OF_OLD: &[i64] = &[];
#[cfg(not(target_arch = "x86_64"))]
const NEVER_OF_OLD: &[i64] = &[];

/// What ends a child at once.
const NEVER: &[i64] = &[
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_execveat,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_socket,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// What a process is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Parse, with everything loaded: it needs no file but those that are open, and memory that holds no program.
    Parse,
    /// Become another program that loads its own libraries, and read with it.
    Recognize,
}

/// Sets the filter for all threads, for good. `false` where the kernel, or the container's runtime, has no such filter.
pub(super) fn forbid(purpose: Purpose) -> bool {
    // Between the two nothing foreign is looked at, so their order does not matter.
    let programs = programs(purpose);
    programs.is_some_and(|programs| {
        programs
            .iter()
            .all(|program| apply_filter_all_threads(program).is_ok())
    })
}

fn programs(purpose: Purpose) -> Option<[BpfProgram; 2]> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    let mut allowed: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let mut never: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let computing = COMPUTING.iter().chain(COMPUTING_OF_OLD);
    allowed.extend(computing.map(|&call| (call, Vec::new())));
    never.extend(NEVER.iter().chain(NEVER_OF_OLD).map(|&call| (call, Vec::new())));
    match purpose {
        Purpose::Parse => {
            for call in [libc::SYS_mmap, libc::SYS_mprotect] {
                allowed.insert(call, vec![without_programs()?]);
            }
            never.insert(libc::SYS_execve, Vec::new());
        }
        Purpose::Recognize => {
            let loading = LOADING.iter().chain(LOADING_OF_OLD);
            allowed.extend(loading.map(|&call| (call, Vec::new())));
        }
    }
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let allowed = SeccompFilter::new(allowed, refused, SeccompAction::Allow, arch).ok()?;
    let never = SeccompFilter::new(never, SeccompAction::Allow, SeccompAction::KillProcess, arch).ok()?;
    Some([never.try_into().ok()?, allowed.try_into().ok()?])
}

/// The third argument, the protection, does not say that the memory may be run.
fn without_programs() -> Option<SeccompRule> {
    let is_not_run = SeccompCondition::new(
        2,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64),
        0,
    );
    SeccompRule::new(vec![is_not_run.ok()?]).ok()
}

#[cfg(test)]
mod tests {
    use super::{Purpose, programs};

    #[test]
    fn both_filters_can_be_made_for_this_machine() {
        for purpose in [Purpose::Parse, Purpose::Recognize] {
            let programs = programs(purpose).unwrap();
            assert!(programs.iter().all(|program| program.len() > 20), "{purpose:?}");
        }
    }
}
