//! Group commit: signups that arrive while a batch is being written form the next batch.
//!
//! One statement, one transaction and one flush serve all signups of a batch, and each is answered
//! after the commit. No timer: a lone signup is written at once, and under load a batch is as large
//! as what arrived in the time the one before took.
//!
//! The queue is bounded in length and in time: an entry past its deadline is refused *before* it is
//! written, and once it is in a batch it is answered with what became of it. One task owns the
//! queue, so an entry is never both refused and written.

use crate::cache::Cache;
use crate::db::Database;
use crate::entry::Entry;
use crate::insert::{self, Row, Written};
use crate::metrics::BatchMetrics;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use signup_domain::StoreError;
use std::collections::VecDeque;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Most signups that wait to be seen by the task, and as many again that wait for a batch. The
/// service admits fewer requests than that, so this many means that nothing works here.
const QUEUE_LENGTH: usize = 1_024;

/// How signups are grouped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Batches written at the same time, each on a connection of its own.
    pub(crate) writers: usize,
    /// Most signups a batch.
    pub(crate) rows: usize,
}

/// Where signups are queued for the next batch.
#[derive(Clone)]
pub(crate) struct Batches {
    queue: mpsc::Sender<Entry>,
}

impl Batches {
    /// Starts the task that writes them.
    pub(crate) fn start(
        primary: Database,
        cache: Cache,
        shape: Shape,
        metrics: BatchMetrics,
    ) -> Self {
        let (queue, entries) = mpsc::channel(QUEUE_LENGTH);
        let batcher = Batcher {
            primary,
            cache,
            shape,
            metrics,
            entries,
            waiting: VecDeque::with_capacity(QUEUE_LENGTH),
        };
        tokio::spawn(batcher.run());
        Self { queue }
    }

    /// Returns when the task that writes them has stopped, which only a panic in it can do while
    /// somebody can still send.
    pub(crate) async fn stopped(&self) {
        self.queue.closed().await;
    }

    /// Writes `row` with the next batch, and returns after its commit.
    pub(crate) async fn write(&self, row: Row) -> Result<Written, StoreError> {
        let (entry, outcome) = Entry::new(row);
        self.queue.try_send(entry).map_err(|_| {
            StoreError::Unavailable("the queue for the primary takes no more".into())
        })?;
        outcome
            .await
            .unwrap_or_else(|_| Err(StoreError::Unknown("the batcher has stopped".into())))
    }
}

/// Owns the queue.
struct Batcher {
    /// The connections to the primary that nobody else uses.
    primary: Database,
    cache: Cache,
    shape: Shape,
    metrics: BatchMetrics,
    entries: mpsc::Receiver<Entry>,
    waiting: VecDeque<Entry>,
}

impl Batcher {
    async fn run(mut self) {
        let mut writing = FuturesUnordered::new();
        let mut arrived = Vec::with_capacity(QUEUE_LENGTH);
        loop {
            // First: time passes while a batch is written, and what is overdue is not written.
            self.refuse_overdue();
            while writing.len() < self.shape.writers && !self.waiting.is_empty() {
                writing.push(self.next_batch());
            }
            self.metrics
                .queue_depth
                .set(i64::try_from(self.waiting.len()).unwrap_or(i64::MAX));
            let room = QUEUE_LENGTH - self.waiting.len();
            let deadline = self.waiting.front().map(Entry::deadline);
            tokio::select! {
                Some(()) = writing.next(), if !writing.is_empty() => {}
                count = self.entries.recv_many(&mut arrived, room), if room > 0 => {
                    if count == 0 {
                        // Nobody is left to send; what is being written is written.
                        while writing.next().await.is_some() {}
                        return;
                    }
                    self.waiting.extend(arrived.drain(..));
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
            }
        }
    }

    /// Takes what waits out of the queue; from here on it is answered with what became of it.
    fn next_batch(&mut self) -> impl Future<Output = ()> + use<> {
        let count = self.waiting.len().min(self.shape.rows);
        let entries: Vec<Entry> = self.waiting.drain(..count).collect();
        let now = Instant::now();
        for entry in &entries {
            let waited = now.saturating_duration_since(entry.queued);
            self.metrics.wait_seconds.observe(waited.as_secs_f64());
        }
        let (primary, cache) = (self.primary.clone(), self.cache.clone());
        let metrics = self.metrics.clone();
        async move {
            let (rows, answers): (Vec<_>, Vec<_>) = entries
                .into_iter()
                .map(|entry| (entry.row, entry.answer))
                .unzip();
            let outcomes = insert::insert(&primary, &rows, &metrics).await;
            keep_recorded(&cache, &rows, &outcomes);
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // Whoever does not wait any more can ask again: the signup is the same.
                let _ = answer.send(outcome);
            }
        }
    }

    fn refuse_overdue(&mut self) {
        let now = Instant::now();
        while self
            .waiting
            .front()
            .is_some_and(|entry| entry.deadline() <= now)
        {
            if let Some(entry) = self.waiting.pop_front() {
                let late = StoreError::Unavailable("the primary is not writing".into());
                let _ = entry.answer.send(Err(late));
            }
        }
    }
}

/// Puts what is committed where a receipt will be looked for, before its participant can ask here.
fn keep_recorded(cache: &Cache, rows: &[Row], outcomes: &[Result<Written, StoreError>]) {
    for (row, outcome) in rows.iter().zip(outcomes) {
        if let Ok(outcome) = outcome
            && outcome.new
        {
            let recorded = outcome.recorded(row.signup.name.as_str());
            cache.keep_written(row.event.id, row.id, recorded);
        }
    }
}
