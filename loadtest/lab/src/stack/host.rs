//! The machine: what it is, and where its CPU time goes while a run takes place.

use anyhow::Context;
use lab_truth::evidence::CpuShares;
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::Path;
use std::time::Instant;

/// CPU time of the whole machine since it started, in clock ticks.
#[derive(Debug, Clone, Copy)]
pub struct CpuTimes {
    idle: u64,
    steal: u64,
    total: u64,
}

/// Clock ticks a second that `/proc` counts in; the kernel's interface fixes it to 100.
const TICKS_PER_SECOND: f64 = 100.0;

impl CpuTimes {
    /// Reads `/proc/stat`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn now() -> anyhow::Result<Self> {
        let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
        let line = stat.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal
        let ticks: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .map_while(|t| t.parse().ok())
            .collect();
        let at = |index: usize| ticks.get(index).copied().unwrap_or_default();
        Ok(Self {
            idle: at(3) + at(4),
            steal: at(7),
            total: ticks.iter().take(8).sum(),
        })
    }

    /// How CPU time was spent since `earlier`.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "ticks of a run are exact in a double"
    )]
    pub fn since(&self, earlier: &Self) -> CpuShares {
        let total = (self.total - earlier.total).max(1) as f64;
        CpuShares {
            idle_s: self.idle.saturating_sub(earlier.idle) as f64 / TICKS_PER_SECOND,
            steal: self.steal.saturating_sub(earlier.steal) as f64 / total,
        }
    }
}

/// The kernel's release.
#[must_use]
pub fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

/// The CPU's model as the kernel names it.
#[must_use]
pub fn cpu_model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": "))
        .map_or("unknown", |(_, model)| model)
        .to_owned()
}

/// Logical cores this process may use.
#[must_use]
pub fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

/// Memory of the machine in bytes; 0 when the kernel does not say.
#[must_use]
pub fn memory_bytes() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// Median time of one 8 kB write with fdatasync in `folder`, in µs: the floor of a durable commit.
///
/// # Errors
/// When the folder cannot be written to.
pub fn fdatasync_us(folder: &Path) -> anyhow::Result<f64> {
    const TRIES: usize = 101;
    let path = folder.join(format!(".fdatasync-{}", std::process::id()));
    let mut file =
        File::create(&path).with_context(|| format!("cannot write to {}", folder.display()))?;
    let page = [7_u8; 8192];
    let mut times = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        let began = Instant::now();
        file.rewind()?;
        file.write_all(&page)?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    fs::remove_file(&path)?;
    times.sort_by(f64::total_cmp);
    Ok(times[TRIES / 2])
}
