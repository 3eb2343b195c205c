//! `run.json`: everything one run measured, in a versioned schema.
//!
//! Reports, charts and tables are made from this record alone, so that a number in a text can be
//! traced to the run that produced it. `results/schema.json` is generated from these types.

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
    /// The fault that was ordered during the load, if any.
    pub fault: Option<String>,
    /// Where it ran.
    pub environment: Environment,
    /// The cap of each container of the phase, as claimed and as found.
    pub caps: Vec<Cap>,
    /// What was read back from the running servers about how safe an acknowledged signup is.
    pub durability: BTreeMap<String, String>,
    /// What the generator was asked to do, and did.
    pub load: Load,
    /// How many requests of each route got which answer: route → status (or `timeout`, `error`) → number.
    pub answers: BTreeMap<String, BTreeMap<String, u64>>,
    /// Latencies in milliseconds.
    pub latency_ms: Latencies,
    /// From the last answer until nothing was left to write, in seconds.
    pub drain_s: f64,
    /// Every acknowledged signup, looked for again.
    pub ledger: Ledger,
    /// How the generator's count compares with the service's own metrics and the rows.
    pub counts: Counts,
    /// What it cost.
    pub cost: Cost,
    /// The first resource to saturate, with its evidence.
    pub bottleneck: Option<Bottleneck>,
    /// One entry a second of the load.
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

/// What the generator was asked to do, and did.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Arrivals asked for, a second (mean over the window).
    pub asked_per_s: f64,
    /// Signup requests answered, a second of the window.
    pub achieved_per_s: f64,
    /// Arrivals scheduled.
    pub arrivals: u64,
    /// HTTP requests sent, of all routes.
    pub requests: u64,
    /// Arrivals that were sent more than 1 ms after their intended instant.
    pub late: u64,
    /// Arrivals that were never sent, because no slot was free before the end.
    pub dropped: u64,
    /// In-flight slots (goose users).
    pub slots: u32,
    /// CPU time of the generator, in seconds.
    pub generator_cpu_s: f64,
    /// Generator CPU / (generator CPU + idle CPU of the machine), 0 to 1.
    pub generator_cpu_share: f64,
    /// Whether the kernel ran the generator before ordinary programs (SCHED_RR).
    #[serde(default)]
    pub generator_realtime: bool,
    /// Delay between the intended instant and the send, 99th percentile, in ms.
    pub schedule_lag_p99_ms: f64,
    /// Mean number of requests in flight, sampled.
    pub in_flight_mean: f64,
    /// Mean number of requests in flight that rate × mean latency predicts (Little's law).
    pub in_flight_expected: f64,
}

/// Percentiles of one class of requests, in milliseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Percentiles {
    /// Requests in this class.
    pub count: u64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Longest.
    pub max: f64,
}

/// Latencies, by what was asked, which clock, and how it ended. Refused and failed requests stay
/// in a class of their own and never vanish from a percentile.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latencies {
    /// Signups answered 2xx, from the intended start.
    pub answer: Percentiles,
    /// Signups answered 2xx, from the send.
    pub answer_from_send: Percentiles,
    /// Until the signup was durable, from the intended start. Equal to `answer` where the answer
    /// follows the commit.
    pub durable: Percentiles,
    /// Reads answered 2xx, from the send.
    pub read: Percentiles,
    /// Signups refused with 429 or 503, from the intended start.
    pub refused: Percentiles,
    /// Signups that failed otherwise, from the intended start.
    pub failed: Percentiles,
}

/// Every acknowledged signup, looked for again in the databases. Participants are counted, not
/// requests, unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Signup requests sent.
    pub attempted: u64,
    /// Signup requests answered 2xx.
    pub acked_requests: u64,
    /// Participants with at least one 2xx.
    pub acked: u64,
    /// Rows found in the databases.
    pub kept: u64,
    /// Acknowledged, and in no database. Must be 0.
    pub lost: u64,
    /// More than one row. Must be 0.
    pub duplicated: u64,
    /// Stored although every request was definitely refused, or none was sent. Must be 0.
    pub unexpected: u64,
    /// Stored with other content than was sent. Must be 0.
    pub mutated: u64,
    /// In a shard the map does not name. Must be 0.
    pub misrouted: u64,
    /// One participant, two receipts. Must be 0.
    pub receipt_conflicts: u64,
    /// No 2xx, at least one unknown answer, and the row is there.
    pub recovered: u64,
    /// Requests refused with 429 or 503.
    pub refused: u64,
    /// Requests whose outcome the answer left open (timeout, 5xx other than 503, reset).
    pub unknown: u64,
}

/// Three ways of counting the same signups.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Signup requests the generator got an answer to.
    pub generator_answers: u64,
    /// Signup requests the service's own metrics counted.
    pub service_requests: u64,
    /// 2xx signups of the generator.
    pub generator_acked: u64,
    /// 2xx signups of the service's metrics.
    pub service_acked: u64,
    /// Repeats: 2xx that made no row.
    pub repeats: u64,
    /// Rows in the databases.
    pub rows: u64,
}

/// What a run cost.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// CPU time of all containers of the phase / signups kept, in µs.
    pub cpu_us_per_signup: f64,
    /// CPUs that the phase used before the load.
    pub idle_cpus: f64,
    /// The same by container.
    pub per_service: BTreeMap<String, ServiceCost>,
}

/// What one container cost.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceCost {
    /// CPU time during load and drain, in seconds.
    pub cpu_s: f64,
    /// CPU time / signups kept, in µs.
    pub cpu_us_per_signup: f64,
    /// Highest memory sampled, without the page cache, in bytes.
    pub peak_memory_bytes: u64,
    /// Throttled periods / periods: near 1 "hit its cap", near 0 with late answers "starved by the host".
    pub throttled_ratio: f64,
}

/// The first resource to saturate.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bottleneck {
    /// Compose service, or `generator`.
    pub service: String,
    /// `cpu cap`, `pool wait`, …
    pub resource: String,
    /// The figures that say so.
    pub evidence: String,
}

/// One second of the load.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// Seconds since the load began.
    pub t_s: u32,
    /// Signup arrivals intended in this second.
    pub asked: u64,
    /// Signup requests answered 2xx in this second.
    pub acked: u64,
    /// Signup requests refused (429, 503) in this second.
    pub refused: u64,
    /// Signup requests that failed otherwise in this second.
    pub failed: u64,
    /// Median of the signups intended in this second, from the intended start, in ms.
    pub p50_ms: f64,
    /// 99th percentile, from the intended start, in ms.
    pub p99_ms: f64,
    /// 99th percentile, from the send, in ms.
    pub p99_from_send_ms: f64,
    /// Signups accepted and not yet recorded at the end of this second.
    pub backlog: u64,
    /// CPUs each container used in this second.
    pub cpus: BTreeMap<String, f64>,
    /// Memory of each container, without the page cache, in bytes.
    pub memory_bytes: BTreeMap<String, u64>,
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
