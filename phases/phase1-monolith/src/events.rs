//! Events: created by the organiser, never changed.

use crate::db::{COUNTING, Database};
use crate::select;
use signup_domain::{
    Cache, Counted, Event, EventId, EventSalt, Found, NewEvent, ServedBy, StoreError,
};
use signup_service::Lookups;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How long a request waits for a count, before it shows the last one.
const PATIENCE: Duration = Duration::from_secs(1);

/// A number of signups, and when it was counted.
#[derive(Debug, Clone, Copy)]
struct Count {
    signups: u64,
    as_of: OffsetDateTime,
}

/// The events, and those of them that this process has read. An event never changes, so a copy is
/// never stale, and without it each signup would be two statements. Only existing events are kept,
/// and only the organiser makes those, so it cannot be filled from outside.
#[derive(Clone)]
pub(crate) struct Events {
    kept: Arc<RwLock<HashMap<EventId, Arc<Event>>>>,
    lookups: Lookups,
    /// The last count of each, for when a new one is late.
    last: Arc<RwLock<HashMap<EventId, Count>>>,
    primary: Database,
    /// The same database, over connections that count.
    counts: Database,
    /// Whose turn it is to count, one a connection.
    turns: Arc<Semaphore>,
}

impl Events {
    /// None read yet.
    pub(crate) fn new(primary: Database, counts: Database) -> Self {
        Self {
            kept: Arc::default(),
            lookups: Lookups::default(),
            last: Arc::default(),
            primary,
            counts,
            turns: Arc::new(Semaphore::new(COUNTING)),
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

    /// The event `id` and its number of signups: an exact count, no older than the question; or the last
    /// one, when it is not there in time.
    pub(crate) async fn count(&self, id: EventId) -> Result<Found<Counted>, StoreError> {
        let event = self.find(id).await?;
        let counted =
            tokio::time::timeout(PATIENCE, self.counted_since(id, OffsetDateTime::now_utc()));
        let late = |_| Err(StoreError::Unavailable("not counted in time".into()));
        let (count, served_by, cache) = match counted.await.unwrap_or_else(late) {
            Ok(count) => (count, ServedBy::Primary, Cache::Bypass),
            Err(error) => (self.last(id).ok_or(error)?, ServedBy::Cache, Cache::Hit),
        };
        Ok(Found {
            value: Counted {
                event: Event::clone(&event),
                signups: count.signups,
                as_of: count.as_of,
            },
            served_by,
            cache,
        })
    }

    /// A count that began after `asked`. However many ask, they wait for few counts: who asked while one
    /// ran shares the next with all the others.
    async fn counted_since(&self, id: EventId, asked: OffsetDateTime) -> Result<Count, StoreError> {
        let stopped = || StoreError::Unavailable("the count was stopped".into());
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_closed| stopped())?;
        if let Some(another) = self.last(id).filter(|count| count.as_of >= asked) {
            return Ok(another);
        }
        // In a task, which goes on when the request does not: so there is a last one, however long it takes.
        let events = self.clone();
        let counting = tokio::spawn(async move {
            let counted = events.count_now(id).await;
            drop(turn);
            counted
        });
        counting.await.unwrap_or_else(|_| Err(stopped()))
    }

    fn last(&self, id: EventId) -> Option<Count> {
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner);
        last.get(&id).copied()
    }

    async fn count_now(&self, id: EventId) -> Result<Count, StoreError> {
        // First the time, then the count: what arrives in between makes it no older.
        let as_of = OffsetDateTime::now_utc();
        let signups = self
            .counts
            .read(async |connection| select::count(connection, id).await)
            .await?;
        let count = Count { signups, as_of };
        let mut last = self.last.write().unwrap_or_else(PoisonError::into_inner);
        let last = last.entry(id).or_insert(count);
        if last.as_of < as_of {
            *last = count;
        }
        Ok(count)
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
