//! Signups: one statement each.

use crate::db::Database;
use crate::{Monolith, events};
use signup_domain::{
    Attendee, Cache, Checked, EventId, Found, NewSignup, Page, Recorded, ServedBy, SignedUp,
    SignupId, Status, StoreError,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// Signs a participant up: one row, one transaction, one flush.
///
/// The primary key decides who had signed up before. The id is computed, so a retry, also one
/// after an unknown outcome, writes the same row.
pub(crate) async fn sign_up(store: &Monolith, signup: NewSignup) -> Result<SignedUp, StoreError> {
    let event = events::find(store, signup.event).await?;
    event.admit(signup.at)?;
    let id = SignupId::derive(&event.salt, event.id, &signup.email);

    let inserted = store
        .database
        .write(async |connection| {
            // `execute` and not `fetch_optional` with RETURNING: it waits until PostgreSQL is ready
            // for the next statement, which it is only after the commit, while a returned row may be
            // read before it.
            sqlx::query(
                "INSERT INTO signups (event_id, id, email, name, signed_up_at)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (event_id, id) DO NOTHING",
            )
            .bind(event.id.as_uuid())
            .bind(id.as_uuid())
            .bind(signup.email.as_str())
            .bind(signup.name.as_str())
            .bind(signup.at)
            .execute(connection)
            .await
        })
        .await?
        .rows_affected();

    let status = Status::Recorded;
    if inserted == 1 {
        store.metrics.recorded.inc();
        return Ok(SignedUp {
            id,
            status,
            new: true,
            signed_up_at: signup.at,
        });
    }
    // The conflict was with a committed row: it can be read, and it says when.
    let first = select(&store.database, event.id, id).await?;
    let first =
        first.ok_or_else(|| StoreError::Internal("a conflicting row is not there".into()))?;
    store.metrics.repeated.inc();
    Ok(SignedUp {
        id,
        status,
        new: false,
        signed_up_at: first.signed_up_at,
    })
}

/// Finds a signup by its id.
pub(crate) async fn find(
    database: &Database,
    event: EventId,
    id: SignupId,
) -> Result<Found<Option<Checked>>, StoreError> {
    let recorded = select(database, event, id).await?;
    Ok(from_primary(recorded.map(Checked::Recorded)))
}

async fn select(
    database: &Database,
    event: EventId,
    id: SignupId,
) -> Result<Option<Recorded>, StoreError> {
    let row: Option<(String, OffsetDateTime)> = database
        .read(async |connection| {
            sqlx::query_as("SELECT name, signed_up_at FROM signups WHERE event_id = $1 AND id = $2")
                .bind(event.as_uuid())
                .bind(id.as_uuid())
                .fetch_optional(connection)
                .await
        })
        .await?;
    Ok(row.map(|(name, signed_up_at)| Recorded { name, signed_up_at }))
}

/// One page of the attendance list, in the order of the primary key.
pub(crate) async fn list(
    store: &Monolith,
    event: EventId,
    page: Page,
) -> Result<Found<Vec<Attendee>>, StoreError> {
    let event = events::find(store, event).await?;
    // Every id is greater than the nil UUID but the nil UUID itself, which no hash will hit.
    let after = page.after.map_or(Uuid::nil(), |id| *id.as_uuid());
    let rows: Vec<(Uuid, String, String, OffsetDateTime)> = store
        .database
        .read(async |connection| {
            sqlx::query_as(
                "SELECT id, email, name, signed_up_at FROM signups
                 WHERE event_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            )
            .bind(event.id.as_uuid())
            .bind(after)
            .bind(i64::from(page.limit))
            .fetch_all(connection)
            .await
        })
        .await?;
    let attendee = |(id, email, name, signed_up_at)| Attendee {
        id: SignupId::from_uuid(id),
        email,
        name,
        signed_up_at,
    };
    Ok(from_primary(rows.into_iter().map(attendee).collect()))
}

/// Everything in phase 1 is answered by the one database.
pub(crate) fn from_primary<T>(value: T) -> Found<T> {
    Found {
        value,
        served_by: ServedBy::Primary,
        cache: Cache::Bypass,
    }
}
