//! `run.json`: everything one run measured, in a versioned schema.
//!
//! Reports, charts and tables are made from this record alone, so that a number in a text can be
//! traced to the run that produced it. `results/schema.json` is generated from these types.

mod figures;
mod ledger;
mod promises;

pub use figures::{Backlog, Cost, Floor, Latencies, Load, Percentiles, Second, ServiceCost};
pub use ledger::{Counts, Ledger};
pub use promises::BrokenPromises;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this schema; raised whenever a field changes its meaning.
pub const SCHEMA: u32 = 1;

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Version of this schema.
    pub schema: u32,
    /// `<UTC time>-<phase>-<scenario>-<users>`, also the name of the folder.
    pub id: String,
    /// When the load began, RFC 3339, UTC.
    pub started_at: String,
    /// The command line that was run.
    pub command: String,
    /// The commit that was measured, with `-dirty` when the tree had changes.
    pub git_sha: String,
    /// Which phase was measured: `phase1`, …
    pub phase: String,
    /// `rush` or `visit`.
    pub scenario: String,
    /// `flat` or `doors`.
    pub arrivals: String,
    /// Participants who came.
    pub users: u32,
    /// Length of the load, in seconds.
    pub window_s: f64,
    /// Fixes the whole schedule.
    pub seed: u64,
    /// Which set of caps: `same` or `grown`.
    pub budget: String,
    /// What was left out on purpose, to see what it buys: `batch`, …. Empty for the real thing.
    #[serde(default)]
    pub without: Vec<String>,
    /// The faults that were ordered during the load, if any, joined by `; `.
    pub fault: Option<String>,
    /// Where it ran.
    pub environment: Environment,
    /// The cap of each container of the phase, as claimed and as found.
    pub caps: Vec<Cap>,
    /// What was read back from the running servers about how safe an acknowledged signup is.
    pub durability: BTreeMap<String, String>,
    /// What the generator was asked to do, and did.
    pub load: Load,
    /// How many requests of each route got which answer: route → status (or `timeout`,
    /// `never_sent`, `broken`) → number.
    pub answers: BTreeMap<String, BTreeMap<String, u64>>,
    /// How many reads of each route were answered from where, in the service's own words: route →
    /// `X-Served-By/X-Cache` → number. A read that does not say is not counted here.
    #[serde(default)]
    pub reads: BTreeMap<String, BTreeMap<String, u64>>,
    /// Latencies in milliseconds.
    pub latency_ms: Latencies,
    /// From the last answer until nothing was left to write, in seconds.
    pub drain_s: f64,
    /// What waited between the answer and the commit; null where the answer follows the commit.
    #[serde(default)]
    pub backlog: Option<Backlog>,
    /// After that, until the last of the replicas had replayed what its database had flushed, in
    /// seconds; null where the phase has none.
    #[serde(default)]
    pub replica_catch_up_s: Option<f64>,
    /// Every acknowledged signup, looked for again.
    pub ledger: Ledger,
    /// How the generator's count compares with the service's own metrics and the rows.
    pub counts: Counts,
    /// How often the contract's promises to a participant were not kept; null in a run from before
    /// they were counted.
    #[serde(default)]
    pub broken_promises: Option<BrokenPromises>,
    /// What no signup can cost less than, measured in the same run; null in a run from before it was.
    #[serde(default)]
    pub floor: Option<Floor>,
    /// What it cost.
    pub cost: Cost,
    /// The container that its CPU cap stopped in the largest share of its periods, if one was.
    pub bottleneck: Option<Bottleneck>,
    /// One entry a second of the load, and until the last row was committed.
    pub timeline: Vec<Second>,
    /// Whether the numbers may be used.
    pub verdict: Verdict,
    /// Why the verdict is not `VALID`; empty when it is.
    pub reasons: Vec<String>,
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
    /// CPUs the engine set.
    pub inspected_cpus: f64,
    /// Memory the engine set, in bytes.
    pub inspected_memory_bytes: u64,
}

/// The container that its CPU cap stopped in the largest share of its periods.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bottleneck {
    /// Compose service.
    pub service: String,
    /// `cpu cap`.
    pub resource: String,
    /// The figures that say so.
    pub evidence: String,
}

/// Whether a run's numbers may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// They may be quoted.
    Valid,
    /// They may be looked at, with the reasons beside them.
    Suspect,
    /// They may not be used.
    Invalid,
}

impl Run {
    /// The cost of a signup as a multiple of the floor of the same run.
    #[must_use]
    pub fn times_floor(&self) -> Option<f64> {
        let floor = self.floor?;
        Some(self.cost.cpu_us_per_signup / (floor.answer_cpu_us + floor.row_cpu_us))
    }

    /// What was measured, for headings and tables: the phase, and what was left out of it. A run
    /// without a part must never be taken for the phase itself.
    #[must_use]
    pub fn system(&self) -> String {
        if self.without.is_empty() {
            self.phase.clone()
        } else {
            format!("{} without {}", self.phase, self.without.join(", "))
        }
    }
}
