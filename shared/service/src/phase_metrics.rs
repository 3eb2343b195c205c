//! Metrics that several phases have, under one name and with one meaning: pools of connections, and
//! what became of signups. A phase registers those it needs.

use crate::metrics::LATENCY_BUCKETS;
use crate::scraped::scraped_gauge;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};
use std::time::Duration;

/// The pool of connections to one database.
#[derive(Clone)]
pub struct PoolMetrics {
    registry: Registry,
    database: String,
    acquire_seconds: Histogram,
    failures: IntCounter,
}

/// A pool of connections at one moment.
#[derive(Debug, Clone, Copy)]
pub struct PoolStatus {
    /// Most connections open at once.
    pub limit: usize,
    /// Connections open and free.
    pub idle: usize,
    /// Connections at work.
    pub in_use: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
}

impl PoolMetrics {
    /// The metrics of the pool to `database`, such as `primary`.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn new(registry: &Registry, database: &str) -> prometheus::Result<Self> {
        let acquire_seconds = Histogram::with_opts(
            HistogramOpts::new("database_pool_acquire_seconds", "Time to get a connection")
                .const_label("pool", database)
                .buckets(LATENCY_BUCKETS.to_vec()),
        )?;
        registry.register(Box::new(acquire_seconds.clone()))?;
        let failures = Opts::new(
            "database_pool_failures_total",
            "Connections not got, or not in time",
        );
        let failures = IntCounter::with_opts(failures.const_label("pool", database))?;
        registry.register(Box::new(failures.clone()))?;
        Ok(Self {
            registry: registry.clone(),
            database: database.to_owned(),
            acquire_seconds,
            failures,
        })
    }

    /// Shows what `status` says at each scrape, so that a pool at rest is seen at rest.
    ///
    /// # Errors
    /// When it is shown already.
    pub fn show(
        &self,
        status: impl Fn() -> PoolStatus + Clone + Send + Sync + 'static,
    ) -> prometheus::Result<()> {
        let gauge = |name, help, state: Option<&str>, read: fn(PoolStatus) -> usize| {
            let options = Opts::new(name, help).const_label("pool", &self.database);
            let options = match state {
                Some(state) => options.const_label("state", state),
                None => options,
            };
            let status = status.clone();
            #[expect(clippy::cast_precision_loss, reason = "a pool has tens of connections")]
            scraped_gauge(&self.registry, options, move || read(status()) as f64)
        };
        let (connections, open) = ("database_pool_connections", "Connections open");
        gauge(connections, open, Some("idle"), |pool| pool.idle)?;
        gauge(connections, open, Some("in_use"), |pool| pool.in_use)?;
        gauge(
            "database_pool_connections_limit",
            "Most connections open at once",
            None,
            |pool| pool.limit,
        )?;
        gauge(
            "database_pool_waiting",
            "Requests that wait for a connection",
            None,
            |pool| pool.waiting,
        )
    }

    /// Accounts for a connection that was asked for. One that fails at once says nothing of how long
    /// they take: it is counted apart.
    pub fn acquired(&self, took: Duration, got: bool) {
        if got {
            self.acquire_seconds.observe(took.as_secs_f64());
        } else {
            self.failures.inc();
        }
    }
}

/// What became of signups that were answered 2xx.
#[derive(Clone)]
pub struct SignupMetrics {
    /// Made a row.
    pub recorded: IntCounter,
    /// Found the participant's row.
    pub repeated: IntCounter,
}

impl SignupMetrics {
    /// Both, at 0.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let signups = IntCounterVec::new(Opts::new("signups_total", "Signups kept"), &["outcome"])?;
        registry.register(Box::new(signups.clone()))?;
        Ok(Self {
            recorded: signups.with_label_values(&["recorded"]),
            repeated: signups.with_label_values(&["repeated"]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::TextEncoder;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn scrape(registry: &Registry) -> String {
        TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap()
    }

    #[test]
    fn a_pool_is_shown_as_it_is_when_it_is_scraped() {
        let registry = Registry::new();
        let pool = PoolMetrics::new(&registry, "primary").unwrap();
        let waiting = Arc::new(AtomicUsize::new(0));
        let shown = Arc::clone(&waiting);
        pool.show(move || PoolStatus {
            limit: 8,
            idle: 2,
            in_use: 6,
            waiting: shown.load(Ordering::Relaxed),
        })
        .unwrap();
        let text = scrape(&registry);
        for series in [
            "database_pool_connections_limit{pool=\"primary\"} 8",
            "database_pool_connections{pool=\"primary\",state=\"idle\"} 2",
            "database_pool_connections{pool=\"primary\",state=\"in_use\"} 6",
            "database_pool_waiting{pool=\"primary\"} 0",
        ] {
            assert!(text.contains(series), "{series} in {text}");
        }
        // Nobody has got a connection since.
        waiting.store(3, Ordering::Relaxed);
        assert!(scrape(&registry).contains("database_pool_waiting{pool=\"primary\"} 3"));
    }

    #[test]
    fn a_connection_that_is_not_got_says_nothing_of_how_long_one_takes() {
        let registry = Registry::new();
        let pool = PoolMetrics::new(&registry, "primary").unwrap();
        pool.acquired(Duration::from_millis(20), true);
        pool.acquired(Duration::from_micros(5), false);
        let text = scrape(&registry);
        assert!(text.contains("database_pool_acquire_seconds_count{pool=\"primary\"} 1"));
        assert!(text.contains("database_pool_failures_total{pool=\"primary\"} 1"));
    }
}
