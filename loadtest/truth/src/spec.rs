//! What one run is asked: all in which two runs may differ, and nothing else. Imports nothing of this
//! crate.

mod excuse;
mod fault;
mod goal;
mod greedy;
mod names;
mod slowdown;
mod step;
mod thousands;

pub use excuse::{Excuse, excuse};
pub use fault::{EMPTYING_S, FaultKind, FaultSpec, KILLED_FOR_S};
pub use goal::Goal;
pub use greedy::GreedyClients;
pub use names::{Arrivals, Budget, Other, Part, PhaseName, Scenario};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use slowdown::Slowdown;
use std::collections::BTreeSet;
pub use step::StepSpec;
pub use thousands::thousands;

/// The window of the published runs, in seconds.
pub const PUBLISHED_WINDOW_S: u32 = 100;

/// As many as phase 3 lets be in progress: a stall of 0.2 s at 10,000 requests a second. With fewer,
/// requests would wait for the generator's own slots, and the run say little of the phase.
pub const SLOTS: u32 = 2_048;

/// The question of one run. Two runs with the same `RunSpec` are repeats of each other.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Which phase is measured.
    pub phase: PhaseName,
    /// What is left out of it on purpose, to see what it buys. Empty for the real thing.
    pub without: BTreeSet<Part>,
    /// What stands in the place of a part of it. Left out of a record where nothing does.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub with: BTreeSet<Other>,
    /// Which set of caps its containers have.
    pub budget: Budget,
    /// By how much every CPU cap of the phase is divided, to stand in for a slower machine; 1 for
    /// none.
    pub slower: Slowdown,
    /// What the participants do.
    pub scenario: Scenario,
    /// How they come.
    pub arrivals: Arrivals,
    /// How many of them.
    pub users: u32,
    /// Seconds within which they come.
    pub window_s: u32,
    /// Fixes the whole schedule.
    pub seed: u64,
    /// Most requests in flight at once.
    pub slots: u32,
    /// What is to fail meanwhile.
    pub faults: Vec<FaultSpec>,
    /// Who holds connections meanwhile, and takes no part. Left out of a record where nobody does.
    #[serde(default, skip_serializing_if = "GreedyClients::is_none")]
    pub greedy: GreedyClients,
    /// Whether Prometheus and its exporters run beside the phase.
    pub monitoring: bool,
}

impl RunSpec {
    /// `phase` at its own scale, with every setting at its default.
    #[must_use]
    pub fn of(phase: PhaseName) -> Self {
        Self {
            phase,
            without: BTreeSet::new(),
            with: BTreeSet::new(),
            budget: Budget::default(),
            slower: Slowdown::default(),
            scenario: Scenario::Rush,
            arrivals: Arrivals::Flat,
            users: phase.users(),
            window_s: PUBLISHED_WINDOW_S,
            seed: 1,
            slots: SLOTS,
            faults: Vec::new(),
            greedy: GreedyClients::default(),
            monitoring: true,
        }
    }

    /// The system that is measured: the phase, and what is left out of it or stands in for a part. Such a
    /// run must never be taken for the phase itself.
    #[must_use]
    pub fn system(&self) -> String {
        let mut system = self.phase.to_string();
        if !self.with.is_empty() {
            system += &format!(" with {}", listed(&self.with));
        }
        if !self.without.is_empty() {
            system += &format!(" without {}", listed(&self.without));
        }
        if !self.slower.is_none() {
            system += &format!(", {} times slower", self.slower);
        }
        system
    }

    /// The load in a few words, with what differs from the published runs: `rush, flat, 60 s`.
    #[must_use]
    pub fn load(&self) -> String {
        let mut load = format!("{}, {}", self.scenario, self.arrivals);
        if self.window_s != PUBLISHED_WINDOW_S {
            load += &format!(", {} s", self.window_s);
        }
        if self.budget != Budget::default() {
            load += &format!(", budget {}", self.budget);
        }
        if !self.greedy.is_none() {
            load += &format!(", beside {}", self.greedy);
        }
        load
    }

    /// The name of its run's folder after the time: `phase1-rush-1000`, or `phase1-rush-1000-greedy`.
    #[must_use]
    pub fn name(&self) -> String {
        let greedy = if self.greedy.is_none() { "" } else { "-greedy" };
        format!("{}-{}-{}{greedy}", self.phase, self.scenario, self.users)
    }

    /// Signups a second, not counting those who send twice.
    #[must_use]
    pub fn users_per_s(&self) -> f64 {
        f64::from(self.users) / f64::from(self.window_s.max(1))
    }
}

/// The names of what is left out, or stands in, in one line.
#[must_use]
pub fn listed<T: ToString>(names: &BTreeSet<T>) -> String {
    let names: Vec<String> = names.iter().map(T::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_names_what_it_measures_and_nothing_twice() {
        let mut spec = RunSpec::of(PhaseName::Phase2);
        assert_eq!(
            (spec.system().as_str(), spec.load().as_str()),
            ("phase2", "rush, flat")
        );
        assert_eq!(spec.name(), "phase2-rush-100000");
        spec.without = [Part::Replica, Part::Batch, Part::Replica].into();
        spec.window_s = 60;
        spec.budget = Budget::Grown;
        assert_eq!(spec.system(), "phase2 without batch, replica");
        spec.with = [Other::Balancer].into();
        assert_eq!(spec.system(), "phase2 with balancer without batch, replica");
        assert_eq!(spec.load(), "rush, flat, 60 s, budget grown");
        spec.slower = "2.8".parse().unwrap();
        assert!(spec.system().ends_with(", 2.8 times slower"));
    }

    #[test]
    fn a_spec_names_the_greedy_clients_beside_its_load() {
        let mut spec = RunSpec::of(PhaseName::Phase1);
        spec.greedy.slow_headers = 2_000;
        spec.greedy.stalled_readers = 500;
        let load = "rush, flat, beside 2,000 slow headers, 500 stalled readers";
        assert_eq!((spec.load().as_str(), spec.greedy.all()), (load, 2_500));
        assert_eq!(spec.name(), "phase1-rush-1000-greedy");
    }

    #[test]
    fn a_spec_from_before_a_field_was_there_is_read_and_written_as_it_was() {
        let spec = RunSpec::of(PhaseName::Phase1);
        let json = serde_json::to_string(&spec).unwrap();
        for newer in ["greedy", "\"with\""] {
            assert!(!json.contains(newer), "{json}");
        }
        assert_eq!(serde_json::from_str::<RunSpec>(&json).unwrap(), spec);
    }

    #[test]
    fn a_spec_is_read_back_as_it_was_written() {
        let mut spec = RunSpec::of(PhaseName::Phase3);
        spec.faults = vec![FaultSpec::pause("phase3-writer@1+30").unwrap()];
        spec.slower = "2.8".parse().unwrap();
        spec.greedy.slow_bodies = 7;
        let json = serde_json::to_string(&spec).unwrap();
        assert!(json.contains("\"slower\":2.8"), "{json}");
        assert_eq!(serde_json::from_str::<RunSpec>(&json).unwrap(), spec);
    }
}
