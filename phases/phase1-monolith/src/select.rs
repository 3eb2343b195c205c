//! The statements that read.

use deadpool_postgres::Client;
use signup_domain::{Attendee, Event, EventId, EventSalt, Recorded, SignupId, StoreError};
use time::OffsetDateTime;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// An event as it is stored: its name, its signup period and its salt.
pub(crate) type EventRow = (
    String,
    Option<OffsetDateTime>,
    Option<OffsetDateTime>,
    Vec<u8>,
);

/// The event `id`, if there is one; [`event_from`] reads it.
pub(crate) async fn event(connection: &Client, id: EventId) -> Result<Option<EventRow>, Error> {
    let statement = connection
        .prepare_cached("SELECT name, opens_at, closes_at, salt FROM events WHERE id = $1")
        .await?;
    let row = connection.query_opt(&statement, &[id.as_uuid()]).await?;
    let event = |row: Row| {
        Ok((
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
        ))
    };
    row.map(event).transpose()
}

pub(crate) fn event_from(id: EventId, row: EventRow) -> Result<Event, StoreError> {
    let (name, opens_at, closes_at, salt) = row;
    let salt = <[u8; 32]>::try_from(salt)
        .map_err(|_| StoreError::Internal("the salt of an event has not 32 bytes".into()))?;
    Ok(Event {
        id,
        name,
        opens_at,
        closes_at,
        salt: EventSalt::new(salt),
    })
}

/// The number of signups: reads the event's whole range of the index.
pub(crate) async fn count(connection: &Client, event: EventId) -> Result<u64, Error> {
    let statement = connection
        .prepare_cached("SELECT count(*) FROM signups WHERE event_id = $1")
        .await?;
    let row = connection.query_one(&statement, &[event.as_uuid()]).await?;
    let signups: i64 = row.try_get(0)?;
    Ok(signups.unsigned_abs())
}

/// A signup, if it is there.
pub(crate) async fn signup(
    connection: &Client,
    event: EventId,
    id: SignupId,
) -> Result<Option<Recorded>, Error> {
    let statement = connection
        .prepare_cached("SELECT name, signed_up_at FROM signups WHERE event_id = $1 AND id = $2")
        .await?;
    let row = connection
        .query_opt(&statement, &[event.as_uuid(), id.as_uuid()])
        .await?;
    let recorded = |row: Row| {
        Ok(Recorded {
            name: row.try_get(0)?,
            signed_up_at: row.try_get(1)?,
        })
    };
    row.map(recorded).transpose()
}

/// The signups after one, in the order of the primary key.
pub(crate) async fn page(
    connection: &Client,
    event: EventId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Attendee>, Error> {
    let statement = connection
        .prepare_cached(
            "SELECT id, email, name, signed_up_at FROM signups
         WHERE event_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .await?;
    let rows = connection
        .query(&statement, &[event.as_uuid(), &after, &limit])
        .await?;
    let attendee = |row: &Row| {
        Ok(Attendee {
            id: SignupId::from_uuid(row.try_get(0)?),
            email: row.try_get(1)?,
            name: row.try_get(2)?,
            signed_up_at: row.try_get(3)?,
        })
    };
    rows.iter().map(attendee).collect()
}
