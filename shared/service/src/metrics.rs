//! The golden signals of a process: traffic, errors, latency and saturation.
//!
//! Every time series is created at the start, so that no request, however hostile, can add one,
//! and a rate is 0 rather than missing before the first event. A phase registers its own metrics
//! beside these.

use crate::connections::ConnectionMetrics;
use crate::paths::{ASSET, EVENT, EVENTS, FIRST_PAGE, OPENAPI, PAGE, RECEIPT, SIGNUPS};
use http::{Method, StatusCode};
use hyper::http;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};
use std::iter;
use std::sync::Arc;
use std::time::Duration;

/// Upper bounds of every latency histogram of every phase, in seconds. From 0.5 ms, about what a lone
/// durable write takes, to past the 7 s that are the longest there is: a body may come for up to 5 s, and
/// is answered 2 s later.
pub const LATENCY_BUCKETS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// Upper bounds of a histogram of sizes of which `largest` is the largest there can be: powers of two,
/// the last of which holds it. A percentile that falls into no bucket would be shown as the last bound.
#[must_use]
pub fn size_buckets(largest: usize) -> Vec<f64> {
    let double = |bound: &usize| (*bound < largest).then(|| bound.saturating_mul(2));
    #[expect(
        clippy::cast_precision_loss,
        reason = "a power of two has an exact f64"
    )]
    iter::successors(Some(1), double)
        .map(|bound| bound as f64)
        .collect()
}

const UNKNOWN: &str = "<unknown>";
const ROUTES: [&str; 8] = [
    SIGNUPS, RECEIPT, EVENT, EVENTS, OPENAPI, PAGE, ASSET, UNKNOWN,
];
const METHODS: [&str; 3] = ["GET", "POST", "<other>"];
const CLASSES: [&str; 3] = ["2xx", "4xx", "5xx"];
const KINDS: [&str; 2] = ["read", "write"];

/// The metrics of a process.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    pub(crate) http: Arc<HttpMetrics>,
    scrape_bytes: IntGauge,
}

/// The metrics of the public port, as handles resolved once.
pub(crate) struct HttpMetrics {
    /// By route, method and class.
    requests: [[[IntCounter; 3]; 3]; 8],
    /// By kind and class: a refusal takes microseconds, and must not flatter the percentiles of
    /// the answers.
    durations: [[Histogram; 3]; 2],
    in_flight: IntGauge,
    pub(crate) refused: IntCounter,
    pub(crate) connections: ConnectionMetrics,
}

/// The counters of one request, found before it is run.
pub(crate) struct RouteMetrics<'a> {
    name: &'static str,
    requests: &'a [IntCounter; 3],
    durations: &'a [Histogram; 3],
}

/// Counts a request in progress for as long as it lives, also when its client goes away.
pub(crate) struct InFlight(IntGauge);

impl Metrics {
    /// The metrics of a process that runs `phase`.
    ///
    /// # Errors
    /// Never in practice: when two metrics have one name.
    pub fn new(phase: &str, max_in_flight: usize) -> prometheus::Result<Self> {
        let mut metrics = Self::of_worker(phase)?;
        let limit = gauge(
            &metrics.registry,
            "http_requests_in_flight_limit",
            "Most requests in progress at once",
        )?;
        limit.set(i64::try_from(max_in_flight).unwrap_or(i64::MAX));
        metrics.http = Arc::new(HttpMetrics::new(&metrics.registry)?);
        Ok(metrics)
    }

    /// The metrics of a process of `phase` without a public port.
    ///
    /// # Errors
    /// As [`Metrics::new`].
    pub fn of_worker(phase: &str) -> prometheus::Result<Self> {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        let build = Opts::new("build_info", "What runs here; always 1")
            .const_label("phase", phase)
            .const_label("version", env!("CARGO_PKG_VERSION"));
        let build = IntGauge::with_opts(build)?;
        build.set(1);
        registry.register(Box::new(build))?;
        let scrape_bytes = gauge(
            &registry,
            "scrape_size_bytes",
            "Size of the answer to the last scrape",
        )?;
        // Of a public port that is not there: in a registry that nobody scrapes.
        let http = Arc::new(HttpMetrics::new(&Registry::new())?);
        Ok(Self {
            registry,
            http,
            scrape_bytes,
        })
    }

