//! Writing a signup: one row, one transaction, one flush.

use crate::db::Database;
use crate::select;
use signup_domain::{Event, NewSignup, SignupId, StoreError};
use std::sync::Arc;
use time::OffsetDateTime;

/// A signup to be written.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) event: Arc<Event>,
    pub(crate) id: SignupId,
    pub(crate) signup: NewSignup,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// Whether this row was written; `false` when the participant's row was there.
    pub(crate) new: bool,
    /// When the participant signed up, the first time.
    pub(crate) signed_up_at: OffsetDateTime,
}

/// Writes `row`, and says what became of it.
pub(crate) async fn insert(primary: &Database, row: &Row) -> Result<Written, StoreError> {
    let new = send(primary, row).await?;
    let signed_up_at = if new {
        row.signup.at
    } else {
        first_signup(primary, row).await?
    };
    Ok(Written { new, signed_up_at })
}

/// Sends the statement; returns whether it wrote the row, after the commit: sqlx reads on until
/// PostgreSQL says that it is ready for the next statement.
async fn send(primary: &Database, row: &Row) -> Result<bool, StoreError> {
    let written = primary
        .write(async |connection| {
            sqlx::query(
                "INSERT INTO signups (event_id, id, email, name, signed_up_at)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (event_id, id) DO NOTHING",
            )
            .bind(row.event.id.as_uuid())
            .bind(row.id.as_uuid())
            .bind(row.signup.email.as_str())
            .bind(row.signup.name.as_str())
            .bind(row.signup.at)
            .execute(connection)
            .await
        })
        .await?;
    Ok(written.rows_affected() == 1)
}

/// When a participant whose row was there had signed up. The conflict was with a committed row, so it
/// can be read.
async fn first_signup(primary: &Database, row: &Row) -> Result<OffsetDateTime, StoreError> {
    let first = primary
        .read(async |connection| select::signup(connection, row.event.id, row.id).await)
        .await?;
    let gone = || StoreError::Internal("a conflicting row is not there".into());
    Ok(first.ok_or_else(gone)?.signed_up_at)
}
