//! What a failed statement says about its effect: the line between "refused, nothing happened" (503)
//! and "not known" (504).

use signup_domain::StoreError;
use sqlx::Error;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// Whether PostgreSQL refused the statement and kept the session (`FATAL` ends it).
pub(crate) fn is_refusal(error: &Error) -> bool {
    let severity = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .map(PgDatabaseError::severity);
    severity == Some(PgSeverity::Error)
}

/// What the failure of a statement that was sent says about its effect.
pub(crate) fn outcome(error: &Error) -> StoreError {
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.unwrap_or_default();
    let cause = error.to_string();
    // Broken on the way, or PostgreSQL ended the session (FATAL) or itself (PANIC), whatever the
    // code says: a disk that is full at the commit is a PANIC after the row was written.
    if matches!(
        error,
        Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed
    ) || error.as_database_error().is_some() && !is_refusal(error)
    {
        return StoreError::Unknown(cause);
    }
    // SQLSTATE, PostgreSQL's documentation, appendix A.
    match code.get(..2) {
        // Rolled back, and said so: cancelled by a timeout, deadlocked, out of disk or memory.
        _ if code == "57014" || code == "55P03" => StoreError::Unavailable(cause),
        Some("40" | "53") => StoreError::Unavailable(cause),
        Some("57" | "08") => StoreError::Unknown(cause),
        _ => StoreError::Internal(cause),
    }
}
