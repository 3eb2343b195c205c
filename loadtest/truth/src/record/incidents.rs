//! What happened to the parts of a phase while it was measured, that nobody ordered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happened during a run that its figures do not show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incidents {
    /// Services that were started anew without being told to.
    pub restarted: Vec<String>,
    /// Services that did not run when it was over.
    pub ended: Vec<String>,
    /// Services of which the kernel killed a process for memory.
    pub oom_killed: Vec<String>,
    /// Services that lost a process of their own and went on: service → processes, by name.
    pub lost_processes: BTreeMap<String, Vec<String>>,
    /// Replicas that did not catch up, and where they were left.
    pub behind: Vec<String>,
    /// What was left in the queue when nothing moved any more, if it was given up.
    pub left: Option<String>,
    /// What is wrong with the map of the shards.
    pub shard_maps: Vec<String>,
    /// How many dead letters there are, by the reason they give.
    pub dead_letters: BTreeMap<String, u64>,
    /// By how much this machine's clock was set meanwhile, in ms.
    pub clock_set_ms: u64,
}
