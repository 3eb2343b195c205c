//! Capacity: the highest open arrival rate that a phase carries. What was tried, where to look next, and
//! what was found. Every rate that is tried is a run of its own, from empty databases to a verdict.

use crate::record::{Bottleneck, Run, Verdict};
use crate::spec::{Other, PhaseName, RunSpec, Scenario};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// From one rung of the ladder to the next: 5 % more participants a second, about a machine's noise.
const RUNG: f64 = 1.05;

/// At most so many rungs at once, half as many again: a step further would only overload.
const LONGEST_STRIDE: i32 = 8;

/// A rate whose run is SUSPECT is neither carried nor missed; it is tried so often.
const ATTEMPTS: usize = 3;

/// The rate of a rung, in participants a second.
#[must_use]
pub fn rate(rung: i32) -> f64 {
    RUNG.powi(rung)
}

/// The rung next to a rate.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the logarithm of a rate is a small number"
)]
pub fn rung(per_s: f64) -> i32 {
    (per_s.max(1.0).ln() / RUNG.ln()).round() as i32
}

/// What was looked for, and what came of it; written after each run, so that it can be gone on with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// `<UTC time>-capacity`; also the name of the folder, in which the runs are.
    pub id: String,
    /// The command line that was run.
    pub command: String,
    /// The commit that was measured, with `-dirty` when the tree had changes.
    pub git_sha: String,
    /// Seconds of each run.
    pub window_s: u32,
    /// What the participants did.
    pub scenario: Scenario,
    /// What is searched, in the order in which they take turns.
    pub systems: Vec<System>,
    /// How often each is searched.
    pub repeats: u32,
    /// The searches that have begun, in that order.
    pub searches: Vec<Search>,
}

/// A phase, or a phase with something else in the place of a part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// The phase.
    pub phase: PhaseName,
    /// What stands in the place of a part of it.
    pub with: BTreeSet<Other>,
}

/// One search of one system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// What is searched.
    pub system: System,
    /// Which repeat, from 1.
    pub repeat: u32,
    /// What was tried, in its order.
    pub tried: Vec<Tried>,
}

/// One rate that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// The rung of its rate: 1.05 to this power, in participants a second.
    pub rung: i32,
    /// The run's id.
    pub run: String,
    /// Whether its numbers may be believed.
    pub verdict: Verdict,
    /// Whether it was carried.
    pub carried: bool,
    /// Signup requests acknowledged, a second.
    pub acknowledged_per_s: f64,
    /// 99th percentile of the answers, from the intended start, in ms.
    pub p99_ms: f64,
    /// CPU time of all containers for one durable signup, in µs.
    pub cpu_us_per_signup: f64,
    /// What was nearest to its limit.
    pub bottleneck: Option<Bottleneck>,
}

/// Where a search goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// With this rung.
    Try(i32),
    /// It is over: with the highest rung that was carried, if any was.
    Over(Option<i32>),
    /// It ended where no run could be believed: what was carried until then is no limit.
    GivenUp,
}

impl From<PhaseName> for System {
    fn from(phase: PhaseName) -> Self {
        Self {
            phase,
            with: BTreeSet::new(),
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = RunSpec {
            with: self.with.clone(),
            ..RunSpec::of(self.phase)
        };
        spec.system().fmt(f)
    }
}

impl Search {
    /// Where it goes on; it begins at the rung `start`, and strides up or down from there, further each
    /// time, until one rate is carried and one missed; then it halves what is between them.
    #[must_use]
    pub fn next(&self, start: i32) -> Next {
        let believed = |carried| {
            let tried = self.tried.iter();
            let of_those =
                tried.filter(move |one| one.verdict == Verdict::Valid && one.carried == carried);
            of_those.map(|one| one.rung)
        };
        let (carried, missed) = (believed(true).max(), believed(false).min());
        if let Some(last) = self.tried.last()
            && last.verdict != Verdict::Valid
        {
            let same = self.tried.iter().rev();
            let attempts = same.take_while(|one| one.rung == last.rung).count();
            let again = last.verdict == Verdict::Suspect && attempts < ATTEMPTS;
            return match again {
                true => Next::Try(last.rung),
                false => Next::GivenUp,
            };
        }
        let stride = |tried: usize| LONGEST_STRIDE.min(1 << tried.saturating_sub(1).min(8));
        match (carried, missed) {
            (None, None) => Next::Try(start),
            (Some(carried), None) => Next::Try(carried + stride(believed(true).count())),
            (None, Some(missed)) if missed <= 0 => Next::Over(None),
            (None, Some(missed)) => Next::Try((missed - stride(believed(false).count())).max(0)),
            (Some(carried), Some(missed)) if missed - carried <= 1 => Next::Over(Some(carried)),
            (Some(carried), Some(missed)) => Next::Try((carried + missed) / 2),
        }
    }

