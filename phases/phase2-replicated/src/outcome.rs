//! What a failed statement says about its effect: the line between "refused, nothing happened" (503)
//! and "not known" (504).

use signup_domain::StoreError;
use signup_service::Failure;
use tokio_postgres::Error;
use tokio_postgres::error::Severity;

/// What became of a statement that was sent and failed.
pub(crate) fn failure(error: &Error) -> Failure {
    match error.as_db_error() {
        Some(said) => {
            let kept = said.parsed_severity() == Some(Severity::Error);
            Failure::said(said.code().code(), said.message(), kept)
        }
        // Broken on the way.
        None => StoreError::Unknown(error.to_string()).into(),
    }
}
