//! The statements that read.

use signup_domain::{Attendee, Event, EventId, EventSalt, Recorded, SignupId, StoreError};
use sqlx::{Error, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// An event as it is stored: its id, its name, its signup period and its salt.
pub(crate) type EventRow = (
    Uuid,
    String,
    Option<OffsetDateTime>,
    Option<OffsetDateTime>,
    Vec<u8>,
);

/// Those of the events `ids` that there are; [`event_from`] reads them.
pub(crate) async fn events(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<EventRow>, Error> {
    sqlx::query_as("SELECT id, name, opens_at, closes_at, salt FROM events WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(connection)
        .await
}

pub(crate) fn event_from(row: EventRow) -> Result<Event, StoreError> {
    let (id, name, opens_at, closes_at, salt) = row;
    let salt = <[u8; 32]>::try_from(salt)
        .map_err(|_| StoreError::Internal("the salt of an event has not 32 bytes".into()))?;
    Ok(Event {
        id: EventId::from_uuid(id),
        name,
        opens_at,
        closes_at,
        salt: EventSalt::new(salt),
    })
}

/// The number of signups: reads the event's whole range of the index.
pub(crate) async fn count(connection: &mut PgConnection, event: EventId) -> Result<u64, Error> {
    let signups: i64 = sqlx::query_scalar("SELECT count(*) FROM signups WHERE event_id = $1")
        .bind(event.as_uuid())
        .fetch_one(connection)
        .await?;
    Ok(signups.unsigned_abs())
}

/// A signup, if it is there.
pub(crate) async fn signup(
    connection: &mut PgConnection,
    event: EventId,
    id: SignupId,
) -> Result<Option<Recorded>, Error> {
    let row: Option<(String, OffsetDateTime)> =
        sqlx::query_as("SELECT name, signed_up_at FROM signups WHERE event_id = $1 AND id = $2")
            .bind(event.as_uuid())
            .bind(id.as_uuid())
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(name, signed_up_at)| Recorded { name, signed_up_at }))
}

/// The signups after one, in the order of the primary key.
pub(crate) async fn page(
    connection: &mut PgConnection,
    event: EventId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Attendee>, Error> {
    let rows: Vec<(Uuid, String, String, OffsetDateTime)> = sqlx::query_as(
        "SELECT id, email, name, signed_up_at FROM signups
         WHERE event_id = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(event.as_uuid())
    .bind(after)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let attendee = |(id, email, name, signed_up_at)| Attendee {
        id: SignupId::from_uuid(id),
        email,
        name,
        signed_up_at,
    };
    Ok(rows.into_iter().map(attendee).collect())
}

/// Whether the session may only read: the database was demoted, or an operator has said so.
pub(crate) async fn is_read_only(connection: &mut PgConnection) -> Result<bool, Error> {
    let setting: String = sqlx::query_scalar("SHOW transaction_read_only")
        .fetch_one(connection)
        .await?;
    Ok(setting == "on")
}
