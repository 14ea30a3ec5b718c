//! How much memory there is, and how much this process may use: what its control group allows, else what the machine has.

use std::fs;
use std::path::{Path, PathBuf};

/// The memory that this process lives in, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// That of the machine.
    pub machine: u64,
    /// What of it can be had without swapping.
    pub available: u64,
    /// What the process's control group may use, of either version.
    pub group_limit: Option<u64>,
}

impl Memory {
    /// Asks the system; `None` where it does not say.
    pub fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/meminfo").ok()?;
        let groups = fs::read_to_string("/proc/self/cgroup").ok();
        Some(Self {
            machine: meminfo(&text, "MemTotal:")?,
            available: meminfo(&text, "MemAvailable:")?,
            group_limit: groups.and_then(|groups| group_limit(&groups, Path::new("/sys/fs/cgroup"))),
        })
    }
}

/// In MB; `None` where the system does not say.
pub fn limit_megabytes() -> Option<u64> {
    let memory = Memory::read()?;
    let bytes = memory.group_limit.unwrap_or(u64::MAX).min(memory.machine);
    Some(bytes / (1024 * 1024))
}

fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The limit of the process's control group, of either version. A container sees its own group as the root.
fn group_limit(own_groups: &str, root: &Path) -> Option<u64> {
    let mut files: Vec<PathBuf> = Vec::new();
    for line in own_groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            files.push(root.join(path).join("memory.max"));
        } else if controllers.split(',').any(|name| name == "memory") {
            files.push(root.join("memory").join(path).join("memory.limit_in_bytes"));
        }
    }
    files.push(root.join("memory.max"));
    files.push(root.join("memory/memory.limit_in_bytes"));
    // `max`, and the huge number of version 1, mean none: they do not parse, or the machine has less.
    files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
        .min()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{group_limit, meminfo};

    #[test]
    fn the_machines_memory_is_read() {
        assert_eq!(
            meminfo("MemTotal:       2048 kB\nMemFree: 1 kB\n", "MemTotal:"),
            Some(2048 * 1024)
        );
        assert_eq!(meminfo("", "MemTotal:"), None);
    }

    #[test]
    fn the_smallest_limit_of_either_version_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(group_limit("0::/a\n", root.path()), None);
        write("a/memory.max", "max\n");
        assert_eq!(group_limit("0::/a\n", root.path()), None);
        write("a/memory.max", "268435456\n");
        assert_eq!(group_limit("0::/a\n", root.path()), Some(268_435_456));
        write("memory/b/memory.limit_in_bytes", "1000\n");
        assert_eq!(group_limit("5:cpu,memory:/b\n0::/a\n", root.path()), Some(1_000));
    }
}
