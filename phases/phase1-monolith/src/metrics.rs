//! What phase 1 measures beside the golden signals: its pools, and what became of signups.

use signup_service::{Metrics, PoolMetrics, SignupMetrics};

/// What is measured of the store.
pub(crate) struct StoreMetrics {
    pub(crate) primary: PoolMetrics,
    pub(crate) counts: PoolMetrics,
    pub(crate) signups: SignupMetrics,
}

impl StoreMetrics {
    pub(crate) fn new(metrics: &Metrics) -> anyhow::Result<Self> {
        let registry = metrics.registry();
        Ok(Self {
            primary: PoolMetrics::new(registry, "primary")?,
            counts: PoolMetrics::new(registry, "primary_counts")?,
            signups: SignupMetrics::new(registry)?,
        })
    }
}
