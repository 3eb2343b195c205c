//! What a failed statement says about its effect: the line between "refused, nothing happened" (503)
//! and "not known" (504).

use signup_domain::StoreError;
use signup_service::Refusal;
use tokio_postgres::Error;
use tokio_postgres::error::Severity;

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
    let error = error.as_db_error()?;
    let kept = error.parsed_severity() == Some(Severity::Error);
    kept.then(|| Refusal::of(error.code().code()))
}

/// What the failure of a statement that was sent says about its effect. What PostgreSQL says of its
/// cause begins with its code.
fn outcome(error: &Error) -> StoreError {
    // The message alone: an error's detail quotes the row, and with it personal data.
    let cause = error.as_db_error().map_or_else(
        || error.to_string(),
        |error| format!("{}: {}", error.code().code(), error.message()),
    );
    match refusal(error) {
        Some(refusal) => refusal.outcome(cause),
        // Broken on the way, or PostgreSQL ended the session (FATAL) or itself (PANIC), whatever the
        // code says: a disk that is full at the commit is a PANIC after the row was written.
        None => StoreError::Unknown(cause),
    }
}

/// Whether the cause of an outcome is what is in the rows, so that writing them again must fail
/// again. Anything else is the database's own trouble, and will pass.
pub(crate) fn is_about_the_rows(cause: &str) -> bool {
    Refusal::of(cause.get(..5).unwrap_or_default()) == Refusal::Rows
}
