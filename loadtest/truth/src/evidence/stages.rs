//! What was seen before the load, when everything was written, and in the databases.

use super::{CatchUp, ClaimedCap, Inspected, Reading, ServiceCounts};
use crate::record::{FaultSeen, Floor, Ledger};
use std::collections::BTreeMap;
use std::time::Duration;

/// What was seen before the load.
#[derive(Debug, Clone)]
pub struct Before {
    /// The caps that the Compose files claim.
    pub claimed: Vec<ClaimedCap>,
    /// How safe a commit is, as the running servers say.
    pub durability: BTreeMap<String, String>,
    /// What no signup can cost less than.
    pub floor: Floor,
    /// The counters when nobody came, at the begin and the end of a few seconds.
    pub idle_begin: Reading,
    /// See `idle_begin`.
    pub idle_end: Reading,
    /// By service.
    pub inspected: BTreeMap<String, Inspected>,
    /// Whether requests go to the entry container's own address.
    pub past_port_proxy: bool,
    /// What the service has counted so far.
    pub counts: ServiceCounts,
}

/// What was ordered to fail, and did.
#[derive(Debug, Clone, Default)]
pub struct FaultsSeen {
    /// In the order of their begin.
    pub faults: Vec<FaultSeen>,
    /// By service that was started anew as ordered: how often the engine had started it by itself
    /// before that.
    pub revivals: BTreeMap<String, u64>,
}

/// What was seen when everything was written.
#[derive(Debug, Clone)]
pub struct After {
    /// The counters.
    pub end: Reading,
    /// By service.
    pub inspected: BTreeMap<String, Inspected>,
    /// What the service has counted.
    pub counts: ServiceCounts,
    /// From the last answer until nothing was left to write.
    pub drain: Duration,
    /// What was left in the queue, if it was given up.
    pub left: Option<String>,
    /// How the replicas caught up.
    pub caught_up: CatchUp,
}

/// What was found of a load when everything had come to rest: in the databases, in the dead-letter
/// queue, and on the clock.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Every acknowledged signup, looked for again.
    pub ledger: Ledger,
    /// What is wrong with the map of the shards.
    pub shard_maps: Vec<String>,
    /// How many dead letters there are of each reason.
    pub dead_letters: BTreeMap<String, u64>,
    /// By how much the machine's clock was set since the load began: the times of the commits, which
    /// are read from it, are off by as much.
    pub clock_set: Duration,
}
