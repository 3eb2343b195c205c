//! From single latencies to percentiles.

use crate::record::Percentiles;
use hdrhistogram::Histogram;

/// Longest latency a histogram holds, in µs: an hour. The request timeout is far below, but a signup
/// that waits in a queue may take minutes until it is durable.
const MAX_US: u64 = 3_600_000_000;

/// Percentiles of latencies in µs, given in ms.
#[must_use]
pub fn percentiles(latencies_us: impl Iterator<Item = u64>) -> Percentiles {
    let Ok(mut histogram) = Histogram::<u64>::new_with_bounds(1, MAX_US, 3) else {
        return Percentiles::default();
    };
    latencies_us.for_each(|us| histogram.saturating_record(us.max(1)));
    let at = |quantile| ms(histogram.value_at_quantile(quantile));
    if histogram.is_empty() {
        return Percentiles::default();
    }
    Percentiles {
        count: histogram.len(),
        p50: at(0.50),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: ms(histogram.max()),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "latencies are far below 2^52 µs"
)]
fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}
