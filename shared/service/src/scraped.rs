//! Gauges that are read when they are scraped. One that is set when something happens goes on showing,
//! while nothing does, what was true then.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, Opts, Registry};

/// Registers a gauge that shows what `read` says at each scrape.
///
/// # Errors
/// When it is registered already.
pub fn scraped_gauge(
    registry: &Registry,
    options: Opts,
    read: impl Fn() -> f64 + Send + Sync + 'static,
) -> prometheus::Result<()> {
    let gauge = Gauge::with_opts(options)?;
    registry.register(Box::new(Scraped { gauge, read }))
}

struct Scraped<F> {
    gauge: Gauge,
    read: F,
}

impl<F: Fn() -> f64 + Send + Sync> Collector for Scraped<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set((self.read)());
        self.gauge.collect()
    }
}
