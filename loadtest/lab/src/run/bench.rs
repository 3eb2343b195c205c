//! A phase that is up, with everything that watches it: set up, loaded, and read afterwards.

use super::cost_floor;
use super::rest;
use super::steps::Steps;
use crate::load::{self, Plan, Progress};
use crate::stack::compose::Stack;
use crate::stack::databases::Databases;
use crate::stack::engine::Containers;
use crate::stack::meter::Meter;
use crate::stack::phases::Phase;
use crate::stack::project::Project;
use crate::stack::queue::Queue;
use crate::stack::{faults, service_metrics};
use anyhow::{bail, ensure};
use lab_truth::evidence::{After, Before, ClaimedCap, FaultsSeen, LoadSeen};
use lab_truth::figures;
use lab_truth::plan::{Participants, Schedule};
use lab_truth::spec::RunSpec;
use signup_domain::LAUNCH_DAY;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// How long the stack is left alone to measure what it costs when nobody comes.
const IDLE: Duration = Duration::from_secs(5);

/// How long it has to calm down after its start, before that.
const SETTLE: Duration = Duration::from_secs(2);

/// A container on this machine takes a connection in far less.
const REACHED: Duration = Duration::from_millis(500);

/// A phase that is up.
pub(super) struct Bench<'a> {
    stack: &'a Stack,
    pub(super) containers: Containers,
    pub(super) databases: Databases,
    pub(super) queue: Option<Queue>,
    pub(super) meter: Meter,
}

impl<'a> Bench<'a> {
    /// Brings the phase up with empty databases.
    pub(super) async fn set_up(
        root: &Path,
        stack: &'a Stack,
        steps: &dyn Steps,
    ) -> anyhow::Result<Self> {
        let phase = stack.phase;
        steps.step(&format!("bringing up {} with empty databases", phase.name));
        stack.up_fresh().await?;
        let (databases, queue) = at_rest(phase, root, steps).await?;
        let containers = Containers::find(phase).await?;
        let meter = Meter::start(containers.clone()).await?;
        Ok(Self {
            stack,
            containers,
            databases,
            queue,
            meter,
        })
    }

    /// Looks at the phase before the load; returns also where the load is to go.
    pub(super) async fn look(
        &self,
        claimed: Vec<ClaimedCap>,
        spec: &RunSpec,
        steps: &dyn Steps,
    ) -> anyhow::Result<(Before, String)> {
        let phase = self.stack.phase;
        let mut durability = self.databases.durability().await?;
        if let Some(queue) = &self.queue {
            durability.extend(queue.durability().await?);
            ensure_timed(&durability)?;
        }
        steps.step("measuring the cost floor, and the phase idle");
        let floor = cost_floor::measure(&self.databases, &self.meter).await?;
        tokio::time::sleep(SETTLE).await;
        let idle_begin = self.meter.read().await?;
        tokio::time::sleep(IDLE).await;
        let entry = self.entry(spec).await?;
        let before = Before {
            claimed,
            durability,
            floor,
            idle_begin,
            idle_end: self.meter.read().await?,
            inspected: self.containers.inspect().await?,
            past_port_proxy: entry.is_some(),
            counts: service_metrics::scrape(phase.operations).await?,
        };
        Ok((before, self.url(entry)))
    }

    /// Sends the load to `url`, with the faults that are ordered; returns also what came of them.
    pub(super) async fn load(
        &self,
        spec: &RunSpec,
        url: &str,
        participants: &Participants,
        steps: &dyn Steps,
        stop: CancellationToken,
    ) -> anyhow::Result<(LoadSeen, FaultsSeen)> {
        let window = Duration::from_secs(u64::from(spec.window_s));
        let schedule = Schedule::new(spec.scenario, spec.users, window, spec.arrivals, spec.seed);
        let progress = Arc::new(Progress::default());
        let _watching = steps.watch(&progress, schedule.arrivals.len(), window);
        let plan = Plan {
            base: url.parse()?,
            event: LAUNCH_DAY.to_string(),
            participants: participants.clone(),
            schedule,
            slots: spec.slots as usize,
            greedy: spec.greedy,
            report: None,
        };
        let ordered = faults::order(
            &spec.faults,
            &self.containers,
            &progress.begins,
            self.stack.root(),
        );
        let seen = load::run(plan, progress, stop).await?;
        if seen.stopped {
            bail!("interrupted");
        }
        let faults = ordered.happened(seen.started).await?;
        if !faults.faults.is_empty() {
            self.stack.wait_until_ready().await?;
        }
        Ok((seen, faults))
    }