    /// Where a phase registers its own metrics.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All metrics in the Prometheus text format.
    pub(crate) fn scrape(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::with_capacity(32 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        self.scrape_bytes
            .set(i64::try_from(text.len()).unwrap_or(i64::MAX));
        Ok(text)
    }
}

impl HttpMetrics {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let requests = IntCounterVec::new(
            Opts::new("http_requests_total", "Requests answered"),
            &["route", "method", "class"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "http_request_duration_seconds",
                "Time from the request's header to its answer",
            )
            .buckets(LATENCY_BUCKETS.to_vec()),
            &["kind", "class"],
        )?;
        registry.register(Box::new(durations.clone()))?;
        let refused = IntCounter::new(
            "http_requests_refused_total",
            "Requests refused because too many were in progress",
        )?;
        registry.register(Box::new(refused.clone()))?;
        let let_go = IntCounter::new(
            "http_connections_let_go_total",
            "Connections closed to make room, while they waited for their client",
        )?;
        registry.register(Box::new(let_go.clone()))?;
        Ok(Self {
            requests: ROUTES.map(|route| {
                METHODS.map(|method| {
                    CLASSES.map(|class| requests.with_label_values(&[route, method, class]))
                })
            }),
            durations: KINDS
                .map(|kind| CLASSES.map(|class| durations.with_label_values(&[kind, class]))),
            in_flight: gauge(registry, "http_requests_in_flight", "Requests in progress")?,
            refused,
            connections: ConnectionMetrics {
                open: gauge(
                    registry,
                    "http_connections_open",
                    "Connections open on the public port",
                )?,
                let_go,
            },
        })
    }

    /// The counters of a request for `path`, the pattern that matched. The first event's page, at
    /// `/`, is counted as any other.
    pub(crate) fn route(&self, path: Option<&str>, method: &Method) -> RouteMetrics<'_> {
        let unknown = ROUTES.len() - 1;
        let route = path
            .map(|path| if path == FIRST_PAGE { PAGE } else { path })
            .and_then(|path| ROUTES.iter().position(|route| *route == path))
            .unwrap_or(unknown);
        let method = match *method {
            Method::GET | Method::HEAD => 0,
            Method::POST => 1,
            _ => 2,
        };
        RouteMetrics {
            name: ROUTES[route],
            requests: &self.requests[route][method],
            durations: &self.durations[usize::from(method == 1)],
        }
    }

    pub(crate) fn in_flight(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }
}

impl RouteMetrics<'_> {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn answered(&self, status: StatusCode, duration: Duration) {
        let class = match status.as_u16() {
            ..400 => 0,
            400..500 => 1,
            500.. => 2,
        };
        self.requests[class].inc();
        self.durations[class].observe(duration.as_secs_f64());
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let gauge = IntGauge::new(name, help)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_answer_is_in_a_finite_bucket() {
        // Of the contract: a body that does not come is given up, and what is all there is answered.
        let slowest = 5.0 + 2.0;
        assert!(LATENCY_BUCKETS.iter().any(|bound| *bound >= slowest));
    }

    #[test]
    fn the_largest_size_is_in_the_last_finite_bucket() {
        assert_eq!(size_buckets(1), [1.0]);
        assert_eq!(size_buckets(8), [1.0, 2.0, 4.0, 8.0]);
        assert_eq!(size_buckets(9), [1.0, 2.0, 4.0, 8.0, 16.0]);
        assert_eq!(size_buckets(512).last(), Some(&512.0));
    }
}
