//! Puts the record of a run together from what was measured.

mod environment;
mod incidents;

use crate::attempt::{Attempt, Kind};
use crate::containers::Inspected;
use crate::databases::CatchUp;
use crate::fault::Happened;
use crate::generator::Outcome;
use crate::host::{CpuShares, CpuTimes};
use crate::meter::{self, Reading};
use crate::phases::Phase;
use crate::record::{
    Cap, Cost, Counts, Environment, Floor, Load, Run, SCHEMA, ServiceCost, Verdict,
};
use crate::run::{Found, Options};
use crate::service_metrics::ServiceCounts;
use crate::stack::ClaimedCap;
use crate::verdict;
use crate::{promises, source, summary};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Answers that come this long after the end of the window still keep pace with the arrivals.
const PACE: Duration = Duration::from_secs(1);

/// What was seen before the load.
pub(crate) struct Before {
    pub(crate) claimed: Vec<ClaimedCap>,
    pub(crate) durability: BTreeMap<String, String>,
    pub(crate) floor: Floor,
    pub(crate) idle_begin: Reading,
    pub(crate) idle_end: Reading,
    pub(crate) inspected: BTreeMap<String, Inspected>,
    /// The entry container's own address, if the load can go there.
    pub(crate) entry: Option<SocketAddr>,
    pub(crate) counts: ServiceCounts,
    pub(crate) cpu: CpuTimes,
}

impl Before {
    /// Base URL of the load.
    pub(crate) fn url(&self, phase: Phase) -> String {
        self.entry
            .map_or_else(|| phase.url.to_owned(), |entry| format!("http://{entry}"))
    }
}

/// What was seen when everything was written.
pub(crate) struct After {
    pub(crate) end: Reading,
    pub(crate) inspected: BTreeMap<String, Inspected>,
    pub(crate) counts: ServiceCounts,
    pub(crate) drain: Duration,
    /// What was left in the queue, if it was given up.
    pub(crate) left: Option<String>,
    pub(crate) caught_up: CatchUp,
}

/// What was seen of the whole run.
pub(crate) struct Measured<'a> {
    pub(crate) root: &'a Path,
    pub(crate) id: String,
    pub(crate) users: u32,
    pub(crate) options: &'a Options,
    pub(crate) before: Before,
    pub(crate) outcome: Outcome,
    /// What was ordered to fail, and did.
    pub(crate) faults: Happened,
    pub(crate) readings: Vec<Reading>,
    pub(crate) begin: Reading,
    pub(crate) cpu: CpuShares,
    pub(crate) after: After,
    pub(crate) found: Found,
}

