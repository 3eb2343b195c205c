//! What phase 2 measures beside the golden signals: its pools, what became of signups, its batches, its
//! caches and its replica.

use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
};
use signup_service::{LATENCY_BUCKETS, Metrics, PoolMetrics, SignupMetrics, size_buckets};

/// What is measured of the store.
pub(crate) struct StoreMetrics {
    pub(crate) writes: PoolMetrics,
    pub(crate) primary: PoolMetrics,
    pub(crate) primary_counts: PoolMetrics,
    pub(crate) replica: PoolMetrics,
    pub(crate) replica_counts: PoolMetrics,
    pub(crate) signups: SignupMetrics,
    pub(crate) batches: BatchMetrics,
    pub(crate) reads: ReadMetrics,
}

impl StoreMetrics {
    /// `most_rows` is the largest batch there can be.
    pub(crate) fn new(metrics: &Metrics, most_rows: usize) -> anyhow::Result<Self> {
        let registry = metrics.registry();
        Ok(Self {
            writes: PoolMetrics::new(registry, "primary_writes")?,
            primary: PoolMetrics::new(registry, "primary")?,
            primary_counts: PoolMetrics::new(registry, "primary_counts")?,
            replica: PoolMetrics::new(registry, "replica")?,
            replica_counts: PoolMetrics::new(registry, "replica_counts")?,
            signups: SignupMetrics::new(registry)?,
            batches: BatchMetrics::new(registry, most_rows)?,
            reads: ReadMetrics::new(registry)?,
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
    fn new(registry: &Registry, most_rows: usize) -> prometheus::Result<Self> {
        let rows = Histogram::with_opts(
            HistogramOpts::new("batch_rows", "Signups written by one statement")
                .buckets(size_buckets(most_rows)),
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
    fn new(registry: &Registry) -> prometheus::Result<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BATCH_ROWS;
    use prometheus::core::Metric;

    #[test]
    fn the_largest_batch_is_in_a_finite_bucket() {
        let metrics = Metrics::of_worker("phase2").unwrap();
        let rows = StoreMetrics::new(&metrics, BATCH_ROWS)
            .unwrap()
            .batches
            .rows;
        rows.observe(BATCH_ROWS as f64);
        let seen = rows.metric();
        let last = seen.get_histogram().get_bucket().last().unwrap();
        assert_eq!(last.cumulative_count(), 1);
    }
}
