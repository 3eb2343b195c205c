//! When a phase has carried a load.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run must reach to be CARRIED. MISSED is a result like any other: it is what a phase with
/// more users than it is built for is measured *for*.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Of the signup requests meant for the window, the share that must be acknowledged no later
    /// than 1 s after it.
    pub acknowledged_share: f64,
    /// Of the signup requests answered, the share that may be refused or fail.
    pub turned_away_share: f64,
    /// 99 % of the acknowledged signups must be answered sooner than this, from their intended start,
    /// in ms.
    pub p99_ms: f64,
    /// Every request must be answered within this, from the send, in s.
    pub answer_s: f64,
    /// What waits between answer and commit must be recorded this soon after the last
    /// acknowledgement, in s.
    pub drain_s: f64,
}

impl Default for Goal {
    fn default() -> Self {
        Self {
            acknowledged_share: 0.999,
            turned_away_share: 0.001,
            p99_ms: 250.0,
            answer_s: 2.0,
            drain_s: 10.0,
        }
    }
}
