//! Greedy clients beside a load: how many connections of each kind are held as long as the service
//! lets them.

use super::thousands;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How many of each kind hold a connection during the load. None by default.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct GreedyClients {
    /// Send a request head that never ends, one byte every 2 s.
    pub slow_headers: u32,
    /// Send the head of a signup at once and its body, which never ends, one byte every 2 s.
    pub slow_bodies: u32,
    /// Ask for the event 200 times in one go, and read none of the answers.
    pub stalled_readers: u32,
}

impl GreedyClients {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// All of them: each is a connection.
    #[must_use]
    pub fn all(&self) -> u64 {
        let kinds = [self.slow_headers, self.slow_bodies, self.stalled_readers];
        kinds.into_iter().map(u64::from).sum()
    }
}

impl fmt::Display for GreedyClients {
    /// `2,000 slow headers, 500 stalled readers`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (self.slow_headers, "slow headers"),
            (self.slow_bodies, "slow bodies"),
            (self.stalled_readers, "stalled readers"),
        ];
        let some = kinds.into_iter().filter(|(number, _)| *number > 0);
        let some: Vec<String> = some
            .map(|(number, kind)| format!("{} {kind}", thousands(&number.to_string())))
            .collect();
        f.write_str(&some.join(", "))
    }
}
