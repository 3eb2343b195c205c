//! Phase 2: pooled, replicated, cached, for 100,000 users.
//!
//! **What it is.** Several servers behind a balancer; a primary that takes the writes, a streaming
//! replica that takes the reads, Redis and a first level in each process in front of both. Signups
//! that arrive together are committed together. The answer still leaves after the commit.
//!
//! **Compared with the phase before.** `batch` is new, and `insert` writes what it collects: one
//! statement and one flush serve many signups. `cache`, `redis` and `replica` are new: most reads never
//! reach the primary.
//!
//! **What it buys.** A count costs a look into memory, whatever the event's size. A signup's share
//! of a transaction shrinks as the load grows. Without Redis, without the replica, or with one
//! server less, every answer is the same; without the primary, reads go on.
//!
//! **What it costs.** Six containers that cost CPU while nobody comes. A count may be a second old,
//! and says so. A read may look in four places, one after the other. Two servers, one
//! primary: they share its capacity. The figures are in `results/`.
//!
//! **Where it breaks.** Writes: at the CPU of the balancer, and next at that of the one primary.
//! Behind it nothing is kept: while the primary is away, nobody can sign up.
//!
//! **Read in this order:** `signups` → `batch` → `entry` → `insert` → `events` → `select` → `cache` →
//! `counts` → `cached` → `redis` → `replica` → `db` → `pool` → `outcome` → `schema` → `config` → `metrics` → `main`.

mod batch;
mod cache;
mod cached;
mod config;
mod counts;
mod db;
mod entry;
mod events;
mod insert;
mod metrics;
mod outcome;
mod pool;
mod redis;
mod replica;
mod schema;
mod select;
mod signups;

pub use config::{Config, Switch};

use batch::{Batches, Shape};
use cache::Cache;
use db::Database;
use events::Events;
use futures::FutureExt;
use futures::future::pending;
use metrics::StoreMetrics;
use replica::Replica;
use signup_domain::{
    Attendee, Checked, Counted, Event, EventId, Found, NewEvent, NewSignup, Page, SignedUp,
    SignupId, SignupStore, StoreError,
};
use signup_service::{Listeners, Metrics, Secrets};
use signups::Signups;
use tokio_util::sync::CancellationToken;

/// Most signups in one batch: more arrive during one statement only when something is wrong.
const BATCH_ROWS: usize = 512;

/// How phase 2 keeps signups: on a primary, with copies of them nearer to who asks.
#[derive(Clone)]
struct Store {
    /// Reads only: batches have connections of their own.
    primary: Database,
    /// `None` when switched off.
    replica: Option<Replica>,
    /// The connections that write batches, to be opened before the first request.
    writes: Database,
    batches: Batches,
    events: Events,
    signups: Signups,
}

impl SignupStore for Store {
    async fn sign_up(&self, signup: NewSignup) -> Result<SignedUp, StoreError> {
        self.signups.sign_up(signup).await
    }

    async fn find(
        &self,
        event: EventId,
        id: SignupId,
    ) -> Result<Found<Option<Checked>>, StoreError> {
        self.signups.find(event, id).await
    }

    async fn describe(&self, id: EventId) -> Result<Event, StoreError> {
        let event = self.events.find(id).await?;
        Ok(Event::clone(&event))
    }

    async fn event(&self, id: EventId) -> Result<Found<Counted>, StoreError> {
        self.events.count(id).await
    }

    async fn list(&self, event: EventId, page: Page) -> Result<Found<Vec<Attendee>>, StoreError> {
        self.signups.list(event, page).await
    }

    async fn create_event(&self, event: NewEvent) -> Result<Event, StoreError> {
        self.events.create(event).await
    }

    /// Ready while either database answers: without the primary, reads go on. But not on one that was
    /// demoted: then signups are taken elsewhere, and this server is to be told where.
    async fn ready(&self) -> Result<(), StoreError> {
        let Some(replica) = &self.replica else {
            return self.primary.takes_writes().await;
        };
        let either = [self.primary.takes_writes().boxed(), replica.ping().boxed()];
        futures::future::select_ok(either).await?;
        self.primary.took_writes()
    }

    /// With the primary.
    async fn whole(&self) -> Result<(), StoreError> {
        self.primary.takes_writes().await
    }
}

/// Puts the phase together, without what is switched off.
fn wire(config: &Config, metrics: &Metrics) -> anyhow::Result<Store> {
    let metrics = StoreMetrics::new(metrics, BATCH_ROWS)?;
    let shape = shape(config);
    let readers = config.primary_connections.saturating_sub(shape.writers);
    let writes = Database::writes(config, shape.writers, metrics.writes)?;
    let primary = Database::primary(config, readers.max(1), &writes, metrics.primary)?;
    let counts = Database::counts(&config.primary_url, config, metrics.primary_counts)?;
    let replica = Database::replica(config, metrics.replica)?;
    let replica_counts = Database::counts(&config.replica_url, config, metrics.replica_counts)?;
    let replica = Replica::new(replica, replica_counts, metrics.reads.clone());
    let replica = (config.replica == Switch::On).then_some(replica);
    let redis_url = (config.cache == Switch::On).then_some(config.redis_url.as_str());
    let cache = Cache::new(redis_url, metrics.reads)?;
    let batches = Batches::start(writes.clone(), cache.clone(), shape, metrics.batches);
    let events = Events::new(cache.clone(), replica.clone(), primary.clone(), counts);
    let signups = Signups {
        events: events.clone(),
        batches: batches.clone(),
        cache,
        replica: replica.clone(),
        primary: primary.clone(),
        metrics: metrics.signups,
    };
    Ok(Store {
        primary,
        replica,
        writes,
        batches,
        events,
        signups,
    })
}

/// Of the connections to the primary, those that write, and how much each takes; the others read.
fn shape(config: &Config) -> Shape {
    match config.batch {
        Switch::On => Shape {
            writers: 1,
            rows: BATCH_ROWS,
        },
        Switch::Off => Shape {
            writers: config.primary_connections.saturating_sub(1).max(1),
            rows: 1,
        },
    }
}

/// What comes before the first request, for as long as the primary is away.
async fn start_up(config: &Config, store: Store) -> anyhow::Result<()> {
    let prepare = || async {
        schema::prepare(config).await?;
        store.writes.warm_up().await?;
        store.primary.warm_up().await
    };
    signup_service::until_done(prepare, schema::may_pass).await?;
    if let Some(replica) = &store.replica {
        // It may come later: until then the primary answers for it.
        replica.warm_up().await;
    }
    Ok(())
}

/// Serves until `stop`, and then drains.
///
/// # Errors
/// When a setting is wrong, when the primary has the schema of another version, or when a task has stopped.
pub async fn serve(
    config: Config,
    listeners: Listeners,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let secrets = Secrets::read(&config.service)?;
    let metrics = Metrics::new("phase2", config.service.max_in_flight)?;
    let store = wire(&config, &metrics)?;
    let watch = store.replica.clone().map(Replica::watch);
    let watch = watch.map(tokio::spawn);
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
    let watch_stopped = async {
        match watch {
            Some(watch) => drop(watch.await),
            None => pending().await,
        }
    };
    tokio::select! {
        served = service => served,
        // Without one of them every signup is answered 504, or nobody sees how old the replica is. Exit, so
        // that the restart policy starts another server.
        () = batches.stopped() => anyhow::bail!("the task that writes batches has stopped"),
        () = watch_stopped => anyhow::bail!("the task that watches the replica has stopped"),
    }
}
