//! What is said of a run: may its numbers be believed, did the phase carry the load, and what was in
//! the way. Typed; the words are made where it is published.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a run's numbers may be used.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// They may be quoted.
    Valid,
    /// They may be looked at, with the reasons beside them.
    Suspect,
    /// They may not be used.
    Invalid,
}

/// Why the numbers of a run may not simply be quoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reason {
    /// The ledger is not clean.
    Unclean {
        /// Which of its classes: `lost`, `duplicated`, ….
        class: String,
        /// How many.
        number: u64,
    },
    /// Not one signup was acknowledged.
    NothingAcknowledged,
    /// A service was started anew without being told to.
    Restarted {
        /// Which.
        service: String,
    },
    /// A service did not run at the end.
    Ended {
        /// Which.
        service: String,
    },
    /// The kernel killed a process of a service for memory.
    OomKilled {
        /// Which.
        service: String,
    },
    /// A service lost a process of its own.
    LostProcess {
        /// Which service.
        service: String,
        /// Which process.
        process: String,
    },
    /// A replica did not catch up.
    ReplicaBehind {
        /// Which, and where it was left.
        what: String,
    },
    /// The queue did not drain.
    Undrained {
        /// What was left.
        what: String,
    },
    /// The map of the shards is not to be trusted.
    ShardMap {
        /// Why.
        what: String,
    },
    /// A container ran with other caps than those claimed.
    Cap {
        /// Which.
        service: String,
        /// CPUs claimed.
        cpus: f64,
        /// Memory claimed, in bytes.
        memory_bytes: u64,
        /// CPUs found.
        found_cpus: f64,
        /// Memory found, in bytes.
        found_memory_bytes: u64,
    },
    /// The caps together are more than the budget.
    OverBudget {
        /// CPUs together.
        cpus: f64,
        /// CPUs of the budget.
        budget_cpus: f64,
    },
    /// Durability differs from what is claimed.
    Durability {
        /// `service.setting`.
        setting: String,
        /// As read back.
        found: String,
        /// As claimed.
        claimed: String,
    },
    /// The generator sent late though slots were free.
    GeneratorLate {
        /// 99th percentile of the delay, in ms; null in a run in which only the delay of all requests
        /// was kept.
        p99_ms: Option<f64>,
    },
    /// The generator used most of the CPU it could have had.
    GeneratorBusy {
        /// Share, 0 to 1.
        share: f64,
    },
    /// The requests in flight do not agree with rate and latency.
    LittlesLaw {
        /// Mean, sampled.
        sampled: f64,
        /// Mean that rate × latency predicts.
        expected: f64,
    },
    /// The hypervisor took CPU time.
    Stolen {
        /// Share, 0 to 1.
        share: f64,
    },
    /// Generator and service counted differently.
    CountsDisagree {
        /// What was counted.
        what: String,
        /// By the generator.
        generator: u64,
        /// By the service.
        service: u64,
    },
    /// Generator and databases counted differently.
    RowsDisagree {
        /// Signups answered as new.
        new: u64,
        /// Signups answered as repeats.
        repeats: u64,
        /// Rows.
        rows: u64,
    },
    /// This machine's clock was set, so that times until durable are off.
    ClockSet {
        /// By how much, in ms.
        ms: u64,
    },
    /// Messages in the dead-letter queue are no readable signup.
    UnreadableDeadLetters {
        /// How many.
        number: u64,
    },
    /// The programs were not built as those of published runs are.
    BuildProfile {
        /// How they were built.
        found: String,
    },
    /// Something was not looked at that a published number needs.
    NotChecked {
        /// What.
        what: String,
    },
    /// The load was stopped before its end.
    Interrupted,
    /// As an earlier judge said it, in a record that has not been judged again.
    Stated {
        /// Its words.
        text: String,
    },
}

/// Whether the phase carried the load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Whether every part of the goal was reached, outside what an ordered fault excuses.
    pub carried: bool,
    /// What was missed, and by how much.
    pub missed: Vec<Miss>,
}

/// A part of the goal that was not reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Miss {
    /// Fewer signups were acknowledged in time than were asked for.
    Rate {
        /// Acknowledged, a second.
        acknowledged_per_s: f64,
        /// Asked for, a second.
        asked_per_s: f64,
    },
    /// Signups were refused or failed.
    TurnedAway {
        /// Refused, requests.
        refused: u64,
        /// Failed otherwise, requests.
        failed: u64,
        /// Of so many answered.
        of: u64,
    },
    /// Answers took too long at the 99th percentile.
    P99 {
        /// From the intended start, in ms.
        ms: f64,
    },
    /// Requests without a whole answer in time.
    LateAnswers {
        /// How many.
        requests: u64,
    },
    /// What was accepted was recorded late.
    Drain {
        /// After the last acknowledgement, in s.
        seconds: f64,
    },
    /// Checks of receipts that were given, answered 404.
    ReceiptsDenied {
        /// How many.
        checks: u64,
    },
    /// Visits that never saw their receipt recorded.
    NeverRecorded {
        /// How many.
        visits: u64,
    },
    /// Reads that were neither answered nor refused.
    ReadsFailed {
        /// How many.
        reads: u64,
    },
    /// Acknowledged signups that an operator must record.
    DeadLettered {
        /// How many.
        signups: u64,
    },
}

/// What stood at its limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bottleneck {
    /// Compose service.
    pub service: String,
    /// `cpu cap`.
    pub resource: String,
    /// The figures that say so.
    pub evidence: String,
}

/// What the judge of the day said of a run, which has been judged again since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstJudgement {
    /// Its verdict. There was no question then whether the load was carried.
    pub verdict: Verdict,
    /// Its reasons, in its words.
    pub reasons: Vec<String>,
}
