//! The words of a question: phases, parts, budgets, scenarios, arrivals. The command line, `run.json`
//! and every table call each by the one name that clap derives for it.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A phase that can be brought up and measured.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    ValueEnum,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[value(rename_all = "lower")]
#[serde(rename_all = "lowercase")]
pub enum PhaseName {
    /// The monolith: one server, one PostgreSQL.
    Phase1,
    /// Pooled, replicated, cached: two servers behind a balancer, a primary and its replica, a cache.
    Phase2,
    /// Buffered: two gateways, a queue, a writer, two shards.
    Phase3,
}

/// A part of a phase that its servers can do without.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    ValueEnum,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Many signups in one statement.
    Batch,
    /// Counts and receipts from a cache.
    Cache,
    /// Reads from the replica.
    Replica,
    /// The answer before the commit: signups through the queue.
    Queue,
    /// A program between clients and servers: without it, all servers accept from one listening socket.
    Balancer,
}

/// Something else in the place of a part of a phase.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    ValueEnum,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Other {
    /// A program between clients and gateways, where these accept from one listening socket by themselves.
    Balancer,
    /// A server as one would write it in Go (phases/examples/go).
    GoServer,
}

/// Which set of caps the containers of a phase get.
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
    ValueEnum,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Budget {
    /// 1.25 CPU for every phase, so that the difference is the design and not the hardware.
    #[default]
    Same,
    /// More, for bigger machines.
    Grown,
}

/// What the participants do.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    ValueEnum,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scenario {
    /// One signup a participant; 5 % send it twice, 1 % again after the answer.
    Rush,
    /// Open the event, sign up, check the receipt until it is recorded, look at the count 5 times.
    Visit,
}

/// How the participants come.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    ValueEnum,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// Evenly over the window, independent of each other (a Poisson process with N arrivals).
    Flat,
    /// 40 % in the first 5 % of the window (8 times the mean rate), the others over the rest.
    Doors,
}

impl PhaseName {
    /// Users it is built for.
    #[must_use]
    pub fn users(self) -> u32 {
        match self {
            Self::Phase1 => 1_000,
            Self::Phase2 => 100_000,
            Self::Phase3 => 1_000_000,
        }
    }
}

/// Prints a name as the command line takes it.
macro_rules! displayed_by_clap {
    ($($name:ty),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let value = self.to_possible_value();
                f.pad(value.as_ref().map_or("", |value| value.get_name()))
            }
        }
    )*};
}

displayed_by_clap!(PhaseName, Part, Other, Budget, Scenario, Arrivals);

#[cfg(test)]
mod tests {
    use super::*;

    fn agree<T: ValueEnum + Serialize + fmt::Display>() {
        for value in T::value_variants() {
            let json = serde_json::to_value(value).unwrap();
            assert_eq!(json, value.to_string());
        }
    }

    #[test]
    fn the_command_line_and_the_record_use_the_same_words() {
        agree::<PhaseName>();
        agree::<Part>();
        agree::<Other>();
        agree::<Budget>();
        agree::<Scenario>();
        agree::<Arrivals>();
        assert_eq!(PhaseName::Phase3.to_string(), "phase3");
    }
}