impl Measured<'_> {
    /// The record, judged.
    pub(crate) async fn into_run(self) -> anyhow::Result<Run> {
        let environment = self.environment().await?;
        let git_sha = environment::git_sha(self.root).await;
        let mut run = self.unjudged(environment, git_sha)?;
        let mut incidents = incidents::between(
            &self.before.inspected,
            &self.after.inspected,
            &self.faults.revivals,
        );
        incidents.behind.clone_from(&self.after.caught_up.behind);
        incidents.left.clone_from(&self.after.left);
        incidents.shard_maps.clone_from(&self.found.shard_maps);
        incidents.dead_letters.clone_from(&self.found.dead_letters);
        incidents.clock_set = self.found.clock_set;
        run.bottleneck = verdict::bottleneck(&run);
        (run.verdict, run.reasons) = verdict::judge(&run, &incidents);
        Ok(run)
    }

    fn unjudged(&self, environment: Environment, git_sha: String) -> anyhow::Result<Run> {
        let attempts = &self.outcome.attempts;
        let left_out = self.options.left_out();
        let recording = self.found.recording.as_ref();
        let timeline = summary::timeline(attempts, recording, &self.readings, self.outcome.started);
        let backlog = recording.map(|_| summary::backlog(&timeline, self.options.window));
        Ok(Run {
            schema: SCHEMA,
            id: self.id.clone(),
            started_at: OffsetDateTime::from(self.outcome.started_at).format(&Rfc3339)?,
            command: command(std::env::args()),
            git_sha,
            phase: self.options.phase.phase().name.into(),
            scenario: self.options.scenario.to_string(),
            arrivals: self.options.arrivals.to_string(),
            users: self.users,
            window_s: f64::from(self.options.window),
            seed: self.options.seed,
            budget: self.options.budget.to_string(),
            without: left_out.iter().map(ToString::to_string).collect(),
            fault: self.faults.text.clone(),
            environment,
            caps: self.caps(),
            durability: self.before.durability.clone(),
            load: self.load(),
            answers: summary::answers(attempts),
            reads: source::reads(attempts),
            latency_ms: summary::latencies(attempts, recording),
            drain_s: self.after.drain.as_secs_f64(),
            backlog,
            replica_catch_up_s: self.after.caught_up.took.map(|took| took.as_secs_f64()),
            ledger: self.found.ledger.clone(),
            counts: self.counts(),
            broken_promises: Some(promises::broken(attempts, self.outcome.never_recorded)),
            floor: Some(self.before.floor),
            cost: self.cost(),
            bottleneck: None,
            timeline,
            verdict: Verdict::Invalid,
            reasons: Vec::new(),
        })
    }

    fn caps(&self) -> Vec<Cap> {
        let cap = |claimed: &ClaimedCap| {
            let found = self.before.inspected.get(&claimed.service);
            Cap {
                service: claimed.service.clone(),
                cpus: claimed.cpus,
                memory_bytes: claimed.memory_bytes,
                inspected_cpus: found.map_or(0.0, |found| found.cpus),
                inspected_memory_bytes: found.map_or(0, |found| found.memory_bytes),
            }
        };
        self.before.claimed.iter().map(cap).collect()
    }

    /// Rates count what was intended within the window: what follows from an answer may come
    /// later, and would make every run look slow.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of a run are exact in a double"
    )]
    fn load(&self) -> Load {
        let outcome = &self.outcome;
        let window_s = f64::from(self.options.window);
        let window_us = u64::from(self.options.window) * 1_000_000;
        let pace_us = window_us + u64::try_from(PACE.as_micros()).unwrap_or(u64::MAX);
        let in_window =
            |attempt: &&Attempt| attempt.kind == Kind::Signup && attempt.intended_us < window_us;
        let signups = || outcome.attempts.iter().filter(in_window);
        let answered =
            |attempt: &&Attempt| attempt.outcome.is_success() && attempt.answered_us <= pace_us;
        let asked = signups().count() as u64 + outcome.dropped;
        Load {
            asked_per_s: asked as f64 / window_s,
            achieved_per_s: signups().filter(answered).count() as f64 / window_s,
            arrivals: outcome.due,
            requests: outcome.attempts.len() as u64,
            late: outcome.late,
            dropped: outcome.dropped,
            slots: self.options.slots,
            generator_cpu_s: outcome.cpu_s,
            generator_cpu_share: outcome.cpu_s / (outcome.cpu_s + self.cpu.idle_s).max(0.01),
            generator_realtime: outcome.realtime,
            past_port_proxy: self.before.entry.is_some(),
            schedule_lag_p99_ms: outcome.lag_us.value_at_quantile(0.99) as f64 / 1_000.0,
            in_flight_mean: outcome.in_flight_mean,
            in_flight_expected: outcome.in_flight_expected,
        }
    }

    fn counts(&self) -> Counts {
        let attempts = self.outcome.attempts.iter();
        let signups = attempts.filter(|attempt| attempt.kind == Kind::Signup);
        let statuses = signups.filter_map(|attempt| attempt.outcome.status());
        let (mut answers, mut repeats) = (0, 0);
        for status in statuses {
            answers += 1;
            repeats += u64::from(status == 200);
        }
        Counts {
            generator_answers: answers,
            service_requests: self
                .after
                .counts
                .signups
                .saturating_sub(self.before.counts.signups),
            generator_acked: self.found.ledger.acked_requests,
            service_acked: self
                .after
                .counts
                .acked
                .saturating_sub(self.before.counts.acked),
            repeats,
            rows: self.found.ledger.kept,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of a run are exact in a double"
    )]
    fn cost(&self) -> Cost {
        let kept = self.found.ledger.kept.max(1) as f64;
        let mut per_service = meter::cost_between(&self.readings, &self.begin, &self.after.end);
        for cost in per_service.values_mut() {
            cost.cpu_us_per_signup = cost.cpu_s * 1e6 / kept;
        }
        let cpu_s =
            |costs: &BTreeMap<String, ServiceCost>| costs.values().map(|c| c.cpu_s).sum::<f64>();
        let idle = meter::cost_between(&[], &self.before.idle_begin, &self.before.idle_end);
        let idle_s = (self.before.idle_end.at - self.before.idle_begin.at).as_secs_f64();
        Cost {
            cpu_us_per_signup: cpu_s(&per_service) * 1e6 / kept,
            idle_cpus: cpu_s(&idle) / idle_s,
            per_service,
        }
    }
}

/// What was typed, without this machine's folders.
fn command(words: impl Iterator<Item = String>) -> String {
    let mut command = vec!["lab".to_owned()];
    let mut words = words.skip(1);
    while let Some(word) = words.next() {
        if word == "--root" {
            words.next();
        } else if !word.starts_with("--root=") {
            command.push(word);
        }
    }
    command.join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_command_names_no_folder_of_this_machine() {
        for typed in ["/a/lab --root /b run phase1", "lab run --root=/b phase1"] {
            let words = typed.split(' ').map(str::to_owned);
            assert_eq!(super::command(words), "lab run phase1");
        }
    }
}
