//! What the system says of this process and of disks, under the names that every Prometheus client uses.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use ids_core::time::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::metrics::{Label, Seconds};

/// A folder that must not run full.
#[derive(Debug, Clone)]
pub struct WatchedFolder {
    /// A word for `folder` in `/metrics`: `data`, `spool`, `backups`.
    pub name: &'static str,
    /// Where it is; looked at through its nearest parent that is there.
    pub path: PathBuf,
}

/// Room on a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    free: u64,
    size: u64,
}

pub(crate) struct ProcessMetrics {
    resident_memory: Gauge,
    cpu: Counter<f64, AtomicU64>,
    open_files: Gauge,
    most_files: Gauge,
    start: Seconds,
    disk_free: Family<[Label; 1], Gauge>,
    disk_size: Family<[Label; 1], Gauge>,
}

impl ProcessMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            resident_memory: Gauge::default(),
            cpu: Counter::default(),
            open_files: Gauge::default(),
            most_files: Gauge::default(),
            start: Seconds::default(),
            disk_free: Family::default(),
            disk_size: Family::default(),
        };
        registry.register(
            "process_resident_memory_bytes",
            "Memory in RAM of this process",
            metrics.resident_memory.clone(),
        );
        registry.register(
            "process_cpu_seconds",
            "CPU that this process used, in user and kernel mode",
            metrics.cpu.clone(),
        );
        registry.register(
            "process_open_fds",
            "Files and connections that this process has open",
            metrics.open_files.clone(),
        );
        registry.register(
            "process_max_fds",
            "How many it may have open",
            metrics.most_files.clone(),
        );
        registry.register(
            "process_start_time_seconds",
            "When this process began to serve, since 1970",
            metrics.start.clone(),
        );
        let free = "Bytes free on the disk of a folder: of data, or of uploads on their way";
        registry.register("ids_disk_free_bytes", free, metrics.disk_free.clone());
        registry.register(
            "ids_disk_size_bytes",
            "Bytes that the disk of that folder has",
            metrics.disk_size.clone(),
        );
        metrics
    }

    /// Reads everything. May touch disks, so it runs where waiting is allowed.
    pub(crate) fn read(&self, started_at: Timestamp, folders: &[WatchedFolder]) {
        self.start.set(started_at.as_micros() as f64 / 1e6);
        if let Some(bytes) = resident_memory() {
            self.resident_memory.set(bytes);
        }
        if let Some(seconds) = cpu_seconds() {
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            self.open_files.set(gauge_value(entries.count() as u64));
        }
        let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        self.most_files.set(most.map_or(i64::MAX, gauge_value));
        for folder in folders {
            if let Some(room) = room(&folder.path) {
                let label: [Label; 1] = [("folder", folder.name.into())];
                self.disk_free.get_or_create(&label).set(gauge_value(room.free));
                self.disk_size.get_or_create(&label).set(gauge_value(room.size));
            }
        }
    }
}

pub(crate) fn gauge_value(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn room(folder: &Path) -> Option<Room> {
    let there = folder.ancestors().find(|path| path.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(Room {
        free: disk.f_bavail.saturating_mul(disk.f_frsize),
        size: disk.f_blocks.saturating_mul(disk.f_frsize),
    })
}

/// Bytes of this process in RAM; `None` where the system does not say.
fn resident_memory() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?
        .trim()
        .strip_suffix("kB")?;
    Some(kilobytes.trim().parse::<i64>().ok()? * 1024)
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let ticks = cpu_ticks(&stat)?;
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Fields 14 and 15 of `/proc/<pid>/stat`; the name before them may hold anything, and ends with the last parenthesis.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{cpu_seconds, cpu_ticks, resident_memory, room};

    #[test]
    fn this_process_is_measured() {
        assert!(resident_memory().is_some_and(|bytes| bytes > 1024 * 1024));
        assert!(cpu_seconds().is_some());
        let room = room(Path::new("/tmp/not/there/yet")).unwrap();
        assert!(room.free <= room.size && room.size > 0, "{room:?}");
    }

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 1 0 0 0 30 12 0 0 20 0 1 0 5";
        assert_eq!(cpu_ticks(stat), Some(42));
    }
}
