//! What phase 3 measures beside the golden signals: its pools; messages and their confirms in a gateway;
//! what became of signups, batches, redeliveries, dead letters and the time to durable in the writer.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};
use signup_service::{
    LATENCY_BUCKETS, Metrics, PoolMetrics, SignupMetrics, scraped_gauge, size_buckets,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use time::OffsetDateTime;

/// Upper bounds of what lasts as long as a shard is away, in seconds: past [`LATENCY_BUCKETS`], over the
/// half hour for which RabbitMQ leaves a message with a writer, to a day.
const PATIENT_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 3_600.0, 86_400.0,
];

/// What is measured of the store, in a gateway.
pub(crate) struct StoreMetrics {
    pub(crate) shards: Vec<PoolMetrics>,
    pub(crate) queue: QueueMetrics,
}

impl StoreMetrics {
    /// `most_rows` is the largest message there can be.
    pub(crate) fn new(metrics: &Metrics, shards: u16, most_rows: usize) -> anyhow::Result<Self> {
        let registry = metrics.registry();
        Ok(Self {
            shards: pools(registry, shards)?,
            queue: QueueMetrics::new(registry, shards, most_rows)?,
        })
    }
}

/// Messages, in a gateway.
#[derive(Clone)]
pub(crate) struct QueueMetrics {
    /// Signups a message.
    pub(crate) message_signups: Histogram,
    /// From a signup's arrival until its message is sent.
    pub(crate) wait_seconds: Histogram,
    /// From the publish to its confirm.
    pub(crate) confirm_seconds: Histogram,
    /// Messages sent and not confirmed, by shard.
    pub(crate) unconfirmed: Vec<IntGauge>,
    /// Signups answered 202.
    pub(crate) accepted: IntCounter,
    /// Reads that went on without a shard that failed.
    pub(crate) without_shard: IntCounter,
}

impl QueueMetrics {
    pub(crate) fn new(
        registry: &Registry,
        shards: u16,
        most_rows: usize,
    ) -> prometheus::Result<Self> {
        let histogram = |name, help, buckets: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            register(registry, Histogram::with_opts(options)?)
        };
        let unconfirmed = Opts::new("queue_unconfirmed_messages", "Messages sent, not confirmed");
        let unconfirmed = register(registry, IntGaugeVec::new(unconfirmed, &["shard"])?)?;
        let fallbacks = Opts::new(
            "fallbacks_total",
            "Reads that went on without a failed part",
        );
        let fallbacks = register(registry, IntCounterVec::new(fallbacks, &["from"])?)?;
        let accepted = IntCounter::new("signups_accepted_total", "Signups that a queue has")?;
        Ok(Self {
            message_signups: histogram(
                "queue_message_signups",
                "Signups a message",
                &size_buckets(most_rows),
            )?,
            wait_seconds: histogram(
                "batch_wait_seconds",
                "Time until a signup's batch is sent",
                &LATENCY_BUCKETS,
            )?,
            confirm_seconds: histogram(
                "queue_confirm_seconds",
                "Time from a publish to its confirm",
                &LATENCY_BUCKETS,
            )?,
            unconfirmed: by_shard(shards, |shard| unconfirmed.with_label_values(&[shard])),
            accepted: register(registry, accepted)?,
            without_shard: fallbacks.with_label_values(&["shard"]),
        })
    }
}

/// The writer, all shards.
#[derive(Clone)]
pub(crate) struct WriterMetrics {
    /// Rows a statement.
    pub(crate) batch_rows: Vec<Histogram>,
    /// Time to write and commit a batch.
    pub(crate) batch_seconds: Vec<Histogram>,
    /// Messages that had been delivered before.
    pub(crate) redelivered: Vec<IntCounter>,
    /// Signups delivered, and not yet committed and acknowledged.
    pub(crate) in_hand: Vec<IntGauge>,
    /// The oldest of these.
    pub(crate) oldest: Vec<Oldest>,
    /// Messages nobody can read.
    pub(crate) unreadable: IntCounter,
    /// Signups that a shard refuses.
    pub(crate) refused: IntCounter,
    /// From a signup's acceptance to its commit.
    pub(crate) durable_seconds: Histogram,
    /// What became of signups.
    pub(crate) signups: SignupMetrics,
}

/// When the oldest signup in hand was accepted, in µs since 1970; 0 while there is none. What is shown is
/// its age, and at each scrape: it grows while nothing happens.
#[derive(Clone, Default)]
pub(crate) struct Oldest(Arc<AtomicI64>);

impl Oldest {
    pub(crate) fn set(&self, accepted_at: Option<OffsetDateTime>) {
        let micros = accepted_at.map_or(0, |at| at.unix_timestamp_nanos() / 1_000);
        self.0
            .store(i64::try_from(micros).unwrap_or(0), Ordering::Relaxed);
    }

