//! Puts the record of a load together that was sent to something already up.

use crate::evidence::{CpuShares, LoadSeen, Reading};
use crate::figures;
use crate::plan::Arrival;
use crate::record::{LOAD_SCHEMA, Ledger, Loaded, Receipts, Verdict};
use crate::spec::{Arrivals, Goal, PhaseName, Scenario, StepSpec};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What was asked of a load.
#[derive(Debug, Clone)]
pub struct LoadAsked {
    /// One after the other.
    pub steps: Vec<StepSpec>,
    /// What the participants do.
    pub scenario: Scenario,
    /// How they come.
    pub arrivals: Arrivals,
    /// Fixes the schedule.
    pub seed: u64,
    /// Most requests in flight at once.
    pub slots: u32,
}

/// All that was seen of it.
pub struct SeenOfLoad {
    /// The load's id.
    pub id: String,
    /// What was typed.
    pub command: String,
    /// Where it went.
    pub url: String,
    /// For which event.
    pub event: String,
    /// What is behind it, if that is known.
    pub phase: Option<PhaseName>,
    /// What was asked.
    pub asked: LoadAsked,
    /// What was scheduled.
    pub scheduled: Vec<Arrival>,
    /// Of the load.
    pub load: LoadSeen,
    /// Where the machine's CPU time went meanwhile.
    pub cpu: CpuShares,
    /// Of the containers: before the load, all readings, and when all was written.
    pub readings: Option<(Reading, Vec<Reading>, Reading)>,
    /// Through the service.
    pub receipts: Receipts,
    /// In the databases, where they are the lab's; or why not.
    pub databases: Option<Result<Ledger, String>>,
}

impl SeenOfLoad {
    /// The record, not judged yet.
    ///
    /// # Errors
    /// When the time of its begin cannot be written.
    pub fn into_record(self) -> anyhow::Result<Loaded> {
        let (load, asked) = (&self.load, &self.asked);
        let whole = (StepSpec::window_s(&asked.steps), asked.slots);
        let (databases, databases_unread) = match self.databases {
            Some(Ok(ledger)) => (Some(ledger), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        let (cost, readings) = match &self.readings {
            Some((begin, all, end)) => (figures::cost_between(all, begin, end), all.as_slice()),
            None => (BTreeMap::new(), [].as_slice()),
        };
        Ok(Loaded {
            schema: LOAD_SCHEMA,
            started_at: OffsetDateTime::from(load.started_at).format(&Rfc3339)?,
            scenario: asked.scenario,
            arrivals: asked.arrivals,
            seed: asked.seed,
            stopped: load.stopped,
            load: figures::load(whole, load, self.cpu, false),
            cpu_steal_share: self.cpu.steal,
            steps: figures::steps(&asked.steps, &self.scheduled, load),
            answers: figures::answers(&load.attempts),
            receipts: self.receipts,
            databases,
            databases_unread,
            cost,
            timeline: figures::timeline(&load.attempts, None, readings, load.started),
            id: self.id,
            command: self.command,
            url: self.url,
            event: self.event,
            phase: self.phase,
            verdict: Verdict::Invalid,
            reasons: Vec::new(),
            goal: Goal::default(),
        })
    }
}
