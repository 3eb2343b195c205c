//! The outcome of the ledger, and the three ways of counting the same signups.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Acknowledged, and in no database or dead-letter queue. Must be 0.
    pub lost: u64,
    /// Acknowledged, and only in the dead-letter queue: not gone, but in no list until somebody
    /// records it by hand.
    #[serde(default)]
    pub dead_lettered: u64,
    /// Messages in the dead-letter queue that are no readable signup.
    #[serde(default)]
    pub unreadable_dead_letters: u64,
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
    /// Participants whose row is not the same on a replica, and rows of nobody that only one of
    /// the two has. Must be 0.
    #[serde(default)]
    pub replica_differs: u64,
    /// No 2xx, at least one unknown answer, and the row is there.
    pub recovered: u64,
    /// Requests refused with 429 or 503.
    pub refused: u64,
    /// Requests whose outcome the answer left open (timeout, 5xx other than 503, reset).
    pub unknown: u64,
}

impl Ledger {
    /// What must be 0 and is not: class and number.
    #[must_use]
    pub fn violations(&self) -> Vec<(&'static str, u64)> {
        let classes = [
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("unexpected", self.unexpected),
            ("mutated", self.mutated),
            ("misrouted", self.misrouted),
            ("receipt conflicts", self.receipt_conflicts),
            ("replica differs", self.replica_differs),
        ];
        classes
            .into_iter()
            .filter(|(_, number)| *number > 0)
            .collect()
    }
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
    /// Repeats: signups answered 200, the participant had signed up. Not those answered 202, behind
    /// which nobody knows yet.
    pub repeats: u64,
    /// Rows in the databases.
    pub rows: u64,
}