    /// In seconds; 0 when there is none.
    fn age(&self) -> f64 {
        let micros = i128::from(self.0.load(Ordering::Relaxed));
        match OffsetDateTime::from_unix_timestamp_nanos(micros * 1_000) {
            Ok(at) if micros > 0 => (OffsetDateTime::now_utc() - at).as_seconds_f64(),
            _ => 0.0,
        }
    }

    fn register(registry: &Registry, shard: &str) -> prometheus::Result<Self> {
        let options = Opts::new(
            "queue_oldest_signup_age_seconds",
            "Age of the oldest signup that is delivered and not yet recorded",
        );
        let oldest = Self::default();
        let shown = oldest.clone();
        scraped_gauge(registry, options.const_label("shard", shard), move || {
            shown.age()
        })?;
        Ok(oldest)
    }
}

impl WriterMetrics {
    /// `most_rows` is the largest batch there can be.
    pub(crate) fn new(
        registry: &Registry,
        shards: u16,
        most_rows: usize,
    ) -> prometheus::Result<Self> {
        let histogram = |name, help, buckets: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            let vec = register(registry, HistogramVec::new(options, &["shard"])?)?;
            Ok::<_, prometheus::Error>(by_shard(shards, |shard| vec.with_label_values(&[shard])))
        };
        let redelivered = Opts::new(
            "queue_redelivered_messages_total",
            "Messages that had been delivered before",
        );
        let redelivered = register(registry, IntCounterVec::new(redelivered, &["shard"])?)?;
        let in_hand = Opts::new(
            "writer_signups_in_hand",
            "Signups delivered, not yet recorded",
        );
        let in_hand = register(registry, IntGaugeVec::new(in_hand, &["shard"])?)?;
        let oldest = (0..shards).map(|shard| Oldest::register(registry, &shard.to_string()));
        let oldest = oldest.collect::<prometheus::Result<_>>()?;
        let dead = Opts::new("queue_dead_letters_total", "Put aside for an operator");
        let dead = register(registry, IntCounterVec::new(dead, &["reason"])?)?;
        let durable = HistogramOpts::new(
            "signup_durable_seconds",
            "Time from a signup's acceptance to its commit in a shard",
        );
        let durable = Histogram::with_opts(durable.buckets(PATIENT_BUCKETS.to_vec()))?;
        Ok(Self {
            batch_rows: histogram(
                "batch_rows",
                "Signups written by one statement",
                &size_buckets(most_rows),
            )?,
            batch_seconds: histogram(
                "batch_seconds",
                "Time to write and commit a batch",
                &PATIENT_BUCKETS,
            )?,
            redelivered: by_shard(shards, |shard| redelivered.with_label_values(&[shard])),
            in_hand: by_shard(shards, |shard| in_hand.with_label_values(&[shard])),
            oldest,
            unreadable: dead.with_label_values(&["unreadable"]),
            refused: dead.with_label_values(&["refused"]),
            durable_seconds: register(registry, durable)?,
            signups: SignupMetrics::new(registry)?,
        })
    }
}

/// The pool of connections to each shard.
pub(crate) fn pools(registry: &Registry, shards: u16) -> prometheus::Result<Vec<PoolMetrics>> {
    let pool = |shard| PoolMetrics::new(registry, &format!("shard_{shard}"));
    (0..shards).map(pool).collect()
}

fn by_shard<T>(shards: u16, of: impl Fn(&str) -> T) -> Vec<T> {
    (0..shards).map(|shard| of(&shard.to_string())).collect()
}

fn register<C: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::MESSAGE_ROWS;
    use crate::gather::BATCH_ROWS;
    use prometheus::core::Metric;
    use std::time::Duration;

    fn fits(histogram: &Histogram, largest: f64) {
        histogram.observe(largest);
        let seen = histogram.metric();
        let last = seen.get_histogram().get_bucket().last().unwrap();
        assert_eq!(last.cumulative_count(), 1, "{largest}");
    }

    #[test]
    fn the_largest_message_and_batch_are_in_finite_buckets() {
        let gateway = Metrics::of_worker("phase3").unwrap();
        let gateway = StoreMetrics::new(&gateway, 1, MESSAGE_ROWS).unwrap();
        fits(&gateway.queue.message_signups, MESSAGE_ROWS as f64);
        let writer = WriterMetrics::new(&Registry::new(), 1, BATCH_ROWS).unwrap();
        fits(&writer.batch_rows[0], BATCH_ROWS as f64);
        // A shard may be away for long.
        let half_an_hour = Duration::from_secs(1_800).as_secs_f64();
        fits(&writer.batch_seconds[0], half_an_hour);
        fits(&writer.durable_seconds, half_an_hour);
    }

    #[test]
    fn the_oldest_signup_in_hand_ages_while_nothing_happens() {
        let oldest = Oldest::default();
        assert_eq!(oldest.age(), 0.0);
        oldest.set(Some(OffsetDateTime::now_utc() - Duration::from_secs(60)));
        let age = oldest.age();
        assert!(age >= 60.0, "{age}");
        assert!(oldest.age() >= age);
        oldest.set(None);
        assert_eq!(oldest.age(), 0.0);
    }
}