    /// What was carried at the highest rung, once the search is over.
    #[must_use]
    pub fn found(&self) -> Option<&Tried> {
        // Where a search begins matters only before anything is tried.
        let Next::Over(Some(rung)) = self.next(0) else {
            return None;
        };
        let mut tried = self.tried.iter();
        tried.find(|one| one.rung == rung && one.carried && one.verdict == Verdict::Valid)
    }
}

impl Tried {
    /// What a run says of the rate at `rung`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are exact in a double")]
    pub fn of(rung: i32, run: &Run) -> Self {
        Self {
            rung,
            run: run.id.clone(),
            verdict: run.verdict,
            carried: run.outcome.as_ref().is_some_and(|outcome| outcome.carried),
            acknowledged_per_s: run.ledger.acked_requests as f64 / run.window_s(),
            p99_ms: run.latency_ms.answer.p99,
            cpu_us_per_signup: run.cost.cpu_us_per_signup,
            bottleneck: run.bottleneck.clone(),
        }
    }
}

impl Capacity {
    /// The question of one rung.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "participants of a window of seconds"
    )]
    pub fn spec(&self, system: &System, rung: i32) -> RunSpec {
        RunSpec {
            with: system.with.clone(),
            scenario: self.scenario,
            users: (rate(rung) * f64::from(self.window_s)).round().max(1.0) as u32,
            window_s: self.window_s,
            ..RunSpec::of(system.phase)
        }
    }

    /// What is to be searched, each with its repeat, systems taking turns.
    pub fn turns(&self) -> impl Iterator<Item = (System, u32)> + use<> {
        let systems = self.systems.clone();
        (1..=self.repeats).flat_map(move |repeat| {
            let turn = systems.clone().into_iter();
            turn.map(move |system| (system, repeat))
        })
    }

    /// The search of a turn, begun if it was not.
    pub fn search(&mut self, system: &System, repeat: u32) -> &mut Search {
        let is_it = |search: &Search| search.system == *system && search.repeat == repeat;
        let at = match self.searches.iter().position(is_it) {
            Some(at) => at,
            None => {
                self.searches.push(Search {
                    system: system.clone(),
                    repeat,
                    tried: Vec::new(),
                });
                self.searches.len() - 1
            }
        };
        &mut self.searches[at]
    }

    /// The searches of a system.
    pub fn searches_of<'a>(&'a self, system: &'a System) -> impl Iterator<Item = &'a Search> {
        let searches = self.searches.iter();
        searches.filter(move |search| search.system == *system)
    }

    /// What each search of a system found that is over, the lowest first.
    #[must_use]
    pub fn found<'a>(&'a self, system: &'a System) -> Vec<&'a Tried> {
        let searches = self.searches_of(system);
        let mut found: Vec<&Tried> = searches.filter_map(Search::found).collect();
        found.sort_by_key(|one| one.rung);
        found
    }

    /// The middle one of what was found of a system; of an even number the lower one.
    #[must_use]
    pub fn median<'a>(&'a self, system: &'a System) -> Option<&'a Tried> {
        let found = self.found(system);
        found.get(found.len().saturating_sub(1) / 2).copied()
    }

    /// Whether this turn's search has ended.
    #[must_use]
    pub fn is_searched(&self, system: &System, repeat: u32) -> bool {
        let mut searches = self.searches_of(system);
        let search = searches.find(|one| one.repeat == repeat);
        // Where a search begins matters only before anything is tried.
        search.is_some_and(|search| !matches!(search.next(0), Next::Try(_)))
    }

    /// Whether nothing is left to be tried.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let mut turns = self.turns();
        turns.all(|(system, repeat)| self.is_searched(&system, repeat))
    }
}

#[cfg(test)]
mod tests;
