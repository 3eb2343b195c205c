//! The statements that read, each on one shard.
//!
//! What depends on who owns what comes with the version of the map that the shard holds, read in the same
//! statement: when it is another one, what was asked for may be elsewhere.

use deadpool_postgres::Client;
use signup_domain::{Attendee, Event, EventId, EventSalt, Recorded, SignupId, StoreError};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// The map that the shard holds: its version, and who owns each bucket.
pub(crate) async fn map(client: &Client) -> Result<(i32, Vec<i16>), Error> {
    let statement = client
        .prepare_cached("SELECT version, owners FROM shard_map")
        .await?;
    let row = client.query_one(&statement, &[]).await?;
    Ok((row.get(0), row.get(1)))
}

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

/// The version of the map, and the number of signups that the shard's counter shows.
pub(crate) async fn count(client: &Client, event: EventId) -> Result<(u32, u64), Error> {
    let statement = client
        .prepare_cached(
            "SELECT version, coalesce(signups, 0)
             FROM shard_map LEFT JOIN event_counts ON event_id = $1",
        )
        .await?;
    let row = client.query_one(&statement, &[event.as_uuid()]).await?;
    Ok((version(&row), row.get::<_, i64>(1).unsigned_abs()))
}

/// The version of the map, and a signup, if it is there.
pub(crate) async fn signup(
    client: &Client,
    event: EventId,
    id: SignupId,
) -> Result<(u32, Option<Recorded>), Error> {
    let statement = client
        .prepare_cached(
            "SELECT version, name, signed_up_at
             FROM shard_map LEFT JOIN signups ON event_id = $1 AND id = $2",
        )
        .await?;
    let row = client
        .query_one(&statement, &[event.as_uuid(), id.as_uuid()])
        .await?;
    let name: Option<String> = row.get(1);
    let recorded = name.map(|name| Recorded {
        name,
        signed_up_at: row.get(2),
    });
    Ok((version(&row), recorded))
}

/// The version of the map, and the signups after one and up to another, in the order of ids.
pub(crate) async fn page(
    client: &Client,
    event: EventId,
    after: Uuid,
    last: Uuid,
    limit: i64,
) -> Result<(u32, Vec<Attendee>), Error> {
    let statement = client
        .prepare_cached(
            "SELECT version, id, email, name, signed_up_at
             FROM shard_map LEFT JOIN (
                 SELECT id, email, name, signed_up_at FROM signups
                 WHERE event_id = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4
             ) AS page ON true
             ORDER BY id",
        )
        .await?;
    let rows = client
        .query(&statement, &[event.as_uuid(), &after, &last, &limit])
        .await?;
    let attendee = |row: &Row| {
        Some(Attendee {
            id: SignupId::from_uuid(row.get::<_, Option<Uuid>>(1)?),
            email: row.get(2),
            name: row.get(3),
            signed_up_at: row.get(4),
        })
    };
    // Where there is no signup there is one row all the same, and no map has version 0.
    let version = rows.first().map_or(0, version);
    Ok((version, rows.iter().filter_map(attendee).collect()))
}

fn version(row: &Row) -> u32 {
    row.get::<_, i32>(0).unsigned_abs()
}

/// Whether the session may only read: the database was demoted, or an operator has said so.
pub(crate) async fn is_read_only(client: &Client) -> Result<bool, Error> {
    let statement = client.prepare_cached("SHOW transaction_read_only").await?;
    let row = client.query_one(&statement, &[]).await?;
    Ok(row.get::<_, &str>(0) == "on")
}
