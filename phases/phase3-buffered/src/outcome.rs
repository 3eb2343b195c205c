//! What a failed statement says about its effect: the line between "refused, nothing happened" (503)
//! and "not known" (504).

use signup_domain::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::Severity;

/// Whether PostgreSQL refused the statement and kept the session (`FATAL` ends it).
pub(crate) fn is_refusal(error: &Error) -> bool {
    let severity = error
        .as_db_error()
        .and_then(|error| error.parsed_severity());
    severity == Some(Severity::Error)
}

/// What the failure of a statement that was sent says about its effect. What PostgreSQL says of its
/// cause begins with its code.
pub(crate) fn outcome(error: &Error) -> StoreError {
    let code = error.code().map_or("", |state| state.code());
    // The message alone: an error's detail quotes the row, and with it personal data.
    let cause = error.as_db_error().map_or_else(
        || error.to_string(),
        |error| format!("{code}: {}", error.message()),
    );
    // Broken on the way, or PostgreSQL ended the session (FATAL) or itself (PANIC), whatever the
    // code says: a disk that is full at the commit is a PANIC after the row was written.
    if !is_refusal(error) {
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

/// Whether the cause of an [`outcome`] is what is in the rows, so that writing them again must fail
/// again: a data exception (22) or a violated constraint (23). Anything else is the shard's own trouble,
/// a broken disk or a schema that is being changed, and will pass.
pub(crate) fn is_about_the_rows(cause: &str) -> bool {
    matches!(cause.get(..2), Some("22" | "23"))
}
