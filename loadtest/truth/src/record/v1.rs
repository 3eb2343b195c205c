//! Schema 1 of `run.json`, in which the runs up to November 2026 were written: read, never written.
//!
//! What it kept in words (faults, incidents among the reasons) is taken apart; what it did not keep is
//! null in the record that it becomes.

use super::{
    Backlog, Bottleneck, BrokenPromises, Cap, Cost, Counts, Environment, FaultSeen, Floor,
    Incidents, Latencies, Ledger, Load, Reason, SCHEMA, Second, Verdict,
};
use crate::spec::{Arrivals, Budget, FaultKind, FaultSpec, Goal, GreedyClients, Part};
use crate::spec::{PhaseName, RunSpec, Scenario, Slowdown};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A run as schema 1 had it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    #[expect(dead_code, reason = "it was looked at before")]
    schema: u32,
    id: String,
    started_at: String,
    command: String,
    git_sha: String,
    phase: PhaseName,
    scenario: Scenario,
    arrivals: Arrivals,
    users: u32,
    window_s: f64,
    seed: u64,
    budget: Budget,
    #[serde(default)]
    without: Vec<Part>,
    fault: Option<String>,
    environment: Environment,
    caps: Vec<Cap>,
    durability: BTreeMap<String, String>,
    load: Load,
    answers: BTreeMap<String, BTreeMap<String, u64>>,
    #[serde(default)]
    reads: BTreeMap<String, BTreeMap<String, u64>>,
    latency_ms: Latencies,
    drain_s: f64,
    #[serde(default)]
    backlog: Option<Backlog>,
    #[serde(default)]
    replica_catch_up_s: Option<f64>,
    ledger: Ledger,
    counts: Counts,
    #[serde(default)]
    broken_promises: Option<BrokenPromises>,
    #[serde(default)]
    floor: Option<Floor>,
    cost: Cost,
    bottleneck: Option<Bottleneck>,
    timeline: Vec<Second>,
    verdict: Verdict,
    reasons: Vec<String>,
}

impl Run {
    /// The same run in today's schema, as it was judged then.
    ///
    /// # Errors
    /// When a fault is told in words that schema 1 never used.
    pub fn upgraded(self) -> Result<super::Run> {
        let faults = faults(self.fault.as_deref())?;
        let spec = self.spec(&faults);
        let incidents = incidents(&self.reasons);
        let stated = |text: String| Reason::Stated { text };
        let excused = faults.iter().any(|fault| fault.excused_s().is_some());
        let outside = self.broken_promises.clone().filter(|_| !excused);
        Ok(super::Run {
            schema: SCHEMA,
            id: self.id,
            started_at: self.started_at,
            command: self.command,
            git_sha: self.git_sha,
            build: None,
            spec,
            faults,
            environment: self.environment,
            caps: self.caps,
            durability: self.durability,
            load: self.load,
            greedy: None,
            answers: self.answers,
            reads: self.reads,
            latency_ms: self.latency_ms,
            drain_s: self.drain_s,
            backlog: self.backlog,
            replica_catch_up_s: self.replica_catch_up_s,
            ledger: self.ledger,
            counts: self.counts,
            broken_promises: self.broken_promises,
            broken_outside_faults: outside,
            incidents,
            floor: self.floor,
            cost: self.cost,
            timeline: self.timeline,
            verdict: self.verdict,
            reasons: self.reasons.into_iter().map(stated).collect(),
            goal: Goal::default(),
            outcome: None,
            bottleneck: self.bottleneck,
            judged_first: None,
        })
    }

    fn spec(&self, faults: &[FaultSeen]) -> RunSpec {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a window was given in whole seconds"
        )]
        let seconds = |s: f64| s as u32;
        RunSpec {
            phase: self.phase,
            without: self.without.iter().copied().collect(),
            with: BTreeSet::new(),
            budget: self.budget,
            slower: Slowdown::default(),
            scenario: self.scenario,
            arrivals: self.arrivals,
            users: self.users,
            window_s: seconds(self.window_s),
            seed: self.seed,
            slots: self.load.slots,
            faults: faults
                .iter()
                .map(|fault| FaultSpec {
                    at_s: seconds(fault.begin_s),
                    target: fault.target.clone(),
                    kind: fault.kind,
                    for_s: (fault.kind == FaultKind::Pause)
                        .then(|| seconds(fault.end_s - fault.begin_s)),
                })
                .collect(),
            greedy: GreedyClients::default(),
            monitoring: !self.command.contains("--no-monitoring"),
        }
    }
}

