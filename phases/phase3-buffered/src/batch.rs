//! Signups that arrive while a message is on its way form the next message: one frame, one publish,
//! one fsync and one confirm serve many of them, and each is answered when *its* confirm is there.
//!
//! One task a shard owns that shard's waiting signups, so none is both refused and sent. A lone signup
//! is sent at once; under load a message leaves every [`INTERVAL`] at most, because what a message
//! costs the queue hardly depends on its size.

use crate::delivery::{self, Sent, Sink};
use crate::entry::{Accepted, Entry};
use crate::metrics::QueueMetrics;
use crate::publisher::LANES;
use crate::shards::Shards;
use futures::future::{BoxFuture, select_all};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use signup_domain::{SignedUp, StoreError};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// From one message of a shard to the next, at least.
const INTERVAL: Duration = Duration::from_millis(25);

/// Most signups in one message.
pub(crate) const MESSAGE_ROWS: usize = 512;

/// After a queue has refused a message for being full, how long none is sent: a nack leaves open what
/// became of its message, and a refusal before sending does not.
const FULL: Duration = Duration::from_secs(1);

/// Most signups that wait for a shard. The service admits fewer requests than that.
const QUEUE_LENGTH: usize = 2_048;

/// Where signups wait for the next message of their shard.
#[derive(Clone)]
pub(crate) struct Batches {
    shards: Shards,
    by_shard: Vec<mpsc::Sender<Entry>>,
}

impl Batches {
    /// Starts one task a shard.
    pub(crate) fn start(sink: &Sink, shards: &Shards, metrics: &QueueMetrics) -> Self {
        let start = |shard| {
            let (queue, entries) = mpsc::channel(QUEUE_LENGTH);
            let batcher = Batcher {
                shard,
                sink: sink.clone(),
                shards: shards.clone(),
                metrics: metrics.clone(),
                entries,
                waiting: VecDeque::with_capacity(QUEUE_LENGTH),
                next: Instant::now(),
                full_until: Instant::now(),
            };
            tokio::spawn(batcher.run());
            queue
        };
        let count = u16::try_from(shards.all().len()).unwrap_or(u16::MAX);
        Self {
            by_shard: (0..count).map(start).collect(),
            shards: shards.clone(),
        }
    }

    /// Returns when a task that sends them has stopped, which only a panic in it can do while somebody
    /// can still send.
    pub(crate) async fn stopped(&self) {
        let stopped = self.by_shard.iter().map(|queue| queue.closed().boxed());
        select_all(stopped).await;
    }

    /// Sends a signup with the next message of its shard, and returns after its durability point.
    pub(crate) async fn write(&self, accepted: Accepted) -> Result<SignedUp, StoreError> {
        let shard = self.shards.owner(accepted.id)?;
        let (entry, outcome) = Entry::new(accepted);
        self.by_shard[usize::from(shard)]
            .try_send(entry)
            .map_err(|_| StoreError::Unavailable("too many signups wait for the queue".into()))?;
        outcome
            .await
            .unwrap_or_else(|_| Err(StoreError::Unknown("the batcher has stopped".into())))
    }
}

/// Owns what waits for one shard.
struct Batcher {
    shard: u16,
    sink: Sink,
    shards: Shards,
    metrics: QueueMetrics,
    entries: mpsc::Receiver<Entry>,
    waiting: VecDeque<Entry>,
    /// When the next message may leave.
    next: Instant,
    full_until: Instant,
}

impl Batcher {
    async fn run(mut self) {
        let lanes = match self.sink {
            Sink::Queue(_) => LANES,
            // Two batches at once would only wait for each other: for the event's counter.
            Sink::Shard => 1,
        };
        let mut free: Vec<usize> = (0..lanes).collect();
        let mut sending: FuturesUnordered<BoxFuture<'static, Sent>> = FuturesUnordered::new();
        let mut arrived = Vec::with_capacity(QUEUE_LENGTH);
        loop {
            // First: time passes while a message is sent, and what is overdue is not sent.
            self.refuse_overdue();
            let now = Instant::now();
            if self.next <= now
                && !self.waiting.is_empty()
                && let Some(lane) = free.pop()
            {
                self.next = now + INTERVAL;
                sending.push(self.next_batch(lane));
            }
            self.metrics.unconfirmed[usize::from(self.shard)].set(lanes as i64 - free.len() as i64);
            let waits = (!free.is_empty()).then_some(self.next);
            let deadline = self.waiting.front().map(Entry::deadline);
            let wake = deadline.map(|deadline| waits.unwrap_or(deadline).min(deadline));
            let room = QUEUE_LENGTH - self.waiting.len();
            tokio::select! {
                Some(sent) = sending.next(), if !sending.is_empty() => {
                    free.push(sent.lane);
                    if sent.full {
                        self.full_until = Instant::now() + FULL;
                    }
                }
                count = self.entries.recv_many(&mut arrived, room), if room > 0 => {
                    if count == 0 {
                        // Nobody is left to send; what is on its way is waited for.
                        while sending.next().await.is_some() {}
                        return;
                    }
                    self.waiting.extend(arrived.drain(..));
                }
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
        }
    }

    /// Takes what waits out of the queue; from here on it is answered with what became of it.
    fn next_batch(&mut self, lane: usize) -> BoxFuture<'static, Sent> {
        let count = self.waiting.len().min(MESSAGE_ROWS);
        let entries: Vec<Entry> = self.waiting.drain(..count).collect();
        self.metrics.message_signups.observe(count as f64);
        let now = Instant::now();
        for entry in &entries {
            let waited = now.saturating_duration_since(entry.queued);
            self.metrics.wait_seconds.observe(waited.as_secs_f64());
        }
        let (sink, shards) = (self.sink.clone(), self.shards.clone());
        let shard = self.shard;
        Box::pin(async move { delivery::deliver(&sink, &shards, shard, lane, entries).await })
    }

    fn refuse_overdue(&mut self) {
        let now = Instant::now();
        let full = now < self.full_until;
        while self
            .waiting
            .front()
            .is_some_and(|entry| full || entry.deadline() <= now)
        {
            let Some(entry) = self.waiting.pop_front() else {
                return;
            };
            let why = if full {
                "the queue is full"
            } else {
                "the queue does not confirm"
            };
            entry.answer(Err(StoreError::Unavailable(why.into())));
        }
    }
}
