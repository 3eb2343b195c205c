//! What became of the greedy clients beside a load.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What became of them, by kind. Their requests are in no other figure of a run but the cost; those of
/// slow bodies may also be among the service's own count of signup requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GreedySeen {
    /// Request heads that never end.
    pub slow_headers: Held,
    /// Signups whose bodies never end.
    pub slow_bodies: Held,
    /// Pipelined reads whose answers nobody reads.
    pub stalled_readers: Held,
    /// CPU time of the thread that held them, in seconds; not part of `load.generator_cpu_s`.
    pub cpu_s: f64,
}

/// What became of the greedy clients of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Connections open, mean of a sample every 100 ms from the begin of the load to its end.
    pub open_mean: f64,
    /// Most connections open at once.
    pub open_max: u64,
    /// Connections made, also those in the place of one that had ended.
    pub connections: u64,
    /// How connections ended before the load did, and attempts to make one: the status of the first
    /// answer that came, or else `closed`, `reset`, or `not_connected` → number.
    pub endings: BTreeMap<String, u64>,
}
