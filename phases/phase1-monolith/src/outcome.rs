//! What a failed statement says about its effect: the line between "refused, nothing happened" (503)
//! and "not known" (504).

use signup_domain::StoreError;
use signup_service::Refusal;
use sqlx::Error;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// A statement that failed.
pub(crate) struct Failure {
    /// What is promised of its effect.
    pub(crate) outcome: StoreError,
    /// What PostgreSQL refused it for, if it did and kept the session (`FATAL` ends it).
    pub(crate) refusal: Option<Refusal>,
}

impl From<StoreError> for Failure {
    fn from(outcome: StoreError) -> Self {
        Self {
            outcome,
            refusal: None,
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            outcome: outcome(error),
            refusal: refusal(error),
        }
    }
}

impl Failure {
    /// PostgreSQL said no, in good order, and would say the same in any session: this one is as good as
    /// before.
    pub(crate) fn keeps_the_session(&self) -> bool {
        self.refusal
            .is_some_and(|refusal| !refusal.is_of_the_session())
    }
}

fn refusal(error: &Error) -> Option<Refusal> {
    let error = said_by_postgresql(error)?;
    let kept = error.severity() == PgSeverity::Error;
    kept.then(|| Refusal::of(error.code()))
}

/// What the failure of a statement that was sent says about its effect. What PostgreSQL says of its
/// cause begins with its code.
fn outcome(error: &Error) -> StoreError {
    // The message alone: an error's detail quotes the row, and with it personal data.
    let cause = said_by_postgresql(error).map_or_else(
        || error.to_string(),
        |error| format!("{}: {}", error.code(), error.message()),
    );
    match (refusal(error), error) {
        (Some(refusal), _) => refusal.outcome(cause),
        // Broken on the way, or PostgreSQL ended the session (FATAL) or itself (PANIC), whatever the
        // code says: a disk that is full at the commit is a PANIC after the row was written.
        (None, Error::Database(_) | Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed) => {
            StoreError::Unknown(cause)
        }
        // It answered, with something that cannot be read.
        (None, _) => StoreError::Internal(cause),
    }
}

fn said_by_postgresql(error: &Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}