    /// Waits until all that was acknowledged in the load is written and replicated, and looks at it
    /// again.
    pub(super) async fn come_to_rest(
        &self,
        users: u32,
        load: &LoadSeen,
        steps: &dyn Steps,
    ) -> anyhow::Result<After> {
        steps.step("waiting until everything is written");
        let acknowledged = figures::acknowledged(users, &load.attempts);
        let queue = self.queue.as_ref();
        let rest = rest::wait(&self.databases, queue, acknowledged, steps).await?;
        let caught_up = self.databases.wait_for_replicas().await?;
        let last_answer = load.started + load.duration;
        let drain = |busy_until: Instant| busy_until.saturating_duration_since(last_answer);
        Ok(After {
            end: self.meter.read().await?,
            inspected: self.containers.inspect().await?,
            counts: service_metrics::scrape(self.stack.phase.operations).await?,
            drain: rest.busy_until.map_or(Duration::ZERO, drain),
            left: rest.left,
            caught_up,
        })
    }

    /// The base URL of a load that goes to this address, or else to the published port.
    pub(super) fn url(&self, entry: Option<SocketAddr>) -> String {
        let published = || self.stack.phase.url.to_owned();
        entry.map_or_else(published, |entry| format!("http://{entry}"))
    }

    /// Where the load goes: to the container's own address, so that no byte passes the engine's port
    /// proxy. That is a process of its own, in nobody's cost, which took a fifth of this machine at
    /// 7,000 requests a second. The published port is used where the address is not reached, and when
    /// a fault is ordered: a container that is started again may have another address.
    pub(super) async fn entry(&self, spec: &RunSpec) -> anyhow::Result<Option<SocketAddr>> {
        if !spec.faults.is_empty() {
            return Ok(None);
        }
        let Some(address) = self.containers.address(self.stack.phase.entry).await? else {
            return Ok(None);
        };
        let socket = SocketAddr::new(address, 8080);
        let reached = tokio::time::timeout(REACHED, TcpStream::connect(socket)).await;
        Ok(reached
            .is_ok_and(|connected| connected.is_ok())
            .then_some(socket))
    }
}

/// The databases and the queue of a phase that has come up. A service may be ready before its replica
/// has been made.
async fn at_rest(
    phase: Phase,
    root: &Path,
    steps: &dyn Steps,
) -> anyhow::Result<(Databases, Option<Queue>)> {
    let project = Project::new(root);
    let databases = Databases::new(phase, &project)?;
    let queue = Queue::new(phase, &project)?;
    steps.step("waiting until it is at rest");
    let rest = rest::wait(&databases, queue.as_ref(), 0, steps).await?;
    ensure!(rest.left.is_none(), "{}", rest.left.unwrap_or_default());
    let behind = databases.wait_for_replicas().await?.behind;
    ensure!(behind.is_empty(), "{}", behind.join(" "));
    Ok((databases, queue))
}

/// Whether every database can say when a row was committed; better asked before the load than after.
fn ensure_timed(durability: &BTreeMap<String, String>) -> anyhow::Result<()> {
    for (setting, value) in durability {
        let timed = !setting.ends_with(".track_commit_timestamp") || value == "on";
        ensure!(
            timed,
            "{setting} is {value}: nobody could tell when a signup was recorded"
        );
    }
    Ok(())
}
