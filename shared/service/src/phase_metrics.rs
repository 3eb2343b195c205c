//! Metrics that several phases have, under one name and with one meaning: pools of connections, and
//! what became of signups. A phase registers those it needs.

use crate::LATENCY_BUCKETS;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// The pool of connections to one database.
#[derive(Clone)]
pub struct PoolMetrics {
    /// Most connections open at once.
    pub limit: IntGauge,
    /// Connections open and free.
    pub idle: IntGauge,
    /// Connections at work.
    pub in_use: IntGauge,
    /// Requests that wait for a connection.
    pub waiting: IntGauge,
    /// Time to get a connection.
    pub acquire_seconds: Histogram,
}

impl PoolMetrics {
    /// The metrics of the pool to `database`, such as `primary`.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn new(registry: &Registry, database: &str) -> prometheus::Result<Self> {
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
