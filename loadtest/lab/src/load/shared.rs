//! What pacer and slots share while a load runs, and the plan it follows.

use super::client::Client;
use super::feed::Feed;
use super::progress::Progress;
use super::ticket::Request;
use lab_truth::evidence::Attempt;
use lab_truth::plan::{Participants, Schedule};
use lab_truth::spec::{GreedyClients, Scenario};
use reqwest::Url;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What to send, where, and when.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Base URL of the service.
    pub base: Url,
    /// Id of the event the participants sign up for.
    pub event: String,
    /// Who they are.
    pub participants: Participants,
    /// What they do, and when.
    pub schedule: Schedule,
    /// Most requests in flight at once (goose users).
    pub slots: usize,
    /// Who holds connections meanwhile.
    pub greedy: GreedyClients,
    /// Where goose is to write a report of its own, as HTML. Measured runs do without: keeping what it
    /// shows costs the generator CPU.
    pub report: Option<PathBuf>,
}

/// What the pacer and the slots share.
pub(super) struct Shared {
    pub(super) scenario: Scenario,
    pub(super) slots: usize,
    /// Slots that have started, and so the number of the next one.
    pub(super) numbered: AtomicUsize,
    pub(super) client: Client,
    pub(super) feed: Feed,
    pub(super) follow_ups: mpsc::Sender<Request>,
    /// Requests handed out and not done with: waiting for a slot, or in one.
    pub(super) open: AtomicUsize,
    /// One permit for each slot that has started.
    pub(super) ready: Semaphore,
    pub(super) stop: CancellationToken,
    pub(super) progress: Arc<Progress>,
    pub(super) log: Mutex<Vec<Attempt>>,
    pub(super) without_receipt: AtomicU64,
    pub(super) never_recorded: AtomicU64,
}

impl Shared {
    pub(super) fn new(
        plan: &Plan,
        progress: Arc<Progress>,
        stop: CancellationToken,
        follow_ups: mpsc::Sender<Request>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            scenario: plan.schedule.scenario,
            slots: plan.slots,
            numbered: AtomicUsize::new(0),
            client: Client::new(&plan.base, &plan.event, plan.participants.clone())?,
            feed: Feed::new(plan.slots),
            follow_ups,
            open: AtomicUsize::new(0),
            ready: Semaphore::new(0),
            stop,
            progress,
            // Space for the scheduled requests and as many more as retry; growing would copy it all.
            log: Mutex::new(Vec::with_capacity(plan.schedule.arrivals.len() * 21 / 20)),
            without_receipt: AtomicU64::new(0),
            never_recorded: AtomicU64::new(0),
        })
    }
}
