//! Events: created by the organiser, never changed.

use crate::cache::Cache;
use crate::cached::Count;
use crate::counts::OLDEST_COUNT;
use crate::db::Database;
use crate::replica::Replica;
use crate::select;
use moka::future::Cache as Kept;
use signup_domain::{Counted, Event, EventId, EventSalt, Found, NewEvent, ServedBy, StoreError};
use signup_service::Lookups;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// How long the primary may take to answer before it is not asked to count, when the replica's count is
/// there but old.
const WITH_LATE_COUNT: Duration = Duration::from_millis(250);

/// Events that are kept in memory; far more than a service has.
const KEPT: u64 = 10_000;

/// The events, and those of them that this process has read. An event never changes, so a copy is
/// never stale, and without it each signup would be two statements. Requests that miss together ask
/// once.
#[derive(Clone)]
pub(crate) struct Events {
    kept: Kept<EventId, Arc<Event>>,
    lookups: Lookups,
    cache: Cache,
    databases: Arc<Databases>,
}

/// Where events are read and counted.
struct Databases {
    replica: Option<Replica>,
    primary: Database,
    /// The primary, over the connection that counts.
    counts: Database,
}

impl Events {
    /// None read yet.
    pub(crate) fn new(
        cache: Cache,
        replica: Option<Replica>,
        primary: Database,
        counts: Database,
    ) -> Self {
        let databases = Databases {
            replica,
            primary,
            counts,
        };
        Self {
            kept: Kept::new(KEPT),
            lookups: Lookups::default(),
            cache,
            databases: Arc::new(databases),
        }
    }

    /// The event `id`: from memory after the first time, else from the replica, else from the primary.
    pub(crate) async fn find(&self, id: EventId) -> Result<Arc<Event>, StoreError> {
        // Asked first, because a request that finds it needs no room for the reading below.
        if let Some(event) = self.kept.get(&id).await {
            return Ok(event);
        }
        // That there is no such event is not kept: it may be made at any time.
        let lookup = self.lookups.find(id, |ids| self.read(ids));
        let found = Box::pin(self.kept.try_get_with(id, lookup)).await;
        found.map_err(|error: Arc<StoreError>| StoreError::clone(&error))
    }

    async fn read(&self, ids: Vec<EventId>) -> Result<Vec<Event>, StoreError> {
        let Databases {
            replica, primary, ..
        } = &*self.databases;
        let mut ids: Vec<_> = ids.iter().map(|id| *id.as_uuid()).collect();
        let on_replica = match replica {
            Some(replica) => {
                replica
                    .read(async |client| select::events(client, &ids).await)
                    .await
            }
            None => None,
        };
        let rows = on_replica.unwrap_or_default();
        let mut events: Vec<Event> = rows
            .iter()
            .map(select::event_from)
            .collect::<Result<_, _>>()?;
        ids.retain(|id| events.iter().all(|event| event.id.as_uuid() != id));
        if !ids.is_empty() {
            // Made a moment ago, perhaps: only the primary can say that there is no such event.
            let rows = primary
                .read(async |client| select::events(client, &ids).await)
                .await?;
            for row in &rows {
                events.push(select::event_from(row)?);
            }
        }
        Ok(events)
    }

    /// The event `id` and its number of signups, at most a second old while the databases are well and
    /// count in less.
    pub(crate) async fn count(&self, id: EventId) -> Result<Found<Counted>, StoreError> {
        let event = self.find(id).await?;
        let databases = Arc::clone(&self.databases);
        let ask = move || async move { databases.count(id).await };
        let (count, served_by, cache) = self.cache.count(&event, ask).await?;
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
        insert(&self.databases.primary, &event).await?;
        Ok(event)
    }
}

async fn insert(primary: &Database, event: &Event) -> Result<(), StoreError> {
    primary
        .write(async |client| {
            let statement = client
                .prepare_cached(
                    "INSERT INTO events (id, name, opens_at, closes_at, salt)
                     VALUES ($1, $2, $3, $4, $5)",
                )
                .await?;
            let salt = event.salt.as_bytes().as_slice();
            let Event {
                id,
                name,
                opens_at,
                closes_at,
                ..
            } = event;
            client
                .execute(
                    &statement,
                    &[id.as_uuid(), name, opens_at, closes_at, &salt],
                )
                .await
                .map(drop)
        })
        .await
}

impl Databases {
    /// Counts on the replica, if it is not late; else on the primary; and if that is gone, the late
    /// replica's count is better than none: it says how old it is.
    async fn count(&self, id: EventId) -> Result<(Count, ServedBy), StoreError> {
        let on_replica = match &self.replica {
            Some(replica) => replica.count(id).await,
            None => None,
        };
        // Half of what may be shown: the other half is for the time in the cache.
        if let Some((count, late)) = on_replica
            && late < OLDEST_COUNT / 2
        {
            return Ok((count, ServedBy::Replica));
        }
        if let (Some(replica), Some((late, _))) = (&self.replica, on_replica) {
            replica.was_late();
            // With an answer in hand, if an old one, a primary that hangs is not waited for.
            let answers = tokio::time::timeout(WITH_LATE_COUNT, self.primary.ping()).await;
            if !matches!(answers, Ok(Ok(()))) {
                return Ok((late, ServedBy::Replica));
            }
        }
        let on_primary = self.count_on_primary(id).await;
        match (on_primary, on_replica) {
            (Ok(count), _) => Ok((count, ServedBy::Primary)),
            (Err(_), Some((late, _))) => Ok((late, ServedBy::Replica)),
            (Err(error), None) => Err(error),
        }
    }

    async fn count_on_primary(&self, id: EventId) -> Result<Count, StoreError> {
        // First the time, then the count: what arrives in between makes it no older.
        let as_of = OffsetDateTime::now_utc();
        let signups = self
            .counts
            .read(async |client| select::count(client, id).await)
            .await?;
        Ok(Count { signups, as_of })
    }
}
