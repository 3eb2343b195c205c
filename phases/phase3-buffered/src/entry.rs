//! A signup that waits for its message, and whoever waits for it.

use crate::frame::Row;
use signup_domain::{EventId, NewSignup, SignedUp, SignupId, Status, StoreError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How long a signup waits for its message before it is refused: until it is sent, that can be said.
const QUEUE_TIMEOUT: Duration = Duration::from_millis(300);

/// A signup to be kept.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) event: EventId,
    pub(crate) id: SignupId,
    pub(crate) signup: NewSignup,
}

/// A signup, and whoever waits for it.
pub(crate) struct Entry {
    pub(crate) accepted: Accepted,
    pub(crate) queued: Instant,
    answer: oneshot::Sender<Result<SignedUp, StoreError>>,
}

impl Entry {
    /// An entry that is queued now, and where its answer comes.
    pub(crate) fn new(
        accepted: Accepted,
    ) -> (Self, oneshot::Receiver<Result<SignedUp, StoreError>>) {
        let (answer, outcome) = oneshot::channel();
        let queued = Instant::now();
        let entry = Self {
            accepted,
            queued,
            answer,
        };
        (entry, outcome)
    }

    /// When it is refused, unless it is in a message by then.
    pub(crate) fn deadline(&self) -> Instant {
        self.queued + QUEUE_TIMEOUT
    }

    /// As it is written.
    pub(crate) fn row(&self) -> Row<'_> {
        let Accepted { event, id, signup } = &self.accepted;
        Row {
            event: *event.as_uuid(),
            id: *id.as_uuid(),
            email: signup.email.as_str(),
            name: signup.name.as_str(),
            signed_up_at: signup.at,
        }
    }

    /// Whoever does not wait any more can ask again: the signup is the same.
    pub(crate) fn answer(self, outcome: Result<(Status, bool, OffsetDateTime), StoreError>) {
        let id = self.accepted.id;
        let outcome = outcome.map(|(status, new, signed_up_at)| SignedUp {
            id,
            status,
            new,
            signed_up_at,
        });
        let _ = self.answer.send(outcome);
    }
}
