//! What was claimed of the containers, and what was seen of them.

use crate::record::CapSource;
use std::collections::BTreeMap;
use std::time::Instant;

/// What the Compose files claim for one service.
#[derive(Debug, Clone)]
pub struct ClaimedCap {
    /// Compose service.
    pub service: String,
    /// CPUs.
    pub cpus: f64,
    /// Memory in bytes.
    pub memory_bytes: u64,
}

/// What was found of one container at one moment.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// CPUs it may use.
    pub cpus: f64,
    /// Memory it may use, in bytes.
    pub memory_bytes: u64,
    /// Who says so.
    pub caps_from: CapSource,
    /// Image, with its id.
    pub image: String,
    /// The cargo profile its program was built with, from the image's label, if it has one.
    pub build_profile: Option<String>,
    /// Process id and start time: another pair is another life.
    pub life: String,
    /// How often the engine started it again by itself since it was last told to start it.
    pub revivals: u64,
    /// Whether it runs.
    pub running: bool,
    /// Whether the kernel killed it for memory.
    pub oom_killed: bool,
    /// How many of its processes the kernel has killed for memory; `None` where it cannot be read.
    pub oom_kills: Option<u64>,
    /// Its processes that are to live as long as it does: id and start → name. Empty where they
    /// cannot be seen.
    pub processes: BTreeMap<String, String>,
}

/// Counters of one container at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time since the container started, in ns.
    pub cpu_ns: u64,
    /// Memory without the page cache, in bytes.
    pub memory_bytes: u64,
    /// Scheduling periods since the container started.
    pub periods: u64,
    /// Those in which it had used up its share.
    pub throttled: u64,
}

/// The counters of all containers at one moment. A container that was started anew begins at zero
/// again; whoever took the reading has added what it had used before.
#[derive(Debug, Clone)]
pub struct Reading {
    /// When it was taken.
    pub at: Instant,
    /// By service.
    pub usage: BTreeMap<String, Usage>,
}
