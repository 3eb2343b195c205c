//! The figures of a run: load, latencies, cost, and the course of it second by second.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the generator was asked to do, and did.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Signup requests meant for the window, a second of it.
    pub asked_per_s: f64,
    /// Of them those acknowledged (2xx) no later than 1 s after the window, a second of it.
    pub achieved_per_s: f64,
    /// Arrivals scheduled.
    pub arrivals: u64,
    /// HTTP requests sent, of all routes.
    pub requests: u64,
    /// Arrivals that were sent more than 1 ms after their intended instant.
    pub late: u64,
    /// Arrivals that were never sent, because no slot was free before the end.
    pub dropped: u64,
    /// Arrivals that were due when every slot was taken: those were late because the service was
    /// slow; null in a run from before they were counted.
    #[serde(default)]
    pub waited_for_slot: Option<u64>,
    /// In-flight slots (goose users).
    pub slots: u32,
    /// CPU time of the generator, in seconds.
    pub generator_cpu_s: f64,
    /// Generator CPU / (generator CPU + idle CPU of the machine), 0 to 1.
    pub generator_cpu_share: f64,
    /// Whether the kernel ran the generator before ordinary programs (SCHED_RR).
    #[serde(default)]
    pub generator_realtime: bool,
    /// Whether requests went to the container's own address, and not through the engine's port
    /// proxy, a process whose CPU is in nobody's cost.
    #[serde(default)]
    pub past_port_proxy: bool,
    /// Delay between the intended instant and the send, 99th percentile of all requests, in ms.
    pub schedule_lag_p99_ms: f64,
    /// The same of the requests that found a free slot when they were due: the generator's own delay;
    /// null in a run from before it was kept.
    #[serde(default)]
    pub generator_lag_p99_ms: Option<f64>,
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
    /// Signups answered 2xx, from the intended start, of those meant for a moment outside every fault
    /// and its recovery time; null without a fault, and where that is not known.
    #[serde(default)]
    pub answer_outside_faults: Option<Percentiles>,
    /// Until the signup was durable, from the intended start. Equal to `answer` where the answer
    /// follows the commit; elsewhere, for each participant, from the intended start of the first
    /// request that was acknowledged to the commit of the row by the database's clock, which is read
    /// just before the commit is flushed.
    pub durable: Percentiles,
    /// Reads answered 2xx, from the send.
    pub read: Percentiles,
    /// Signups refused with 429 or 503, from the intended start.
    pub refused: Percentiles,
    /// Signups that failed otherwise, from the intended start.
    pub failed: Percentiles,
}

/// What was measured before the load, beside the phase while it had nothing to do: the cost of the two
/// things that every signup needs, on this machine and in this minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// CPU time of an axum server that does nothing but answer 201, for one signup request at 5,000 a
    /// second, in µs.
    pub answer_cpu_us: f64,
    /// CPU time of the container of the phase's database, for one row of an insert of 500 rows into a
    /// table with one unique index, in µs.
    pub row_cpu_us: f64,
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

/// Signups that were acknowledged and had no row yet, at the ends of the seconds of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backlog {
    /// The most there were.
    pub peak: u64,
    /// In which second of the load that was first.
    pub peak_t_s: u32,
    /// How many there were when the window ended in which participants came.
    pub at_window_end: u64,
}

/// One second of the load, or of what it took after that until everything was recorded.
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
    /// Signups accepted and not yet recorded at the end of this second: participants with a 2xx by
    /// then and no row.
    pub backlog: u64,
    /// Rows committed in this second, by the database's clock; null where the answer follows the
    /// commit.
    #[serde(default)]
    pub recorded: Option<u64>,
    /// CPUs each container used in this second.
    pub cpus: BTreeMap<String, f64>,
    /// Memory of each container, without the page cache, in bytes.
    pub memory_bytes: BTreeMap<String, u64>,
}
