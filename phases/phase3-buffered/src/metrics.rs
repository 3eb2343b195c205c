//! What phase 3 measures beside the golden signals: its pools; messages and their confirms in a gateway;
//! what became of signups, batches, redeliveries, dead letters and the time to durable in the writer.

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};
use signup_service::{LATENCY_BUCKETS, Metrics, PoolMetrics, SignupMetrics};

/// Upper bounds for numbers of signups, by powers of two.
const SIZES: [f64; 12] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0,
];

/// Upper bounds of the time to durable, in seconds: past [`LATENCY_BUCKETS`], because a queue may hold
/// signups for as long as a shard is away.
const DURABLE_BUCKETS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0,
];

/// What is measured of the store, in a gateway.
pub(crate) struct StoreMetrics {
    pub(crate) shards: Vec<PoolMetrics>,
    pub(crate) queue: QueueMetrics,
}

impl StoreMetrics {
    pub(crate) fn new(metrics: &Metrics, shards: u16) -> anyhow::Result<Self> {
        let registry = metrics.registry();
        Ok(Self {
            shards: pools(registry, shards)?,
            queue: QueueMetrics::new(registry, shards)?,
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
    pub(crate) fn new(registry: &Registry, shards: u16) -> prometheus::Result<Self> {
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
            message_signups: histogram("queue_message_signups", "Signups a message", &SIZES)?,
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
    /// Age of the oldest of these, in seconds; 0 when there is none.
    pub(crate) oldest_seconds: Vec<Gauge>,
    /// Messages nobody can read.
    pub(crate) unreadable: IntCounter,
    /// Signups that a shard refuses.
    pub(crate) refused: IntCounter,
    /// From a signup's acceptance to its commit.
    pub(crate) durable_seconds: Histogram,
    /// What became of signups.
    pub(crate) signups: SignupMetrics,
}

impl WriterMetrics {
    pub(crate) fn new(registry: &Registry, shards: u16) -> prometheus::Result<Self> {
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
        let oldest = Opts::new(
            "queue_oldest_signup_age_seconds",
            "Age of the oldest signup that is delivered and not yet recorded",
        );
        let oldest = register(registry, GaugeVec::new(oldest, &["shard"])?)?;
        let dead = Opts::new("queue_dead_letters_total", "Put aside for an operator");
        let dead = register(registry, IntCounterVec::new(dead, &["reason"])?)?;
        let durable = HistogramOpts::new(
            "signup_durable_seconds",
            "Time from a signup's acceptance to its commit in a shard",
        );
        let durable = Histogram::with_opts(durable.buckets(DURABLE_BUCKETS.to_vec()))?;
        Ok(Self {
            batch_rows: histogram("batch_rows", "Signups written by one statement", &SIZES)?,
            batch_seconds: histogram(
                "batch_seconds",
                "Time to write and commit a batch",
                &LATENCY_BUCKETS,
            )?,
            redelivered: by_shard(shards, |shard| redelivered.with_label_values(&[shard])),
            in_hand: by_shard(shards, |shard| in_hand.with_label_values(&[shard])),
            oldest_seconds: by_shard(shards, |shard| oldest.with_label_values(&[shard])),
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
