//! What a failed statement says about its effect: the line between "refused, nothing happened" (503)
//! and "not known" (504).

use signup_domain::StoreError;
use signup_service::Failure;
use sqlx::Error;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// What became of a statement that was sent and failed.
pub(crate) fn failure(error: &Error) -> Failure {
    let said = error.as_database_error();
    let said = said.and_then(|said| said.try_downcast_ref::<PgDatabaseError>());
    match (said, error) {
        (Some(said), _) => {
            let kept = said.severity() == PgSeverity::Error;
            Failure::said(said.code(), said.message(), kept)
        }
        // Broken on the way.
        (None, Error::Database(_) | Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed) => {
            StoreError::Unknown(error.to_string()).into()
        }
        // It answered, with something that cannot be read.
        (None, _) => StoreError::Internal(error.to_string()).into(),
    }
}