/// `kill -9 S at 4 s, started again after 1 s; restart S at 5 s: exit code 0 after 0.1 s; …`
fn faults(text: Option<&str>) -> Result<Vec<FaultSeen>> {
    let texts = text.into_iter().flat_map(|text| text.split("; "));
    texts
        .map(|text| fault(text).with_context(|| format!("a fault in words that are new: {text}")))
        .collect()
}

fn fault(text: &str) -> Option<FaultSeen> {
    let (kind, rest) = [
        ("kill -9 ", FaultKind::Kill),
        ("restart ", FaultKind::Restart),
        ("pause ", FaultKind::Pause),
        ("empty ", FaultKind::Empty),
    ]
    .into_iter()
    .find_map(|(words, kind)| Some((kind, text.strip_prefix(words)?)))?;
    let (target, rest) = rest.split_once(" at ")?;
    let (at, rest) = rest.split_once(" s")?;
    let begin_s: f64 = at.parse().ok()?;
    let number = |text: &str| text.strip_suffix(" s")?.parse::<f64>().ok();
    let (took, exit_code) = match kind {
        FaultKind::Kill => (number(rest.strip_prefix(", started again after ")?)?, None),
        FaultKind::Restart => {
            let (code, took) = rest.strip_prefix(": exit code ")?.split_once(" after ")?;
            (number(took)?, Some(code.parse().ok()?))
        }
        FaultKind::Pause => (number(rest.strip_prefix(" for ")?)?, None),
        FaultKind::Empty => (0.0, None),
    };
    Some(FaultSeen {
        kind,
        target: target.to_owned(),
        begin_s,
        end_s: begin_s + took,
        exit_code,
    })
}

/// What of the reasons was an incident.
fn incidents(reasons: &[String]) -> Incidents {
    let mut incidents = Incidents::default();
    for reason in reasons {
        if let Some(service) = reason.strip_suffix(" was restarted during the run") {
            incidents.restarted.push(service.to_owned());
        } else if let Some(service) = reason.strip_suffix(" did not run at the end") {
            incidents.ended.push(service.to_owned());
        } else if let Some(service) = reason.strip_suffix(" was killed for memory") {
            incidents.oom_killed.push(service.to_owned());
        } else if let Some(what) = reason.strip_suffix(" after 60 s of waiting") {
            incidents.behind.push(what.to_owned());
        } else if let Some(what) = reason.strip_prefix("the queue did not drain: ") {
            incidents.left = Some(what.to_owned());
        } else if reason.contains(" maps") || reason.contains("map in ") {
            incidents.shard_maps.push(reason.clone());
        } else if let Some(rest) = reason.strip_prefix("this machine's clock was set by ") {
            let ms = rest.split(' ').next().and_then(|ms| ms.parse().ok());
            incidents.clock_set_ms = ms.unwrap_or_default();
        }
    }
    incidents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_told_in_words_become_intervals_and_are_told_the_same() {
        let told = "kill -9 phase3-queue at 4 s, started again after 1 s; restart phase3-queue at \
                    52 s: exit code 0 after 3.4 s; pause phase3-shard-0 at 20 s for 60 s; empty \
                    phase2-redis at 15 s";
        let seen = faults(Some(told)).unwrap();
        let again: Vec<String> = seen.iter().map(ToString::to_string).collect();
        assert_eq!(again.join("; "), told);
        assert_eq!((seen[2].begin_s, seen[2].end_s), (20.0, 80.0));
        assert_eq!(seen[1].exit_code, Some(0));
        assert!(faults(Some("something else")).is_err() && faults(None).unwrap().is_empty());
    }

    #[test]
    fn incidents_are_found_among_the_reasons() {
        let reasons = [
            "phase2-server-1 was restarted during the run",
            "phase1-database was killed for memory",
            "the queue did not drain: 3 messages wait",
            "this machine's clock was set by 250 ms during the run: until durable is off by as much",
            "the schedule lag p99 is 3.00 ms, over 1 ms",
        ];
        let incidents = incidents(&reasons.map(str::to_owned));
        assert_eq!(incidents.restarted, ["phase2-server-1"]);
        assert_eq!(incidents.oom_killed, ["phase1-database"]);
        assert_eq!(incidents.left.as_deref(), Some("3 messages wait"));
        assert_eq!(incidents.clock_set_ms, 250);
        assert!(incidents.ended.is_empty() && incidents.shard_maps.is_empty());
    }
}
