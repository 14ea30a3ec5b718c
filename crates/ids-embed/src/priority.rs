//! The scheduling priority of a thread.

/// How much a thread gives way, on the scale of `nice`: at 10 it gets about a tenth of what an ordinary thread gets,
/// and everything when nobody else wants the core.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Lowers the priority of the calling thread on Linux; does nothing elsewhere, where it would lower the process.
pub(crate) fn lower() {
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "the standard library has no call for it")]
    // SAFETY: a system call that takes three numbers and touches no memory. On Linux, process 0 is the calling
    // thread alone. Its failure is ignored: the thread then works at the priority it has.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
    }
}
