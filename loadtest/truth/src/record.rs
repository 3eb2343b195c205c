//! `run.json`: everything one run measured, in a versioned schema.
//!
//! Reports, charts and tables are made from this record alone, so that a number in a text can be
//! traced to the run that produced it, and the judge needs nothing else, so that a stored run can be
//! judged again. `results/schema.json` is generated from these types.

mod conditions;
mod faults;
mod figures;
mod greedy;
mod incidents;
mod judgement;
mod ledger;
mod loaded;
mod promises;
pub mod v1;
pub mod v2;

use crate::spec::{Goal, RunSpec};
pub use conditions::{Build, Cap, CapSource, Environment};
pub use faults::FaultSeen;
pub use figures::{Backlog, Cost, Floor, Latencies, Load, Percentiles, Second, ServiceCost};
pub use greedy::{GreedySeen, Held};
pub use incidents::Incidents;
pub use judgement::{Bottleneck, FirstJudgement, Miss, Outcome, Reason, Verdict};
pub use ledger::{Counts, Ledger};
pub use loaded::{LOAD_SCHEMA, Loaded, Receipts, Step};
pub use promises::BrokenPromises;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this schema; raised whenever a field changes its meaning.
pub const SCHEMA: u32 = 3;

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Version of this schema.
    pub schema: u32,
    /// `<UTC time>-<phase>-<scenario>-<users>`, with `-greedy` beside greedy clients; also the name of
    /// the folder.
    pub id: String,
    /// When the load began, RFC 3339, UTC.
    pub started_at: String,
    /// The command line that was run.
    pub command: String,
    /// The commit that was measured, with `-dirty` when the tree had changes.
    pub git_sha: String,
    /// How the measured programs were built; null in a run from before it was kept.
    pub build: Option<Build>,
    /// What the run was asked.
    pub spec: RunSpec,
    /// What was ordered to fail, and when it did, in the order of their begin.
    pub faults: Vec<FaultSeen>,
    /// Where it ran.
    pub environment: Environment,
    /// The cap of each container of the phase, as claimed and as found.
    pub caps: Vec<Cap>,
    /// What was read back from the running servers about how safe an acknowledged signup is.
    pub durability: BTreeMap<String, String>,
    /// What the generator was asked to do, and did.
    pub load: Load,
    /// What became of the greedy clients beside it; left out where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greedy: Option<GreedySeen>,
    /// How many requests of each route got which answer: route → status (or `timeout`,
    /// `never_sent`, `broken`) → number.
    pub answers: BTreeMap<String, BTreeMap<String, u64>>,
    /// How many reads of each route were answered from where, in the service's own words: route →
    /// `X-Served-By/X-Cache` → number. A read that does not say is not counted here.
    pub reads: BTreeMap<String, BTreeMap<String, u64>>,
    /// Latencies in milliseconds.
    pub latency_ms: Latencies,
    /// From the last answer until nothing was left to write, in seconds.
    pub drain_s: f64,
    /// What waited between the answer and the commit; null where the answer follows the commit.
    pub backlog: Option<Backlog>,
    /// After that, until the last of the replicas had replayed what its database had flushed, in
    /// seconds; null where the phase has none.
    pub replica_catch_up_s: Option<f64>,
    /// Every acknowledged signup, looked for again.
    pub ledger: Ledger,
    /// How the generator's count compares with the service's own metrics and the rows.
    pub counts: Counts,
    /// How often the contract's promises to a participant were not kept; null in a run from before
    /// they were counted.
    pub broken_promises: Option<BrokenPromises>,
    /// Of them those outside every fault and its recovery time: equal to all without a fault; null
    /// where that is not known.
    pub broken_outside_faults: Option<BrokenPromises>,
    /// What happened to the parts of the phase that nobody ordered.
    pub incidents: Incidents,
    /// What no signup can cost less than, measured in the same run; null in a run from before it was.
    pub floor: Option<Floor>,
    /// What it cost.
    pub cost: Cost,
    /// One entry a second of the load, and until the last row was committed.
    pub timeline: Vec<Second>,
    /// Whether the numbers may be used.
    pub verdict: Verdict,
    /// Why the verdict is not `VALID`; empty when it is.
    pub reasons: Vec<Reason>,
    /// What the phase had to reach.
    pub goal: Goal,
    /// Whether it did; null in a run that was last judged before this was asked.
    pub outcome: Option<Outcome>,
    /// What was in the way: the container that its CPU cap stopped in the largest share of its
    /// periods, if one was.
    pub bottleneck: Option<Bottleneck>,
    /// What was said of the run when it was made, by the judge of that day; null when it has not been
    /// judged again since.
    pub judged_first: Option<FirstJudgement>,
}

impl Run {
    /// The cost of a signup as a multiple of the floor of the same run.
    #[must_use]
    pub fn times_floor(&self) -> Option<f64> {
        let floor = self.floor?;
        Some(self.cost.cpu_us_per_signup / (floor.answer_cpu_us + floor.row_cpu_us))
    }

    /// What was measured, for headings and tables.
    #[must_use]
    pub fn system(&self) -> String {
        self.spec.system()
    }

    /// The window in which the participants came, in seconds.
    #[must_use]
    pub fn window_s(&self) -> f64 {
        f64::from(self.spec.window_s)
    }

    /// Whether anything was ordered to fail.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The ordered faults in words, joined by `; `; `None` without any.
    #[must_use]
    pub fn fault_text(&self) -> Option<String> {
        let texts: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// Requests of any route with one of these answers.
    #[must_use]
    pub fn answered(&self, answers: &[&str]) -> u64 {
        let routes = self.answers.values();
        routes
            .flat_map(|route| answers.iter().filter_map(|answer| route.get(*answer)))
            .sum()
    }
}
