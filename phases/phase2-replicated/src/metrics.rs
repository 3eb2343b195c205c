//! What phase 2 measures beside the golden signals: its pools, its caches, its replica, its
//! batches, and what became of signups. The names that phase 1 has mean the same here.

use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};
use signup_service::LATENCY_BUCKETS;

/// The pool of connections to one database.
#[derive(Clone)]
pub(crate) struct PoolMetrics {
    pub(crate) limit: IntGauge,
    pub(crate) idle: IntGauge,
    pub(crate) in_use: IntGauge,
    /// Requests that wait for a connection.
    pub(crate) waiting: IntGauge,
    pub(crate) acquire_seconds: Histogram,
}

impl PoolMetrics {
    /// The metrics of the pool to `database`: `primary` or `replica`.
    pub(crate) fn new(registry: &Registry, database: &str) -> prometheus::Result<Self> {
        let connections = IntGaugeVec::new(
            Opts::new("database_pool_connections", "Connections open")
                .const_label("pool", database),
            &["state"],
        )?;
        registry.register(Box::new(connections.clone()))?;
        let acquire_seconds = Histogram::with_opts(
            HistogramOpts::new("database_pool_acquire_seconds", "Time to get a connection")
                .const_label("pool", database)
                .buckets(LATENCY_BUCKETS.to_vec()),
        )?;
        registry.register(Box::new(acquire_seconds.clone()))?;
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::with_opts(Opts::new(name, help).const_label("pool", database))?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        Ok(Self {
            limit: gauge(
                "database_pool_connections_limit",
                "Most connections open at once",
            )?,
            idle: connections.with_label_values(&["idle"]),
            in_use: connections.with_label_values(&["in_use"]),
            waiting: gauge(
                "database_pool_waiting",
                "Requests that wait for a connection",
            )?,
            acquire_seconds,
        })
    }
}

/// What became of signups that were answered 2xx.
#[derive(Clone)]
pub(crate) struct SignupMetrics {
    /// Made a row.
    pub(crate) recorded: IntCounter,
    /// Found the participant's row.
    pub(crate) repeated: IntCounter,
}

impl SignupMetrics {
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let signups = IntCounterVec::new(Opts::new("signups_total", "Signups kept"), &["outcome"])?;
        registry.register(Box::new(signups.clone()))?;
        Ok(Self {
            recorded: signups.with_label_values(&["recorded"]),
            repeated: signups.with_label_values(&["repeated"]),
        })
    }
}

/// How signups are grouped.
#[derive(Clone)]
pub(crate) struct BatchMetrics {
    /// Signups a statement.
    pub(crate) rows: Histogram,
    /// From a signup's arrival in the queue until its batch is sent.
    pub(crate) wait_seconds: Histogram,
    /// Signups that wait for the next batch.
    pub(crate) queue_depth: IntGauge,
}

impl BatchMetrics {
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let rows = Histogram::with_opts(
            HistogramOpts::new("batch_rows", "Signups written by one statement")
                .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
        )?;
        let wait_seconds = Histogram::with_opts(
            HistogramOpts::new("batch_wait_seconds", "Time until a signup's batch is sent")
                .buckets(LATENCY_BUCKETS.to_vec()),
        )?;
        let queue_depth =
            IntGauge::new("batch_queue_depth", "Signups that wait for the next batch")?;
        registry.register(Box::new(rows.clone()))?;
        registry.register(Box::new(wait_seconds.clone()))?;
        registry.register(Box::new(queue_depth.clone()))?;
        Ok(Self {
            rows,
            wait_seconds,
            queue_depth,
        })
    }
}

/// What one level of the cache was asked, and said.
#[derive(Clone)]
pub(crate) struct LevelMetrics {
    pub(crate) hits: IntCounter,
    pub(crate) misses: IntCounter,
    /// Not reached, not in time, or an entry that is not ours.
    pub(crate) errors: IntCounter,
}

/// The two levels of the cache, and what is done without them.
#[derive(Clone)]
pub(crate) struct ReadMetrics {
    pub(crate) first: LevelMetrics,
    pub(crate) redis: LevelMetrics,
    /// Reads that went on without Redis, because it failed.
    pub(crate) without_redis: IntCounter,
    /// Reads that went on without the replica, because it failed or was late.
    pub(crate) without_replica: IntCounter,
    /// Age of what the replica shows.
    pub(crate) replica_lag_seconds: Gauge,
}

impl ReadMetrics {
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let requests = IntCounterVec::new(
            Opts::new(
                "cache_requests_total",
                "Questions to each level of the cache",
            ),
            &["level", "outcome"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        let level = |level| LevelMetrics {
            hits: requests.with_label_values(&[level, "hit"]),
            misses: requests.with_label_values(&[level, "miss"]),
            errors: requests.with_label_values(&[level, "error"]),
        };
        let fallbacks = IntCounterVec::new(
            Opts::new(
                "fallbacks_total",
                "Reads that went on without a failed part",
            ),
            &["from"],
        )?;
        registry.register(Box::new(fallbacks.clone()))?;
        let replica_lag_seconds =
            Gauge::new("replica_lag_seconds", "Age of what the replica shows")?;
        registry.register(Box::new(replica_lag_seconds.clone()))?;
        Ok(Self {
            first: level("first"),
            redis: level("redis"),
            without_redis: fallbacks.with_label_values(&["redis"]),
            without_replica: fallbacks.with_label_values(&["replica"]),
            replica_lag_seconds,
        })
    }
}
