//! Greedy clients beside a load: they hold connections for as long as the service lets them, from the
//! load's begin to its end, and come again when it has ended one. None of them is a participant.
//!
//! They have a thread and a runtime of their own, so that their CPU time is known and no participant's
//! request waits for them.

mod client;
mod tally;

use anyhow::anyhow;
use client::{Client, Target};
use lab_truth::record::GreedySeen;
use lab_truth::spec::GreedyClients;
use reqwest::Url;
use rustix::time::{ClockId, clock_gettime};
use std::iter::repeat_with;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tally::Tally;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{interval_at, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Between two first connections: 4,500 at once would overflow the service's accept queue, and then
/// participants would wait for TCP to try again.
const APART: Duration = Duration::from_micros(500);

/// How often it is counted how many are open.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// Greedy clients at work. Dropping it ends them, too.
pub(super) struct Greedy {
    thread: thread::JoinHandle<anyhow::Result<GreedySeen>>,
    stop: DropGuard,
}

/// What the clients of each kind come to.
#[derive(Default)]
struct Tallies {
    slow_headers: Arc<Tally>,
    slow_bodies: Arc<Tally>,
    stalled_readers: Arc<Tally>,
}

impl Greedy {
    /// Sends them on their way to the service at `base` when the load begins; `None` when there are none.
    pub(super) fn start(
        base: &Url,
        event: &str,
        clients: GreedyClients,
        begins: Instant,
    ) -> anyhow::Result<Option<Self>> {
        if clients.is_none() {
            return Ok(None);
        }
        let target = Target::new(base, event)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = thread::Builder::new()
            .name("greedy clients".to_owned())
            .spawn(move || hold(&Arc::new(target), clients, begins, &stopped))?;
        let stop = stop.drop_guard();
        Ok(Some(Self { thread, stop }))
    }

    /// Ends them all, and waits until they have gone.
    pub(super) async fn stop(self) -> anyhow::Result<GreedySeen> {
        drop(self.stop);
        let joined = spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_| anyhow!("the greedy clients panicked"))?
    }
}

/// Lets them hold their connections until `stop`, on the calling thread.
fn hold(
    target: &Arc<Target>,
    clients: GreedyClients,
    begins: Instant,
    stop: &CancellationToken,
) -> anyhow::Result<GreedySeen> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let tallies = Tallies::default();
    runtime.block_on(async {
        let mut at_work = JoinSet::new();
        let mut at = begins;
        for (client, tally) in tallies.of(clients, target) {
            let (target, tally) = (Arc::clone(target), Arc::clone(tally));
            at_work.spawn(async move {
                sleep_until(at.into()).await;
                client.hold(&target, &tally).await;
            });
            at += APART;
        }
        let mut samples = interval_at(begins.into(), SAMPLE_EVERY);
        while stop.run_until_cancelled(samples.tick()).await.is_some() {
            tallies.sample();
        }
    });
    // Closing what is still open is theirs, too.
    drop(runtime);
    Ok(GreedySeen {
        slow_headers: tallies.slow_headers.held(),
        slow_bodies: tallies.slow_bodies.held(),
        stalled_readers: tallies.stalled_readers.held(),
        cpu_s: Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))?.as_secs_f64(),
    })
}

impl Tallies {
    /// Each client, with where it is counted.
    fn of<'a>(
        &'a self,
        clients: GreedyClients,
        target: &'a Target,
    ) -> impl Iterator<Item = (Client, &'a Arc<Tally>)> {
        let headers = repeat_with(|| (Client::slow_header(target), &self.slow_headers));
        let readers = repeat_with(|| (Client::stalled_reader(target), &self.stalled_readers));
        let body = |number| (Client::slow_body(target, number), &self.slow_bodies);
        headers
            .take(clients.slow_headers as usize)
            .chain((0..clients.slow_bodies).map(body))
            .chain(readers.take(clients.stalled_readers as usize))
    }

    fn sample(&self) {
        self.slow_headers.sample();
        self.slow_bodies.sample();
        self.stalled_readers.sample();
    }
}

#[cfg(test)]
mod tests;
