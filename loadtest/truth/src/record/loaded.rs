//! `load.json`: what a load came to that was sent to something already up. It is no [`Run`](super::Run),
//! and in another file: nobody has looked at caps and durability, or begun with empty databases, so no
//! table of published runs can take it for one.

use super::{Ledger, Load, Outcome, Percentiles, Reason, Second, ServiceCost, Verdict};
use crate::spec::{Arrivals, Goal, PhaseName, Scenario, StepSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of `load.json`; raised whenever a field changes its meaning.
pub const LOAD_SCHEMA: u32 = 1;

/// A load that was sent to what was up.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loaded {
    /// Version of this schema.
    pub schema: u32,
    /// `<UTC time>-load-<scenario>-<users>`; also the name of the folder.
    pub id: String,
    /// When the load began, RFC 3339, UTC.
    pub started_at: String,
    /// The command line that was run.
    pub command: String,
    /// Where it went.
    pub url: String,
    /// The event that participants signed up for.
    pub event: String,
    /// The phase of the lab that was found behind the URL; null where none was.
    pub phase: Option<PhaseName>,
    /// What the participants did.
    pub scenario: Scenario,
    /// How they came within each step.
    pub arrivals: Arrivals,
    /// Fixes the schedule.
    pub seed: u64,
    /// Whether it was stopped before its end; steps that had not begun are left out.
    pub stopped: bool,
    /// What the generator was asked to do in all, and did.
    pub load: Load,
    /// Share of CPU time stolen by the hypervisor during the load, 0 to 1.
    pub cpu_steal_share: f64,
    /// What came of each step.
    pub steps: Vec<Step>,
    /// How many requests of each route got which answer, as in a run.
    pub answers: BTreeMap<String, BTreeMap<String, u64>>,
    /// Every acknowledged receipt, asked for again.
    pub receipts: Receipts,
    /// Every participant of this load, looked for in the databases; null where they are nobody's of the
    /// lab, or could not be read.
    pub databases: Option<Ledger>,
    /// Why the databases of a phase could not be read; null where they were, or are not ours.
    pub databases_unread: Option<String>,
    /// What the containers of the phase used from the begin of the load until all was written; empty
    /// where they are not ours.
    pub cost: BTreeMap<String, ServiceCost>,
    /// One entry a second of the load.
    pub timeline: Vec<Second>,
    /// Whether the numbers may be used: `SUSPECT` at best.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What each step had to reach.
    pub goal: Goal,
}

/// One step of a load. Of the participants of this step, whenever they were answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When it began, in seconds since the load did.
    pub begin_s: u32,
    /// How long it lasted, in seconds: shorter than asked when the load was stopped in it.
    pub window_s: f64,
    /// Participants who were to come in it.
    pub users: u32,
    /// Signup requests meant for its window, a second of it.
    pub asked_per_s: f64,
    /// Of them those acknowledged (2xx) no later than 1 s after its window, a second of it.
    pub acknowledged_per_s: f64,
    /// Signup requests acknowledged at any time.
    pub acknowledged: u64,
    /// Signup requests refused (429, 503).
    pub refused: u64,
    /// Signup requests that failed otherwise.
    pub failed: u64,
    /// Requests of any kind without a whole answer 2 s after the send.
    pub over_2_s: u64,
    /// Signups answered 2xx, from the intended start, in ms.
    pub answer: Percentiles,
    /// The same from the send.
    pub answer_from_send: Percentiles,
    /// Whether it was carried; null when the load was stopped in it.
    pub outcome: Option<Outcome>,
}

/// Every acknowledged receipt, asked for through the service. Each receipt is in one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipts {
    /// Recorded, with the name that was sent.
    pub found: u64,
    /// Recorded, with another name. Must be 0.
    pub altered: u64,
    /// Acknowledged, and now unknown to the service (404, for 10 s). Must be 0.
    pub not_found: u64,
    /// Still waiting to be recorded when it was given up.
    pub waiting: u64,
    /// No answer that says either, or not asked for before it was given up.
    pub not_known: u64,
}

impl Loaded {
    /// What was asked, in steps.
    #[must_use]
    pub fn users(&self) -> u32 {
        self.steps.iter().map(|step| step.users).sum()
    }

    /// CPU time of all containers for one signup that was kept, in µs; `None` where it is not known.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are exact in a double")]
    pub fn cpu_us_per_signup(&self) -> Option<f64> {
        let kept = self.databases.as_ref()?.kept;
        let cpu_s: f64 = self.cost.values().map(|cost| cost.cpu_s).sum();
        (kept > 0 && cpu_s > 0.0).then(|| cpu_s * 1e6 / kept as f64)
    }
}

impl Receipts {
    /// All that were asked for.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.found + self.altered + self.not_found + self.waiting + self.not_known
    }
}

impl From<StepSpec> for Step {
    fn from(asked: StepSpec) -> Self {
        Self {
            window_s: asked.window_s.into(),
            users: asked.users,
            ..Self::default()
        }
    }
}
