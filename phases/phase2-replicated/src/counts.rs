//! A count as the first level of the cache keeps it: for how long it is shown, and how long a new one is
//! waited for.

use crate::cached::{Count, age};
use moka::Expiry;
use signup_domain::{EventId, ServedBy, StoreError};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// The oldest count that is shown while the databases are well.
pub(crate) const OLDEST_COUNT: Duration = Duration::from_secs(1);

/// How long a count is kept that was too old when it came, because nothing newer was to be had.
const STALE_COUNT: Duration = Duration::from_secs(1);

/// How long a request waits for a count, before it shows the last one.
const PATIENCE: Duration = Duration::from_secs(1);

/// A count as the first level keeps it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) count: Count,
    /// Where this process got it.
    pub(crate) served_by: ServedBy,
    pub(crate) at: Instant,
    pub(crate) keep: Duration,
    /// Whether somebody is fetching a newer one.
    pub(crate) renewing: AtomicBool,
}

impl Kept {
    /// A count, and how long it took: of a large event it is shown for twice as long, so that the database
    /// counts no more than half of the time.
    pub(crate) fn new(count: Count, served_by: ServedBy, took: Duration) -> Arc<Self> {
        let left = OLDEST_COUNT.saturating_sub(age(count.as_of));
        let keep = if left.is_zero() { STALE_COUNT } else { left };
        Arc::new(Self {
            count,
            served_by,
            at: Instant::now(),
            keep: keep.max(2 * took),
            renewing: AtomicBool::new(false),
        })
    }
}

/// Waits for a count, but not for long. It is counted to its end all the same, in a task of its own: so
/// there is a last one, however long it takes.
pub(crate) async fn in_time<T: Send + 'static>(
    count: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::time::timeout(PATIENCE, tokio::spawn(count)).await {
        Ok(Ok(counted)) => counted,
        Ok(Err(_)) | Err(_) => Err(StoreError::Unavailable("not counted in time".into())),
    }
}

/// Ends a count's time in the first level when it is too old to be shown.
pub(crate) struct UntilTooOld;

impl Expiry<EventId, Arc<Kept>> for UntilTooOld {
    fn expire_after_create(&self, _: &EventId, kept: &Arc<Kept>, _: Instant) -> Option<Duration> {
        Some(kept.keep)
    }

    fn expire_after_update(
        &self,
        _: &EventId,
        kept: &Arc<Kept>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.keep)
    }
}
