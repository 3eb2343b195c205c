//! What the figures of a run are only true under: the machine, the build, the caps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the measured programs were built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// Cargo profile of the phase's programs, from the label of their images; `unknown` where the
    /// images carry none.
    pub services: String,
    /// Cargo profile of the lab itself: `release` or `debug`.
    pub lab: String,
}

/// Where a run took place.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Kernel release.
    pub kernel: String,
    /// CPU model as the kernel names it.
    pub cpu_model: String,
    /// Logical cores.
    pub cores: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Version of the Docker engine.
    pub docker: String,
    /// Version of Compose.
    pub compose: String,
    /// `v1` or `v2`.
    pub cgroup: String,
    /// Median time of one 8 kB write with fdatasync where the volumes live, in µs; 0 when not measured.
    pub fdatasync_us: f64,
    /// Share of CPU time stolen by the hypervisor during the load, 0 to 1.
    pub cpu_steal_share: f64,
    /// Image of each service, with its digest or id.
    pub images: BTreeMap<String, String>,
}

/// The cap of one container.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// Compose service.
    pub service: String,
    /// CPUs claimed in the Compose file.
    pub cpus: f64,
    /// Memory claimed in the Compose file, in bytes.
    pub memory_bytes: u64,
    /// CPUs found before the load.
    pub inspected_cpus: f64,
    /// Memory found before the load, in bytes.
    pub inspected_memory_bytes: u64,
    /// CPUs found after the load; null where the container did not run any more, and in a run from
    /// before it was looked at.
    #[serde(default)]
    pub after_cpus: Option<f64>,
    /// Memory found after the load, in bytes; null as above.
    #[serde(default)]
    pub after_memory_bytes: Option<u64>,
    /// Where they were found.
    #[serde(default)]
    pub read_from: CapSource,
}

/// Who says what the cap of a container is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CapSource {
    /// The Docker engine, which says what it was told.
    #[default]
    Engine,
    /// The files of the container's control group: what the kernel enforces.
    Kernel,
}

impl Cap {
    /// The pairs found: before the load and, if they were looked at, after it.
    pub fn found(&self) -> impl Iterator<Item = (f64, u64)> {
        let before = (self.inspected_cpus, self.inspected_memory_bytes);
        let after = self.after_cpus.zip(self.after_memory_bytes);
        std::iter::once(before).chain(after)
    }

    /// Whether this pair is what was claimed. The kernel counts a CPU in microseconds of 100 ms, and
    /// memory in pages.
    #[must_use]
    pub fn is_claimed(&self, (cpus, memory_bytes): (f64, u64)) -> bool {
        const PAGE: u64 = 4_096;
        (self.cpus - cpus).abs() < 2e-5 && self.memory_bytes.abs_diff(memory_bytes) < PAGE
    }
}
