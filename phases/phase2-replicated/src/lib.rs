//! Phase 2: pooled, replicated, cached, for 100,000 users.
//!
//! **What it is.** Several servers behind a balancer; a primary that takes the writes, a streaming
//! replica that takes the reads, Redis and a first level in each process in front of both. Signups
//! that arrive together are committed together. The answer still leaves after the commit.
//!
//! **Compared with phase 1.** `batch` and `insert` are new: one statement and one flush serve many
//! signups. `cache`, `redis` and `replica` are new: most reads never reach the primary. `breaker`
//! keeps a failed part from costing every request its patience.
//!
//! **What it buys.** A count costs a look into memory, whatever the event's size. A signup's share
//! of a transaction shrinks as the load grows. Without Redis, without the replica, or with one
//! server less, every answer is the same; without the primary, reads go on.
//!
//! **What it costs.** Six containers that cost CPU while nobody comes. A count may be a second old,
//! and says so. A read may look in four places, one after the other. Two servers, one
//! primary: they share its patience. The figures are in `results/`.
//!
//! **Where it breaks.** Writes: at the CPU of the balancer, and next at that of the one primary.
//! Behind it nothing is kept: while the primary is away, nobody can sign up.
//!
//! **Read in this order:** `signups` → `batch` → `insert` → `events` → `cache` → `entry` →
//! `redis` → `replica` → `breaker` → `db` → `outcome` → `config` → `metrics` → `main`.

mod batch;
mod breaker;
mod cache;
mod config;
mod db;
mod entry;
mod events;
mod insert;
mod metrics;
mod outcome;
mod redis;
mod replica;
mod schema;
mod signups;

pub use config::{Config, Switch};

use batch::{Batches, Shape};
use cache::Cache;
use db::Database;
use futures::FutureExt;
use metrics::{BatchMetrics, ReadMetrics};
use replica::Replica;
use signup_domain::{
    Attendee, Checked, Counted, Event, EventId, Found, NewEvent, NewSignup, Page, SignedUp,
    SignupId, SignupStore, StoreError,
};
use signup_service::{Listeners, Metrics, PoolMetrics, Secrets, SignupMetrics};
use tokio_util::sync::CancellationToken;

/// Most signups in one batch: more arrive during one statement only when something is wrong.
const BATCH_ROWS: usize = 512;

/// How phase 2 keeps signups: on a primary, with copies of them nearer to who asks.
#[derive(Clone)]
struct Replicated {
    /// Reads only: batches have connections of their own.
    primary: Database,
    /// `None` when switched off.
    replica: Option<Replica>,
    cache: Cache,
    /// The connections that write batches, to be opened before the first request.
    writes: Database,
    batches: Batches,
    events: events::Events,
    metrics: SignupMetrics,
}

impl SignupStore for Replicated {
    async fn sign_up(&self, signup: NewSignup) -> Result<SignedUp, StoreError> {
        signups::sign_up(self, signup).await
    }

    async fn find(
        &self,
        event: EventId,
        id: SignupId,
    ) -> Result<Found<Option<Checked>>, StoreError> {
        signups::find(self, event, id).await
    }

    async fn event(&self, id: EventId) -> Result<Found<Counted>, StoreError> {
        events::count(self, id).await
    }

    async fn list(&self, event: EventId, page: Page) -> Result<Found<Vec<Attendee>>, StoreError> {
        signups::list(self, event, page).await
    }

    async fn create_event(&self, event: NewEvent) -> Result<Event, StoreError> {
        events::create(&self.primary, event).await
    }

    /// Ready while either database answers: without the primary, reads go on.
    async fn ready(&self) -> Result<(), StoreError> {
        let Some(replica) = &self.replica else {
            return self.primary.ping().await;
        };
        let either = [self.primary.ping().boxed(), replica.ping().boxed()];
        futures::future::select_ok(either).await.map(drop)
    }
}

/// Serves until `stop`, and then drains.
///
/// # Errors
/// When a setting is wrong, when the primary cannot be reached or migrated at the start, or when the
/// task that writes batches has stopped.
pub async fn serve(
    config: Config,
    listeners: Listeners,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let secrets = Secrets::read(&config.service)?;
    let metrics = Metrics::new("phase2", config.service.max_in_flight)?;
    let store = wire(&config, &metrics)?;
    if let Some(replica) = &store.replica {
        tokio::spawn(replica.clone().watch());
    }
    let startup = Box::pin(start_up(&config, store.clone()));
    let batches = store.batches.clone();
    let service = signup_service::serve(
        &config.service,
        secrets,
        store,
        metrics,
        listeners,
        startup,
        stop,
    );
    tokio::select! {
        served = service => served,
        // Who restarts this process mends that; a process that answers 504 for ever, nobody does.
        () = batches.stopped() => anyhow::bail!("the task that writes batches has stopped"),
    }
}

/// What comes before the first request.
async fn start_up(config: &Config, store: Replicated) -> anyhow::Result<()> {
    schema::migrate(config).await?;
    store.writes.warm_up().await?;
    store.primary.warm_up().await?;
    if let Some(replica) = &store.replica {
        // It may come later: until then the primary answers for it.
        replica.warm_up().await;
    }
    Ok(())
}

/// Puts the phase together, without what is switched off.
fn wire(config: &Config, metrics: &Metrics) -> anyhow::Result<Replicated> {
    let registry = metrics.registry();
    let reads = ReadMetrics::new(registry)?;
    let replica = Database::replica(config, PoolMetrics::new(registry, "replica")?)?;
    let redis_url = (config.cache == Switch::On).then_some(config.redis_url.as_str());
    let cache = Cache::new(redis_url, reads.clone())?;
    // Of the connections to the primary, those that write; the others read.
    let most = config.primary_connections.saturating_sub(1).max(1);
    let shape = match config.batch {
        Switch::On => Shape {
            writers: 1,
            rows: BATCH_ROWS,
        },
        Switch::Off => Shape {
            writers: most,
            rows: 1,
        },
    };
    let pool = PoolMetrics::new(registry, "primary_writes")?;
    let writes = Database::writes(config, shape.writers, pool)?;
    let readers = config
        .primary_connections
        .saturating_sub(shape.writers)
        .max(1);
    let primary = Database::primary(config, readers, PoolMetrics::new(registry, "primary")?)?;
    let batches = BatchMetrics::new(registry)?;
    Ok(Replicated {
        batches: Batches::start(writes.clone(), cache.clone(), shape, batches),
        writes,
        primary,
        replica: (config.replica == Switch::On).then(|| Replica::new(replica, reads)),
        cache,
        events: events::Events::new(),
        metrics: SignupMetrics::new(registry)?,
    })
}
