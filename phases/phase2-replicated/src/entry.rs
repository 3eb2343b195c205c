//! A signup that waits for its batch, and whoever waits for it.

use crate::insert::{Row, Written};
use signup_domain::StoreError;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How long a signup waits for its batch before it is refused. With the 1.5 s that its batch may
/// take, it is answered before the service stops waiting, at 1.9 s.
const QUEUE_TIMEOUT: Duration = Duration::from_millis(300);

/// A row, and whoever waits for it.
pub(crate) struct Entry {
    pub(crate) row: Row,
    pub(crate) queued: Instant,
    pub(crate) answer: oneshot::Sender<Result<Written, StoreError>>,
}

impl Entry {
    /// An entry that is queued now, and where its answer comes.
    pub(crate) fn new(row: Row) -> (Self, oneshot::Receiver<Result<Written, StoreError>>) {
        let (answer, outcome) = oneshot::channel();
        let queued = Instant::now();
        let entry = Self {
            row,
            queued,
            answer,
        };
        (entry, outcome)
    }

    /// When it is refused, unless it is in a batch by then.
    pub(crate) fn deadline(&self) -> Instant {
        self.queued + QUEUE_TIMEOUT
    }
}
