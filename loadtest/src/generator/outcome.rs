//! What a load came to: every attempt, and what only the generator can know about them.

use super::Shared;
use super::pacer::Paced;
use crate::attempt::Attempt;
use goose::metrics::GooseMetrics;
use hdrhistogram::Histogram;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

/// A request sent more than this after its intended instant is late.
const LATE_US: u64 = 1_000;
/// Longest lag that is told apart from longer ones: an hour.
const MAX_LAG_US: u64 = 3_600_000_000;

/// What happened.
#[derive(Debug)]
pub struct Outcome {
    /// Wall-clock time of instant 0.
    pub started_at: SystemTime,
    /// Instant 0 of the intended, sent and answered times.
    pub started: Instant,
    /// From the start to the last answer.
    pub duration: Duration,
    /// Every request that was sent, in the order of the answers.
    pub attempts: Vec<Attempt>,
    /// Requests that were due, follow-ups included.
    pub due: u64,
    /// Requests sent more than 1 ms after their intended instant.
    pub late: u64,
    /// Requests never sent, because no slot was free before the end or the load was stopped.
    pub dropped: u64,
    /// Requests that were due when every slot was taken: when there are any, the lag says that the
    /// service was too slow for the number of slots, not that the generator was.
    pub waited_for_slot: u64,
    /// Receipt checks that could not be made, because the signup got no receipt.
    pub without_receipt: u64,
    /// Visits that never saw their receipt recorded.
    pub never_recorded: u64,
    /// From the intended instant to the send, in microseconds, of every request sent.
    pub lag_us: Histogram<u64>,
    /// Requests in flight, mean of a sample every 2 ms.
    pub in_flight_mean: f64,
    /// Requests in flight that the records predict: rate × mean latency from the send (Little's law).
    pub in_flight_expected: f64,
    /// CPU time of this process during the load, in seconds, to a hundredth.
    pub cpu_s: f64,
    /// Requests that goose's own metrics count.
    pub goose_requests: u64,
    /// Whether the generator had real-time scheduling.
    pub realtime: bool,
    /// Whether the load was stopped before its end.
    pub stopped: bool,
}

/// What was seen of a load besides its attempts.
pub(super) struct Seen {
    pub(super) started: Instant,
    pub(super) started_at: SystemTime,
    pub(super) paced: Paced,
    pub(super) cpu_s: f64,
    pub(super) realtime: bool,
}

impl Seen {
    /// Takes the attempts out of the shared log.
    pub(super) fn outcome(self, shared: &Shared, goose: &GooseMetrics) -> anyhow::Result<Outcome> {
        let mut log = shared.log.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts = std::mem::take(&mut *log);
        let mut lag_us = Histogram::new_with_max(MAX_LAG_US, 3)?;
        let (mut late, mut in_flight_us, mut last_us) = (0, 0, 0);
        for attempt in &attempts {
            let lag = attempt.lag_us();
            lag_us.saturating_record(lag);
            late += u64::from(lag > LATE_US);
            in_flight_us += attempt.latency_from_send_us();
            last_us = last_us.max(attempt.answered_us);
        }
        let goose_requests = goose.requests.values();
        Ok(Outcome {
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
            in_flight_mean: self.paced.in_flight_mean(),
            in_flight_expected: in_flight_expected(in_flight_us, last_us),
            cpu_s: self.cpu_s,
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
