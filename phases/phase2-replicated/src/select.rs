//! The statements that read.

use deadpool_postgres::Client;
use signup_domain::{Attendee, Event, EventId, EventSalt, Recorded, SignupId, StoreError};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Those of the events `ids` that there are; [`event_from`] reads them.
pub(crate) async fn events(client: &Client, ids: &[Uuid]) -> Result<Vec<Row>, Error> {
    let statement = client
        .prepare_cached("SELECT id, name, opens_at, closes_at, salt FROM events WHERE id = ANY($1)")
        .await?;
    client.query(&statement, &[&ids]).await
}

pub(crate) fn event_from(row: &Row) -> Result<Event, StoreError> {
    let salt = <[u8; 32]>::try_from(row.get::<_, &[u8]>(4))
        .map_err(|_| StoreError::Internal("the salt of an event has not 32 bytes".into()))?;
    Ok(Event {
        id: EventId::from_uuid(row.get(0)),
        name: row.get(1),
        opens_at: row.get(2),
        closes_at: row.get(3),
        salt: EventSalt::new(salt),
    })
}

/// The number of signups that a database shows: reads the event's whole range of the index.
pub(crate) async fn count(client: &Client, event: EventId) -> Result<u64, Error> {
    let statement = client
        .prepare_cached("SELECT count(*) FROM signups WHERE event_id = $1")
        .await?;
    let row = client.query_one(&statement, &[event.as_uuid()]).await?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}

/// A signup, if it is there.
pub(crate) async fn signup(
    client: &Client,
    event: EventId,
    id: SignupId,
) -> Result<Option<Recorded>, Error> {
    let statement = client
        .prepare_cached("SELECT name, signed_up_at FROM signups WHERE event_id = $1 AND id = $2")
        .await?;
    let row = client
        .query_opt(&statement, &[event.as_uuid(), id.as_uuid()])
        .await?;
    Ok(row.map(|row| Recorded {
        name: row.get(0),
        signed_up_at: row.get(1),
    }))
}

/// The signups after one, in the order of the primary key.
pub(crate) async fn page(
    client: &Client,
    event: EventId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Attendee>, Error> {
    let statement = client
        .prepare_cached(
            "SELECT id, email, name, signed_up_at FROM signups
             WHERE event_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .await?;
    let rows = client
        .query(&statement, &[event.as_uuid(), &after, &limit])
        .await?;
    let attendee = |row: &Row| Attendee {
        id: SignupId::from_uuid(row.get(0)),
        email: row.get(1),
        name: row.get(2),
        signed_up_at: row.get(3),
    };
    Ok(rows.iter().map(attendee).collect())
}

/// Whether the session may only read: the database was demoted, or an operator has said so.
pub(crate) async fn is_read_only(client: &Client) -> Result<bool, Error> {
    let statement = client.prepare_cached("SHOW transaction_read_only").await?;
    let row = client.query_one(&statement, &[]).await?;
    Ok(row.get::<_, &str>(0) == "on")
}
