//! A circuit breaker: leaves a dependency that fails alone for a while, so that its failure costs the
//! requests that were waiting for it their timeout, then one request a second, and not every request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a dependency is left alone after a failure. One request tries it then; the others go
/// on without it until that one has succeeded.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether a dependency may be asked.
#[derive(Debug)]
pub struct Breaker {
    began: Instant,
    /// Milliseconds since `began` until which it is left alone; 0: it works.
    open_until: AtomicU64,
}

impl Default for Breaker {
    /// One that lets through.
    fn default() -> Self {
        Self {
            began: Instant::now(),
            open_until: AtomicU64::new(0),
        }
    }
}

impl Breaker {
    /// Whether to ask now. After a pause, `true` for one caller; the next pause has then begun.
    #[must_use]
    pub fn allows(&self) -> bool {
        let open_until = self.open_until.load(Ordering::Relaxed);
        if open_until == 0 {
            return true;
        }
        let now = self.now();
        now >= open_until
            && self
                .open_until
                .compare_exchange(
                    open_until,
                    now + millis(PAUSE),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// Whether it works, as far as is known; asks for no turn.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.open_until.load(Ordering::Relaxed) == 0
    }

    /// It failed: leave it alone. Whether it worked until now.
    pub fn failed(&self) -> bool {
        let open_until = self.now() + millis(PAUSE);
        self.open_until.swap(open_until, Ordering::Relaxed) == 0
    }

    /// It works.
    pub fn succeeded(&self) {
        // Read first: a store would take the cache line from the other threads at each request.
        if self.open_until.load(Ordering::Relaxed) != 0 {
            self.open_until.store(0, Ordering::Relaxed);
        }
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_a_pause_tries_what_has_failed() {
        let breaker = Breaker::default();
        assert!(breaker.allows() && breaker.allows() && breaker.is_closed());
        assert!(breaker.failed() && !breaker.failed());
        assert!(!breaker.allows() && !breaker.is_closed());
        std::thread::sleep(PAUSE + Duration::from_millis(20));
        assert!(breaker.allows());
        assert!(!breaker.allows(), "a second caller was let through");
        assert!(!breaker.is_closed(), "to try is not to succeed");
        breaker.succeeded();
        assert!(breaker.allows() && breaker.allows() && breaker.is_closed());
    }
}
