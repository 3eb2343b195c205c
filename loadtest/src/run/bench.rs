//! A phase that is up, with everything that watches it: set up, loaded, and read afterwards.

use super::Options;
use crate::containers::Containers;
use crate::databases::Databases;
use crate::drain;
use crate::fault::Happened;
use crate::floor;
use crate::generator::{self, Outcome, Plan, Progress};
use crate::host;
use crate::measured::{After, Before};
use crate::meter::Meter;
use crate::participant::Participants;
use crate::phases::Phase;
use crate::queue::Queue;
use crate::reporter::Reporter;
use crate::schedule::Schedule;
use crate::stack::Stack;
use crate::{service_metrics, summary};
use anyhow::{bail, ensure};
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
    /// Brings the phase up with empty databases, and measures it idle.
    pub(super) async fn set_up(
        root: &Path,
        stack: &'a Stack,
        options: &Options,
        reporter: &Reporter,
    ) -> anyhow::Result<(Self, Before)> {
        let phase = stack.phase;
        let claimed = stack.claimed_caps().await?;
        let services: Vec<&str> = claimed.iter().map(|cap| cap.service.as_str()).collect();
        options.faults.check(&services, options.window)?;
        reporter.step(&format!("bringing up {} with empty databases", phase.name));
        stack.up_fresh().await?;
        let (databases, queue) = at_rest(phase, root, reporter).await?;
        let mut durability = databases.durability().await?;
        if let Some(queue) = &queue {
            durability.extend(queue.durability().await?);
            ensure_timed(&durability)?;
        }
        let containers = Containers::find(phase).await?;

        reporter.step("measuring the floor, and the phase idle");
        let meter = Meter::start(containers.clone()).await?;
        let floor = floor::measure(&databases, &meter).await?;
        tokio::time::sleep(SETTLE).await;
        let idle_begin = meter.read().await?;
        tokio::time::sleep(IDLE).await;
        let before = Before {
            claimed,
            durability,
            floor,
            idle_begin,
            idle_end: meter.read().await?,
            inspected: containers.inspect().await?,
            entry: entry(&containers, phase, options).await?,
            counts: service_metrics::scrape(phase.operations).await?,
            cpu: host::CpuTimes::now()?,
        };
        let bench = Self {
            stack,
            containers,
            databases,
            queue,
            meter,
        };
        Ok((bench, before))
    }

    /// Sends the load, with the faults that are ordered; returns also what came of them.
    pub(super) async fn load(
        &self,
        options: &Options,
        url: &str,
        users: u32,
        participants: &Participants,
        reporter: &Reporter,
        stop: CancellationToken,
    ) -> anyhow::Result<(Outcome, Happened)> {
        let window = Duration::from_secs(u64::from(options.window));
        let schedule = Schedule::new(
            options.scenario,
            users,
            window,
            options.arrivals,
            options.seed,
        );
        let progress = Arc::new(Progress::default());
        let _watching = reporter.watch(&progress, schedule.arrivals.len(), window);
        let plan = Plan {
            base: url.parse()?,
            event: LAUNCH_DAY.to_string(),
            participants: participants.clone(),
            schedule,
            slots: options.slots as usize,
        };
        let faults = options.faults.order(&self.containers);
        let outcome = generator::run(plan, progress, stop).await?;
        if outcome.stopped {
            bail!("interrupted");
        }
        let happened = faults.happened().await?;
        if happened.text.is_some() {
            self.stack.wait_until_ready().await?;
        }
        Ok((outcome, happened))
    }

    /// Waits until all that the load `came` to is written and replicated, and looks at it again.
    pub(super) async fn come_to_rest(
        &self,
        users: u32,
        came: &Outcome,
        reporter: &Reporter,
    ) -> anyhow::Result<After> {
        let mut waiter = reporter.wait("waiting until everything is written");
        let acknowledged = summary::acknowledged(users, &came.attempts);
        let queue = self.queue.as_ref();
        let rest = drain::wait(&self.databases, queue, acknowledged, &mut waiter).await?;
        let caught_up = self.databases.wait_for_replicas().await?;
        let last_answer = came.started + came.duration;
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
}

/// The databases and the queue of a phase that has come up. A service may be ready before its replica
/// has been made.
async fn at_rest(
    phase: Phase,
    root: &Path,
    reporter: &Reporter,
) -> anyhow::Result<(Databases, Option<Queue>)> {
    let databases = Databases::new(phase, root)?;
    let queue = Queue::new(phase, root)?;
    let mut waiter = reporter.wait("waiting until it is at rest");
    let rest = drain::wait(&databases, queue.as_ref(), 0, &mut waiter).await?;
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

/// Where the load goes: to the container's own address, so that no byte passes the engine's port
/// proxy. That is a process of its own, in nobody's cost, which took a fifth of this machine at
/// 7,000 requests a second. The published port is used where the address is not reached, and when a
/// fault is ordered: a container that is started again may have another address.
async fn entry(
    containers: &Containers,
    phase: Phase,
    options: &Options,
) -> anyhow::Result<Option<SocketAddr>> {
    if !options.faults.are_none() {
        return Ok(None);
    }
    let Some(address) = containers.address(phase.entry).await? else {
        return Ok(None);
    };
    let socket = SocketAddr::new(address, 8080);
    let reached = tokio::time::timeout(REACHED, TcpStream::connect(socket)).await;
    Ok(reached
        .is_ok_and(|connected| connected.is_ok())
        .then_some(socket))
}
