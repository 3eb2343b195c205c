//! What a load came to: every attempt, and what only the generator can know about them.

use super::Attempt;
use crate::record::GreedySeen;
use hdrhistogram::Histogram;
use std::time::{Duration, Instant, SystemTime};

/// What was seen of a load.
#[derive(Debug)]
pub struct LoadSeen {
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
    /// Requests that were due when every slot was taken: they are late because the service was too
    /// slow for the number of slots, not because the generator was.
    pub waited_for_slot: u64,
    /// Receipt checks that could not be made, because the signup got no receipt.
    pub without_receipt: u64,
    /// Visits that never saw their receipt recorded.
    pub never_recorded: u64,
    /// From the intended instant to the send, in microseconds, of every request sent.
    pub lag_us: Histogram<u64>,
    /// The same of the requests that found a free slot when they were due.
    pub own_lag_us: Histogram<u64>,
    /// Requests in flight, mean of a sample every 2 ms.
    pub in_flight_mean: f64,
    /// Requests in flight that the records predict: rate × mean latency from the send (Little's law).
    pub in_flight_expected: f64,
    /// CPU time of this process during the load, in seconds, without what the greedy clients took.
    pub cpu_s: f64,
    /// What became of the greedy clients, if there were any.
    pub greedy: Option<GreedySeen>,
    /// Requests that goose's own metrics count.
    pub goose_requests: u64,
    /// Whether the generator had real-time scheduling.
    pub realtime: bool,
    /// Whether the load was stopped before its end.
    pub stopped: bool,
}
