//! What a load came to, put together from what pacer and slots saw.

use super::pacer::Paced;
use super::shared::Shared;
use goose::metrics::GooseMetrics;
use hdrhistogram::Histogram;
use lab_truth::evidence::LoadSeen;
use lab_truth::record::GreedySeen;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

/// A request sent more than this after its intended instant is late.
const LATE_US: u64 = 1_000;
/// Longest lag that is told apart from longer ones: an hour.
const MAX_LAG_US: u64 = 3_600_000_000;

/// What was seen of a load besides its attempts.
pub(super) struct Seen {
    pub(super) started: Instant,
    pub(super) started_at: SystemTime,
    pub(super) paced: Paced,
    pub(super) cpu_s: f64,
    pub(super) realtime: bool,
    pub(super) greedy: Option<GreedySeen>,
}

impl Seen {
    /// Takes the attempts out of the shared log.
    pub(super) fn of(self, shared: &Shared, goose: &GooseMetrics) -> anyhow::Result<LoadSeen> {
        let mut log = shared.log.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts = std::mem::take(&mut *log);
        let mut lag_us = Histogram::new_with_max(MAX_LAG_US, 3)?;
        let mut own_lag_us = Histogram::new_with_max(MAX_LAG_US, 3)?;
        let (mut late, mut in_flight_us, mut last_us) = (0, 0, 0);
        for attempt in &attempts {
            let lag = attempt.lag_us();
            lag_us.saturating_record(lag);
            if !attempt.waited_for_slot {
                own_lag_us.saturating_record(lag);
            }
            late += u64::from(lag > LATE_US);
            in_flight_us += attempt.latency_from_send_us();
            last_us = last_us.max(attempt.answered_us);
        }
        let goose_requests = goose.requests.values();
        Ok(LoadSeen {
            started_at: self.started_at,
            started: self.started,
            duration: Duration::from_micros(last_us),
            attempts,
            due: self.paced.due,
            late,
            dropped: shared.progress.dropped.load(Ordering::Relaxed),
            waited_for_slot: self.paced.waited_for_slot,
            without_receipt: shared.without_receipt.load(Ordering::Relaxed),
            never_recorded: shared.never_recorded.load(Ordering::Relaxed),
            lag_us,
            own_lag_us,
            in_flight_mean: self.paced.in_flight_mean(),
            in_flight_expected: in_flight_expected(in_flight_us, last_us),
            cpu_s: self.cpu_s,
            greedy: self.greedy,
            goose_requests: goose_requests
                .map(|request| (request.success_count + request.fail_count) as u64)
                .sum(),
            realtime: self.realtime,
            stopped: self.paced.stopped,
        })
    }
}

/// Rate × mean latency is the sum of the latencies over the time they were spread over.
#[expect(clippy::cast_precision_loss, reason = "microseconds far below 2^52")]
fn in_flight_expected(latencies_us: u64, duration_us: u64) -> f64 {
    latencies_us as f64 / duration_us.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_known_mean_time_make_the_expected_number_in_flight() {
        // 1,000 requests of 5 ms each within a second.
        assert!((in_flight_expected(1_000 * 5_000, 1_000_000) - 5.0).abs() < 1e-9);
    }
}
