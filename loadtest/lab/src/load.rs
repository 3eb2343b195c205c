//! The open-loop load generator, inside goose.
//!
//! A goose user waits for its answer before it sends again, so goose alone slows down with the
//! service and hides a stall. Here a schedule that knows nothing of the service hands out intended
//! instants, and goose's users are only the slots in which requests are in flight:
//!
//! schedule → pacer → tickets → slots (goose users) → attempts
//!
//! All of it is on one thread: passing a request to another would cost more than sending it.
//!
//! A request that finds no free slot is sent late, with its latency counted from the intended
//! instant; one that finds none before the end is dropped, and counted.

mod alarm;
mod attack;
pub mod calibrate;
mod client;
mod connection;
mod feed;
mod greedy;
mod interrupt;
mod limit;
pub mod null_server;
pub mod open_files;
mod pacer;
mod pool;
mod priority;
mod progress;
mod seen;
mod shared;
mod slot;
mod ticket;
mod worker;

use anyhow::Context;
use greedy::Greedy;
pub use interrupt::stop_on_interrupt;
use lab_truth::evidence::LoadSeen;
use lab_truth::plan::Schedule;
use pacer::{Paced, Pacer};
pub use progress::Progress;
use rustix::time::{ClockId, clock_gettime};
pub use shared::Plan;
use shared::Shared;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};
use ticket::{Clock, Request};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::Worker;

/// After the last scheduled instant, requests that still wait for a slot get this long.
const GRACE: Duration = Duration::from_secs(10);
/// The load begins this long after the slots are ready. By then goose has reset its metrics, which
/// it does once, within some 10 ms of its last user's start.
const HEAD_START: Duration = Duration::from_millis(250);

/// Runs the load to its end, or until `stop` is cancelled: then requests in flight are given up
/// (they end as [`Broken`](lab_truth::evidence::Ending::Broken), unknown) and it ends within a second.
///
/// The slots run on a thread of their own, not on the caller's runtime. goose keeps process-wide
/// state: one load at a time.
///
/// # Errors
/// When the client cannot be built, goose refuses its configuration, or a thread cannot be made.
/// What the service answers, or that it does not, is never an error.
pub async fn run(
    plan: Plan,
    progress: Arc<Progress>,
    stop: CancellationToken,
) -> anyhow::Result<LoadSeen> {
    let (follow_ups, following) = mpsc::channel();
    let shared = Arc::new(Shared::new(
        &plan,
        progress,
        stop.child_token(),
        follow_ups,
    )?);
    let attack = attack::attack(plan.base.as_str(), &shared, plan.report.as_deref())?;
    let worker = Worker::start().context("the generator's thread")?;
    // Ends by itself when the tickets are closed and taken.
    let goose = worker.spawn(Box::pin(attack.execute()));
    let goose = async { goose.await.context("goose panicked")?.context("goose") };
    tokio::pin!(goose);
    tokio::select! {
        metrics = &mut goose => {
            let _ = metrics?;
            anyhow::bail!("goose ended before its users had started");
        }
        permits = shared.ready.acquire_many(u32::try_from(plan.slots)?) => permits?.forget(),
    }
    let load = Load::start(plan.schedule, following, &shared, &worker)?;
    let greedy = Greedy::start(&plan.base, &plan.event, plan.greedy, load.clock.0)?;
    let metrics = goose.await;
    // goose has installed a logger for the whole process. What libraries say through it is for their
    // authors: lapin calls each refusal an error from which the lab reads how a queue was declared.
    log::set_max_level(log::LevelFilter::Off);
    // The pacer looks only until it begins to close; a stop after that cuts requests off as well.
    let stopped = shared.stop.is_cancelled();
    shared.stop.cancel();
    let mut paced = load.pacer.await.context("the pacer panicked")??;
    paced.stopped |= stopped;
    let greedy = match greedy {
        Some(greedy) => Some(greedy.stop().await?),
        None => None,
    };
    let not_its_own_s = greedy.as_ref().map_or(0.0, |of| of.cpu_s);
    let cpu_s = cpu_s()? - load.cpu_before_s - not_its_own_s;
    seen::Seen {
        started: load.clock.0,
        started_at: load.started_at,
        paced,
        cpu_s,
        realtime: worker.is_raised(),
        greedy,
    }
    .of(&shared, &metrics?)
}

/// The load while it runs.
struct Load {
    clock: Clock,
    started_at: SystemTime,
    cpu_before_s: f64,
    pacer: JoinHandle<std::io::Result<Paced>>,
}

impl Load {
    fn start(
        schedule: Schedule,
        following: mpsc::Receiver<Request>,
        shared: &Arc<Shared>,
        worker: &Worker,
    ) -> anyhow::Result<Self> {
        let clock = Clock(Instant::now() + HEAD_START);
        shared.progress.begins.set(clock.0)?;
        let grace_ns = u64::try_from(GRACE.as_nanos())?;
        let deadline_ns = schedule.last_ns().saturating_add(grace_ns);
        let pacer = Pacer::new(schedule, clock, deadline_ns, following, Arc::clone(shared));
        Ok(Self {
            clock,
            started_at: SystemTime::now() + HEAD_START,
            cpu_before_s: cpu_s()?,
            pacer: worker.spawn(pacer.run()),
        })
    }
}

/// CPU time that this process has used, ended threads included, in seconds.
fn cpu_s() -> anyhow::Result<f64> {
    let used: Duration = clock_gettime(ClockId::ProcessCPUTime).try_into()?;
    Ok(used.as_secs_f64())
}
