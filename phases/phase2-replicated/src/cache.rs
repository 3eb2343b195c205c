//! The cache: a first level in this process, a second in Redis, beside the databases and never in
//! their place.
//!
//! What is kept can be kept: a recorded signup never changes, and a count says how old it is. The
//! cache is never asked whether somebody has signed up already; only the primary knows.

use crate::cached::{self, COUNT_NAME, Count, age};
use crate::counts::{Kept, UntilTooOld, in_time};
use crate::metrics::{LevelMetrics, ReadMetrics};
use crate::redis::{Item, Redis};
use anyhow::Context;
use moka::future::Cache as Counts;
use quick_cache::OptionsBuilder;
use quick_cache::sync::{Cache as Signups, DefaultLifecycle};
use signup_domain::{Cache as Asked, Event, EventId, Recorded, ServedBy, SignupId, StoreError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The oldest count that is taken from Redis: the other half of its time is for this process.
const OLDEST_SHARED_COUNT: Duration = Duration::from_millis(500);

/// How long Redis keeps a count. One older than a second is shown only where there is no newer one: to a
/// server that has just started.
const KEEP_COUNT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long Redis keeps a signup: participants check their receipt soon after they got it.
const KEEP_SIGNUP: Duration = Duration::from_secs(600);

/// Signups in the first level; with all of them a server took 11 of its 64 MB.
const FIRST_LEVEL_SIGNUPS: usize = 20_000;

/// The part of them that is kept for those asked for more than once. The others are the latest: a
/// receipt is mostly checked once, soon after its signup.
const OFTEN_ASKED: f64 = 0.5;

/// Events whose count is in the first level.
const FIRST_LEVEL_COUNTS: u64 = 1_000;

/// Both levels, or none.
#[derive(Clone)]
pub(crate) struct Cache {
    levels: Option<Levels>,
    metrics: ReadMetrics,
}

#[derive(Clone)]
struct Levels {
    /// Not moka: in a rush each signup is kept and hardly one asked for, and moka's insertions were
    /// about a tenth of the server's samples (NOTES N41). Single flight and a time to live are for the counts.
    signups: Arc<Signups<(EventId, SignupId), Arc<Recorded>>>,
    counts: Counts<EventId, Arc<Kept>>,
    /// The last count of each, for when a new one is late.
    last: Counts<EventId, Count>,
    redis: Redis,
}

impl Levels {
    fn new(redis_url: &str) -> anyhow::Result<Self> {
        let redis = Redis::new(redis_url)?;
        let options = OptionsBuilder::new()
            .estimated_items_capacity(FIRST_LEVEL_SIGNUPS)
            .weight_capacity(FIRST_LEVEL_SIGNUPS as u64)
            .hot_allocation(OFTEN_ASKED)
            // One thread asks it.
            .shards(1)
            .build()
            .context("the cache's settings")?;
        let (weight, hasher) = Default::default();
        let signups = Signups::with_options(options, weight, hasher, DefaultLifecycle::default());
        Ok(Self {
            signups: Arc::new(signups),
            counts: Counts::builder()
                .max_capacity(FIRST_LEVEL_COUNTS)
                .expire_after(UntilTooOld)
                .build(),
            last: Counts::new(FIRST_LEVEL_COUNTS),
            redis,
        })
    }

    /// Keeps a count for when a newer one is late.
    async fn keep_last(&self, event: EventId, count: Count) {
        let last = self.last.get(&event).await;
        if last.is_none_or(|last| last.as_of < count.as_of) {
            self.last.insert(event, count).await;
        }
    }

    /// Has Redis keep `item` for the other servers. Nobody waits for it.
    fn share(&self, event: &Arc<Event>, item: Item) {
        let (redis, event) = (self.redis.clone(), Arc::clone(event));
        // If it fails, the others ask a database themselves.
        tokio::spawn(async move { drop(redis.put(&event.salt, item).await) });
    }
}

impl Cache {
    /// A cache; without Redis' address there is none, on neither level.
    pub(crate) fn new(redis_url: Option<&str>, metrics: ReadMetrics) -> anyhow::Result<Self> {
        let levels = redis_url.map(Levels::new).transpose()?;
        Ok(Self { levels, metrics })
    }

    /// What an answer says that did not come from the cache.
    pub(crate) fn not_from_here(&self) -> Asked {
        match self.levels {
            Some(_) => Asked::Miss,
            None => Asked::Bypass,
        }
    }

    /// A recorded signup, if either level has it.
    pub(crate) async fn signup(&self, event: &Event, id: SignupId) -> Option<Recorded> {
        let levels = self.levels.as_ref()?;
        if let Some(recorded) = levels.signups.get(&(event.id, id)) {
            self.metrics.first.hits.inc();
            return Some(Recorded::clone(&recorded));
        }
        self.metrics.first.misses.inc();
        let value = self
            .ask_redis(levels, event, cached::signup_name(id))
            .await?;
        let recorded = Arc::new(cached::recorded_from(&value)?);
        let key = (event.id, id);
        levels.signups.insert(key, Arc::clone(&recorded));
        Some(Recorded::clone(&recorded))
    }

    /// Keeps a signup that was just written, in the first level alone: to send each to Redis as well
    /// cost a rush 7 % of its CPU, for receipts that hardly anybody asks for (NOTES N46).
    pub(crate) fn keep_written(&self, event: EventId, id: SignupId, recorded: Recorded) {
        if let Some(levels) = &self.levels {
            levels.signups.insert((event, id), Arc::new(recorded));
        }
    }

    /// Keeps a signup that a database was asked for. The first level has it when this returns, Redis
    /// soon after.
    pub(crate) fn keep_read(&self, event: &Arc<Event>, id: SignupId, recorded: Recorded) {
        let Some(levels) = &self.levels else { return };
        let item = Item {
            name: cached::signup_name(id),
            value: cached::bytes_of(&recorded),
            keep: KEEP_SIGNUP,
        };
        levels.signups.insert((event.id, id), Arc::new(recorded));
        levels.share(event, item);
    }

    /// The event's count: from the first level if it is young enough, else from Redis, else from
    /// `count`, which asks a database; and the last one, when a new one is not there in time. Requests
    /// that miss together ask once.
    pub(crate) async fn count<F>(
        &self,
        event: &Arc<Event>,
        count: impl FnOnce() -> F + Clone + Send + 'static,
    ) -> Result<(Count, ServedBy, Asked), StoreError>
    where
        F: Future<Output = Result<(Count, ServedBy), StoreError>> + Send + 'static,
    {
        let Some(levels) = &self.levels else {
            let (count, served_by) = in_time(count()).await?;
            return Ok((count, served_by, Asked::Bypass));
        };
        if let Some(kept) = levels.counts.get(&event.id).await {
            self.metrics.first.hits.inc();
            // From half of its time on, one request has a new count fetched while the others are
            // still answered from this one: under load nobody waits for a count.
            if kept.at.elapsed() >= kept.keep / 2 && !kept.renewing.swap(true, Ordering::Relaxed) {
                let (cache, event) = (self.clone(), Arc::clone(event));
                tokio::spawn(async move { cache.renew(&event, count).await });
            }
            return Ok((kept.count, ServedBy::Cache, Asked::Hit));
        }
        self.metrics.first.misses.inc();
        let (cache, of) = (self.clone(), Arc::clone(event));
        let counted = in_time(async move { cache.count_once(&of, count).await }).await;
        Ok(match counted {
            Ok((kept, true)) if kept.served_by != ServedBy::Cache => {
                (kept.count, kept.served_by, Asked::Miss)
            }
            Ok((kept, _)) => (kept.count, ServedBy::Cache, Asked::Hit),
            Err(error) => {
                let last = levels.last.get(&event.id).await.ok_or(error)?;
                (last, ServedBy::Cache, Asked::Hit)
            }
        })
    }

    /// A new count, and whether it was got here and now: of requests that miss together one gets it.
    async fn count_once<F>(
        &self,
        event: &Arc<Event>,
        count: impl FnOnce() -> F,
    ) -> Result<(Arc<Kept>, bool), StoreError>
    where
        F: Future<Output = Result<(Count, ServedBy), StoreError>> + Send,
    {
        let Some(levels) = &self.levels else {
            return Err(StoreError::Unavailable("there is no cache".into()));
        };
        let fetch = self.fetch(levels, event, count);
        let entry = levels.counts.entry(event.id).or_try_insert_with(fetch);
        let entry = entry.await;
        let entry = entry.map_err(|error: Arc<StoreError>| StoreError::clone(&error))?;
        Ok((Arc::clone(entry.value()), entry.is_fresh()))
    }

    /// Replaces the first level's count by a newer one.
    async fn renew<F>(&self, event: &Arc<Event>, count: impl FnOnce() -> F)
    where
        F: Future<Output = Result<(Count, ServedBy), StoreError>> + Send,
    {
        let Some(levels) = &self.levels else { return };
        // When it fails, the old count is shown until it is too old, and then a request asks.
        if let Ok(kept) = self.fetch(levels, event, count).await {
            levels.counts.insert(event.id, kept).await;
        }
    }

    async fn fetch<F>(
        &self,
        levels: &Levels,
        event: &Arc<Event>,
        count: impl FnOnce() -> F,
    ) -> Result<Arc<Kept>, StoreError>
    where
        F: Future<Output = Result<(Count, ServedBy), StoreError>> + Send,
    {
        let value = self.ask_redis(levels, event, COUNT_NAME).await;
        let shared = value.and_then(|value| cached::count_from(&value));
        if let Some(count) = shared {
            levels.keep_last(event.id, count).await;
            if age(count.as_of) < OLDEST_SHARED_COUNT {
                return Ok(Kept::new(count, ServedBy::Cache, Duration::ZERO));
            }
        }
        let began = Instant::now();
        let (count, served_by) = count().await?;
        levels.keep_last(event.id, count).await;
        let item = Item {
            name: COUNT_NAME,
            value: cached::bytes_of_count(count),
            keep: KEEP_COUNT,
        };
        levels.share(event, item);
        Ok(Kept::new(count, served_by, began.elapsed()))
    }

    async fn ask_redis(&self, levels: &Levels, event: &Event, name: [u8; 16]) -> Option<Vec<u8>> {
        let LevelMetrics {
            hits,
            misses,
            errors,
        } = &self.metrics.redis;
        match levels.redis.get(&event.salt, name).await {
            Ok(value) => {
                if value.is_some() { hits } else { misses }.inc();
                value
            }
            Err(_failed) => {
                errors.inc();
                self.metrics.without_redis.inc();
                None
            }
        }
    }
}
