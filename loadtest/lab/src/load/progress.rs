//! What the generator is doing right now, for a progress line: counters that anyone may read while
//! the load runs.

use lab_truth::evidence::{Attempt, Kind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::SetOnce;

/// Counters since the start of the load. Reading them costs the load nothing.
#[derive(Debug, Default)]
pub struct Progress {
    /// Requests whose instant has come.
    pub due: AtomicU64,
    /// Requests handed to the HTTP client.
    pub sent: AtomicU64,
    /// Signup requests answered 2xx.
    pub acked: AtomicU64,
    /// Requests of any kind refused with 429 or 503.
    pub refused: AtomicU64,
    /// Requests of any kind that failed otherwise.
    pub failed: AtomicU64,
    /// Requests sent and not answered yet.
    pub in_flight: AtomicU64,
    /// Requests that were due and will never be sent.
    pub dropped: AtomicU64,
    /// When the load begins: known once the slots are ready, a moment before.
    pub begins: Arc<SetOnce<Instant>>,
}

impl Progress {
    /// A counter's value now.
    #[must_use]
    pub fn read(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn request_begins(&self) {
        Self::add(&self.sent);
        Self::add(&self.in_flight);
    }

    pub(super) fn request_ends(&self, attempt: &Attempt) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        if attempt.ending.is_refused() {
            Self::add(&self.refused);
        } else if !attempt.ending.is_success() {
            Self::add(&self.failed);
        } else if attempt.kind == Kind::Signup {
            Self::add(&self.acked);
        }
    }
}
