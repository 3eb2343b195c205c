//! Events: created by the organiser, never changed.

use crate::Monolith;
use crate::db::Database;
use crate::signups::from_primary;
use signup_domain::{Counted, Event, EventId, EventSalt, Found, NewEvent, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use time::OffsetDateTime;
use uuid::Uuid;

/// The events this process has read. An event never changes, so a copy is never stale, and without
/// it each signup would be two statements. Only existing events are kept, and only the organiser
/// makes those, so it cannot be filled from outside.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<RwLock<HashMap<EventId, Arc<Event>>>>);

type EventRow = (
    String,
    Option<OffsetDateTime>,
    Option<OffsetDateTime>,
    Vec<u8>,
);

/// The event `id`, from memory after the first time.
pub(crate) async fn find(store: &Monolith, id: EventId) -> Result<Arc<Event>, StoreError> {
    let known = store
        .events
        .0
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&id)
        .cloned();
    if let Some(event) = known {
        return Ok(event);
    }
    let row: Option<EventRow> = store
        .database
        .read(async |connection| {
            sqlx::query_as("SELECT name, opens_at, closes_at, salt FROM events WHERE id = $1")
                .bind(id.as_uuid())
                .fetch_optional(connection)
                .await
        })
        .await?;
    let (name, opens_at, closes_at, salt) = row.ok_or(StoreError::UnknownEvent)?;
    let salt = <[u8; 32]>::try_from(salt)
        .map_err(|_| StoreError::Internal("the salt of an event has not 32 bytes".into()))?;
    let event = Arc::new(Event {
        id,
        name,
        opens_at,
        closes_at,
        salt: EventSalt::new(salt),
    });
    let mut events = store
        .events
        .0
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    Ok(events.entry(id).or_insert(event).clone())
}

/// The event `id` and its number of signups: an exact count, which reads the event's whole range
/// of the index.
pub(crate) async fn count(store: &Monolith, id: EventId) -> Result<Found<Counted>, StoreError> {
    let event = find(store, id).await?;
    let as_of = OffsetDateTime::now_utc();
    let signups: i64 = store
        .database
        .read(async |connection| {
            sqlx::query_scalar("SELECT count(*) FROM signups WHERE event_id = $1")
                .bind(id.as_uuid())
                .fetch_one(connection)
                .await
        })
        .await?;
    let event = Event::clone(&event);
    Ok(from_primary(Counted {
        event,
        signups: signups.unsigned_abs(),
        as_of,
    }))
}

/// Creates an event with a salt of its own.
pub(crate) async fn create(database: &Database, event: NewEvent) -> Result<Event, StoreError> {
    // Ordered by time, so that new events stand together in the index.
    let id = EventId::from_uuid(Uuid::now_v7());
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|error| StoreError::Internal(error.to_string()))?;
    let NewEvent {
        name,
        opens_at,
        closes_at,
    } = event;
    let name = name.into_string();
    database
        .write(async |connection| {
            sqlx::query(
                "INSERT INTO events (id, name, opens_at, closes_at, salt)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(id.as_uuid())
            .bind(&name)
            .bind(opens_at)
            .bind(closes_at)
            .bind(salt.as_slice())
            .execute(connection)
            .await
        })
        .await?;
    Ok(Event {
        id,
        name,
        opens_at,
        closes_at,
        salt: EventSalt::new(salt),
    })
}
