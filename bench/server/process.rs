//! What the kernel knows of a process: its memory and the CPU time it took.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinSet;

/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(50);
/// Linux gives times to programs in hundredths of a second, whatever the kernel counts in.
const TICKS_PER_SECOND: f64 = 100.0;

/// Memory in MB (1,024 times 1,024 bytes).
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Its share of what is in memory: pages of several processes count as a part.
    pub pss: f64,
    /// Of that what is the process's own, not a file's.
    pub anonymous: f64,
    /// All that is in memory, shared pages whole.
    pub rss: f64,
}

/// Memory of a process and its children; of one that is gone, nothing.
pub fn memory(pid: u32) -> Memory {
    let mut all = Memory::default();
    for pid in tree(pid) {
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else {
            continue;
        };
        let megabytes = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
            kilobytes.unwrap_or(0.0) / 1_024.0
        };
        all.pss += megabytes("Pss:");
        all.anonymous += megabytes("Pss_Anon:");
        all.rss += megabytes("Rss:");
    }
    all
}

fn tree(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut at = 0;
    while at < found.len() {
        let pid = found[at];
        at += 1;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
            continue;
        };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .filter_map(|child| child.parse::<u32>().ok()),
            );
        }
    }
    found
}

/// Seconds of CPU that a process has taken, in user and kernel mode, ended threads included.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let [user, kernel, _, _] = times(pid)?;
    Ok(user + kernel)
}

/// The same with its children that have ended.
pub fn cpu_seconds_with_children(pid: u32) -> Result<f64> {
    Ok(times(pid)?.iter().sum())
}

/// User and kernel mode, then the same of children that have ended.
fn times(pid: u32) -> Result<[f64; 4]> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
    // Its name, in parentheses, may hold anything.
    let after_name = stat.rsplit_once(") ").context("no name")?.1;
    let mut found = [0.0; 4];
    for (seconds, field) in found.iter_mut().zip(after_name.split(' ').skip(11)) {
        *seconds = field.parse::<f64>()? / TICKS_PER_SECOND;
    }
    Ok(found)
}

/// Looks at the memory of a process and its children until it is stopped.
pub struct Watch {
    stopped: Arc<AtomicBool>,
    task: JoinSet<Memory>,
}

impl Watch {
    /// Begins.
    pub fn begin(pid: u32) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut most = Memory::default();
            while !seen.load(Ordering::Relaxed) {
                let now = memory(pid);
                if now.pss > most.pss {
                    most = now;
                }
                tokio::time::sleep(EVERY).await;
            }
            most
        });
        Self { stopped, task }
    }

    /// The most there was.
    pub async fn most(mut self) -> Result<Memory> {
        self.stopped.store(true, Ordering::Relaxed);
        Ok(self.task.join_next().await.context("it was begun")??)
    }
}
