//! What a failed statement says about its effect: the line between "refused, nothing happened" (503)
//! and "not known" (504).

use signup_domain::StoreError;
use std::error::Error as _;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity};

/// Whether PostgreSQL refused the statement and kept the session (`FATAL` ends it).
pub(crate) fn is_refusal(error: &Error) -> bool {
    let severity = error
        .as_db_error()
        .and_then(|error| error.parsed_severity());
    severity == Some(Severity::Error)
}

/// What the failure of a statement that was sent says about its effect.
pub(crate) fn outcome(error: &Error) -> StoreError {
    let code = error.code().map_or("", |state| state.code());
    // The message alone: an error's detail quotes the row, and with it personal data.
    let cause = error.as_db_error().map_or_else(
        || error.to_string(),
        |error| format!("{code}: {}", error.message()),
    );
    // Broken on the way, or PostgreSQL ended the session (FATAL) or itself (PANIC), whatever the
    // code says: a disk that is full at the commit is a PANIC after the row was written.
    if !is_refusal(error) && !is_about_a_value(error) {
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

/// Whether a value could not be written or read. The driver names no kinds of errors, but says what
/// caused one: PostgreSQL, the connection, or else the value.
fn is_about_a_value(error: &Error) -> bool {
    let cause = error.source();
    cause.is_some_and(|cause| !cause.is::<DbError>() && !cause.is::<std::io::Error>())
}
