//! Events: created by the organiser, never changed.

use crate::db::Database;
use crate::select;
use signup_domain::{
    Cache, Counted, Event, EventId, EventSalt, Found, NewEvent, ServedBy, StoreError,
};
use signup_service::Lookups;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use time::OffsetDateTime;
use uuid::Uuid;

/// The events, and those of them that this process has read. An event never changes, so a copy is
/// never stale, and without it each signup would be two statements. Only existing events are kept,
/// and only the organiser makes those, so it cannot be filled from outside.
#[derive(Clone)]
pub(crate) struct Events {
    kept: Arc<RwLock<HashMap<EventId, Arc<Event>>>>,
    lookups: Lookups,
    primary: Database,
}

impl Events {
    /// None read yet.
    pub(crate) fn new(primary: Database) -> Self {
        Self {
            kept: Arc::default(),
            lookups: Lookups::default(),
            primary,
        }
    }

    /// The event `id`, from memory after the first time.
    pub(crate) async fn find(&self, id: EventId) -> Result<Arc<Event>, StoreError> {
        let kept = self.kept.read();
        let known = kept
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        if let Some(event) = known {
            return Ok(event);
        }
        let event = self.lookups.find(id, |ids| self.read(ids)).await?;
        let kept = self.kept.write();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        Ok(kept.entry(id).or_insert(event).clone())
    }

    async fn read(&self, ids: Vec<EventId>) -> Result<Vec<Event>, StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| *id.as_uuid()).collect();
        let rows = self
            .primary
            .read(async |connection| select::events(connection, &ids).await)
            .await?;
        rows.into_iter().map(select::event_from).collect()
    }

    /// The event `id` and its number of signups: an exact count, counted each time.
    pub(crate) async fn count(&self, id: EventId) -> Result<Found<Counted>, StoreError> {
        let event = self.find(id).await?;
        let as_of = OffsetDateTime::now_utc();
        let signups = self
            .primary
            .read(async |connection| select::count(connection, id).await)
            .await?;
        Ok(Found {
            value: Counted {
                event: Event::clone(&event),
                signups,
                as_of,
            },
            served_by: ServedBy::Primary,
            cache: Cache::Bypass,
        })
    }

    /// Creates an event with a salt of its own.
    pub(crate) async fn create(&self, event: NewEvent) -> Result<Event, StoreError> {
        // Ordered by time, so that new events stand together in the index.
        let id = EventId::from_uuid(Uuid::now_v7());
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|error| StoreError::Internal(error.to_string()))?;
        let event = Event {
            id,
            name: event.name.into_string(),
            opens_at: event.opens_at,
            closes_at: event.closes_at,
            salt: EventSalt::new(salt),
        };
        insert(&self.primary, &event).await?;
        Ok(event)
    }
}

async fn insert(primary: &Database, event: &Event) -> Result<(), StoreError> {
    primary
        .write(async |connection| {
            sqlx::query(
                "INSERT INTO events (id, name, opens_at, closes_at, salt)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(event.id.as_uuid())
            .bind(&event.name)
            .bind(event.opens_at)
            .bind(event.closes_at)
            .bind(event.salt.as_bytes().as_slice())
            .execute(connection)
            .await
            .map(drop)
        })
        .await
}
