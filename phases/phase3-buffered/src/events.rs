//! Events: created by the organiser on every shard, never changed; counted by the shards' counters.

use crate::buckets::ShardMap;
use crate::db::Database;
use crate::metrics::QueueMetrics;
use crate::select;
use crate::shards::Shards;
use futures::future::try_join_all;
use moka::future::Cache as Kept;
use signup_domain::{
    Cache as Asked, Counted, Event, EventId, EventSalt, Found, NewEvent, ServedBy, StoreError,
};
use signup_service::Lookups;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// Events that are kept in memory; far more than a service has.
const KEPT: u64 = 10_000;

/// How long a count is shown. With the time that asking takes it stays under a second old.
const FRESH: Duration = Duration::from_millis(500);

/// A number of signups, and when it was counted.
#[derive(Debug, Clone, Copy)]
struct Count {
    signups: u64,
    as_of: OffsetDateTime,
}

/// The events, and what this gateway has read of them. An event never changes, so a copy is never
/// stale, and without it each signup would be two statements; a count says how old it is. Requests
/// that miss together ask once.
#[derive(Clone)]
pub(crate) struct Events {
    kept: Kept<EventId, Arc<Event>>,
    lookups: Lookups,
    counts: Kept<EventId, Count>,
    /// The last count of each, for as long as a shard is away.
    last: Kept<EventId, Count>,
    shards: Shards,
    metrics: QueueMetrics,
}

impl Events {
    /// None read yet.
    pub(crate) fn new(shards: Shards, metrics: QueueMetrics) -> Self {
        let counts = Kept::builder().max_capacity(KEPT).time_to_live(FRESH);
        Self {
            kept: Kept::new(KEPT),
            lookups: Lookups::default(),
            counts: counts.build(),
            last: Kept::new(KEPT),
            shards,
            metrics,
        }
    }

    /// The event `id`: from memory after the first time, else from the first shard, in order, that
    /// answers.
    pub(crate) async fn find(&self, id: EventId) -> Result<Arc<Event>, StoreError> {
        // That there is no such event is not kept: it may be made at any time.
        let lookup = self.lookups.find(id, |ids| self.read(ids));
        let found = self.kept.try_get_with(id, lookup).await;
        found.map_err(|error: Arc<StoreError>| StoreError::clone(&error))
    }

    async fn read(&self, ids: Vec<EventId>) -> Result<Vec<Event>, StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| *id.as_uuid()).collect();
        let mut answer = Err(StoreError::Unavailable("there is no shard".into()));
        for shard in self.shards.all() {
            answer = shard
                .read(async |client| select::events(client, &ids).await)
                .await;
            // Every shard has every event, so the first that answers decides.
            if answer.is_ok() {
                break;
            }
            self.metrics.without_shard.inc();
        }
        answer?.iter().map(select::event_from).collect()
    }

    /// The event `id` and its number of recorded signups: at most a second old while the shards are
    /// well, and the last that was known while one is away.
    pub(crate) async fn count(&self, id: EventId) -> Result<Found<Counted>, StoreError> {
        let event = self.find(id).await?;
        let counted = self.counts.entry(id).or_try_insert_with(self.sum(id)).await;
        let (count, fresh) = match counted {
            Ok(entry) => (*entry.value(), entry.is_fresh()),
            Err(error) => {
                self.metrics.without_shard.inc();
                let known = self.last.get(&id).await;
                (known.ok_or_else(|| StoreError::clone(&error))?, false)
            }
        };
        let (served_by, cache) = if fresh {
            self.last.insert(id, count).await;
            (ServedBy::Shard, Asked::Miss)
        } else {
            (ServedBy::Cache, Asked::Hit)
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

    /// The sum over all shards.
    async fn sum(&self, id: EventId) -> Result<Count, StoreError> {
        // First the time, then the count: what arrives in between makes it no older.
        let as_of = OffsetDateTime::now_utc();
        let map = self.shards.map()?;
        // By one map, or what has moved from one shard to another would count twice, or never.
        let counts = self.shards.all().iter().map(async |shard| {
            let count = shard.read(async |client| select::count(client, id).await);
            let (version, count) = count.await?;
            self.shards.agree(&map, version)?;
            Ok::<u64, StoreError>(count)
        });
        let signups = try_join_all(counts).await?.into_iter().sum();
        Ok(Count { signups, as_of })
    }

    /// Creates an event with a salt of its own, on every shard, if all are there. Where one of them fails
    /// all the same, its id was told to nobody, and what is left of it on the others does no harm.
    pub(crate) async fn create(&self, event: NewEvent) -> Result<Event, StoreError> {
        // First: with a shard away nothing is written anywhere, and that can be said.
        try_join_all(self.shards.all().iter().map(Database::ping)).await?;
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
        let map = self.shards.map()?;
        let inserts = self.shards.all().iter().map(async |shard| {
            let version = insert(shard, &map, &event).await?;
            self.shards.agree(&map, version)
        });
        try_join_all(inserts).await.map_err(|error| match error {
            // Another shard may have it by now.
            StoreError::Unavailable(cause) => StoreError::Unknown(cause),
            error => error,
        })?;
        Ok(event)
    }
}

/// Inserts an event, and returns the version of the map that the shard holds. While `reshard` runs, no
/// event is made: it would be on some of the shards (`insert::send` says how that is kept).
async fn insert(shard: &Database, map: &ShardMap, event: &Event) -> Result<u32, StoreError> {
    let version = i64::from(map.version);
    let held = shard
        .write(async |client| {
            let statement = client
                .prepare_cached(
                    "WITH map AS (
                         SELECT version FROM shard_map FOR SHARE
                     ), new AS (
                         INSERT INTO events (id, name, opens_at, closes_at, salt)
                         SELECT $1::uuid, $2::text, $3::timestamptz, $4::timestamptz, $5::bytea
                         FROM map WHERE version = $6::bigint
                     )
                     SELECT version FROM map",
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
                .query_one(
                    &statement,
                    &[id.as_uuid(), name, opens_at, closes_at, &salt, &version],
                )
                .await
        })
        .await?;
    Ok(held.get::<_, i32>(0).unsigned_abs())
}
