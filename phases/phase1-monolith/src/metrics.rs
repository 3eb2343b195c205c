//! What phase 1 measures beside the golden signals: its pool, and what became of signups.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use signup_service::LATENCY_BUCKETS;

/// The pool of connections to the database.
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
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let connections = IntGaugeVec::new(
            Opts::new("database_pool_connections", "Connections open")
                .const_label("pool", "primary"),
            &["state"],
        )?;
        registry.register(Box::new(connections.clone()))?;
        let acquire_seconds = Histogram::with_opts(
            HistogramOpts::new("database_pool_acquire_seconds", "Time to get a connection")
                .const_label("pool", "primary")
                .buckets(LATENCY_BUCKETS.to_vec()),
        )?;
        registry.register(Box::new(acquire_seconds.clone()))?;
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::with_opts(Opts::new(name, help).const_label("pool", "primary"))?;
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
