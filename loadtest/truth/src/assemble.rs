//! Puts the record of a run together from what was seen of it.

mod loaded;

use crate::evidence::{After, Audit, Before, CpuShares, FaultsSeen, LoadSeen, Reading};
use crate::figures;
use crate::ledger::CommitTimes;
use crate::record::{Build, Cap, Environment, Incidents, Run, SCHEMA, Verdict};
use crate::spec::{Goal, RunSpec};
pub use loaded::{LoadAsked, SeenOfLoad};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Who made a run, of what, and where.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The run's id.
    pub id: String,
    /// What was typed, without this machine's folders.
    pub command: String,
    /// The commit that was measured.
    pub git_sha: String,
    /// How it was built.
    pub build: Build,
    /// The machine.
    pub environment: Environment,
}

/// All that was seen of a run.
pub struct Seen {
    /// Who made it, of what, and where.
    pub provenance: Provenance,
    /// What was asked.
    pub spec: RunSpec,
    /// Before the load.
    pub before: Before,
    /// Of the load.
    pub load: LoadSeen,
    /// What was ordered to fail, and did.
    pub faults: FaultsSeen,
    /// Of the meter.
    pub readings: Vec<Reading>,
    /// The counters when the load began.
    pub begin: Reading,
    /// Where the machine's CPU time went during the load.
    pub cpu: CpuShares,
    /// When everything was written.
    pub after: After,
    /// In the databases.
    pub audit: Audit,
    /// When every signup was committed; `None` where the answer follows the commit.
    pub commits: Option<CommitTimes>,
}

impl Seen {
    /// The record, not judged yet.
    ///
    /// # Errors
    /// When the time of its begin cannot be written.
    pub fn into_run(self) -> anyhow::Result<Run> {
        let attempts = &self.load.attempts;
        let commits = self.commits.as_ref();
        let faults = self.faults.faults.clone();
        let timeline = figures::timeline(attempts, commits, &self.readings, self.load.started);
        let backlog = commits.map(|_| figures::backlog(&timeline, self.spec.window_s));
        let outside = attempts
            .iter()
            .filter(|attempt| figures::is_outside(attempt, &faults));
        // Which visits never ended well is only known as a sum: of those, a fault may explain all.
        let unseen = self.load.never_recorded;
        let unexplained = if faults.is_empty() { unseen } else { 0 };
        let past_port_proxy = self.before.past_port_proxy;
        let asked = (self.spec.window_s, self.spec.slots);
        Ok(Run {
            schema: SCHEMA,
            started_at: OffsetDateTime::from(self.load.started_at).format(&Rfc3339)?,
            caps: self.caps(),
            load: figures::load(asked, &self.load, self.cpu, past_port_proxy),
            greedy: self.load.greedy.clone(),
            answers: figures::answers(attempts),
            reads: figures::reads(attempts),
            latency_ms: figures::latencies(attempts, commits, &faults),
            drain_s: self.after.drain.as_secs_f64(),
            backlog,
            replica_catch_up_s: self.after.caught_up.took.map(|took| took.as_secs_f64()),
            counts: figures::counts(attempts, &self.before, &self.after, &self.audit.ledger),
            broken_promises: Some(figures::broken_promises(attempts, unseen)),
            broken_outside_faults: Some(figures::broken_promises(outside, unexplained)),
            incidents: self.incidents(),
            floor: Some(self.before.floor),
            cost: figures::cost(
                &self.readings,
                &self.begin,
                &self.after.end,
                &self.before,
                self.audit.ledger.kept,
            ),
            timeline,
            faults,
            id: self.provenance.id,
            command: self.provenance.command,
            git_sha: self.provenance.git_sha,
            build: Some(self.provenance.build),
            environment: self.provenance.environment,
            spec: self.spec,
            durability: self.before.durability,
            ledger: self.audit.ledger,
            verdict: Verdict::Invalid,
            reasons: Vec::new(),
            goal: Goal::default(),
            outcome: None,
            bottleneck: None,
            judged_first: None,
        })
    }

    fn caps(&self) -> Vec<Cap> {
        let cap = |claimed: &crate::evidence::ClaimedCap| {
            let before = self.before.inspected.get(&claimed.service);
            let after = self.after.inspected.get(&claimed.service);
            let after = after.filter(|after| after.running);
            Cap {
                service: claimed.service.clone(),
                cpus: claimed.cpus,
                memory_bytes: claimed.memory_bytes,
                inspected_cpus: before.map_or(0.0, |found| found.cpus),
                inspected_memory_bytes: before.map_or(0, |found| found.memory_bytes),
                after_cpus: after.map(|found| found.cpus),
                after_memory_bytes: after.map(|found| found.memory_bytes),
                read_from: before.map(|found| found.caps_from).unwrap_or_default(),
            }
        };
        self.before.claimed.iter().map(cap).collect()
    }

    fn incidents(&self) -> Incidents {
        let (before, after) = (&self.before.inspected, &self.after.inspected);
        let clock_set_ms = self.audit.clock_set.as_millis();
        Incidents {
            behind: self.after.caught_up.behind.clone(),
            left: self.after.left.clone(),
            shard_maps: self.audit.shard_maps.clone(),
            dead_letters: self.audit.dead_letters.clone(),
            clock_set_ms: u64::try_from(clock_set_ms).unwrap_or(u64::MAX),
            ..figures::incidents(before, after, &self.faults.revivals)
        }
    }
}
