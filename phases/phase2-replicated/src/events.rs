//! Events: created by the organiser, never changed.

use crate::cache::{Cache, OLDEST_COUNT};
use crate::cached::{Count, age};
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

/// How long the primary is waited for when the replica's count is there but old.
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
    replica: Option<Replica>,
    primary: Database,
}

impl Events {
    /// None read yet.
    pub(crate) fn new(cache: Cache, replica: Option<Replica>, primary: Database) -> Self {
        Self {
            kept: Kept::new(KEPT),
            lookups: Lookups::default(),
            cache,
            replica,
            primary,
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
        let mut ids: Vec<_> = ids.iter().map(|id| *id.as_uuid()).collect();
        let on_replica = match &self.replica {
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
            let rows = self
                .primary
                .read(async |client| select::events(client, &ids).await)
                .await?;
            for row in &rows {
                events.push(select::event_from(row)?);
            }
        }
        Ok(events)
    }

    /// The event `id` and its number of signups, at most a second old while the databases are well.
    pub(crate) async fn count(&self, id: EventId) -> Result<Found<Counted>, StoreError> {
        let event = self.find(id).await?;
        let (replica, primary) = (self.replica.clone(), self.primary.clone());
        let ask = move || count_in_database(replica, primary, id);
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
        insert(&self.primary, &event).await?;
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

/// Counts on the replica, if it is not late; else on the primary; and if that is gone, the late
/// replica's count is better than none: it says how old it is.
async fn count_in_database(
    replica: Option<Replica>,
    primary: Database,
    id: EventId,
) -> Result<(Count, ServedBy), StoreError> {
    let on_replica = match &replica {
        Some(replica) => replica.count(id).await,
        None => None,
    };
    // Half of what may be shown: the other half is for the time in the cache.
    if let Some(count) = on_replica
        && age(count) < OLDEST_COUNT / 2
    {
        return Ok((count, ServedBy::Replica));
    }
    let as_of = OffsetDateTime::now_utc();
    let ask = async {
        if let (Some(replica), Some(_)) = (&replica, on_replica) {
            replica.was_late();
        }
        count_on_primary(&primary, id).await
    };
    // With an answer in hand, if an old one, a primary that hangs is not waited for.
    let on_primary = match on_replica {
        Some(late) => match tokio::time::timeout(WITH_LATE_COUNT, ask).await {
            Ok(Ok(signups)) => Ok(signups),
            Ok(Err(_)) | Err(_) => return Ok((late, ServedBy::Replica)),
        },
        None => ask.await,
    };
    Ok((
        Count {
            signups: on_primary?,
            as_of,
        },
        ServedBy::Primary,
    ))
}

async fn count_on_primary(primary: &Database, id: EventId) -> Result<u64, StoreError> {
    primary
        .read(async |client| select::count(client, id).await)
        .await
}
