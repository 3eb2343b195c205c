//! Phase 3: a queue in front of sharded writers, for 1,000,000 users.
//!
//! **What it is.** Gateways, who accept from one listening socket, put signups into quorum queues, many
//! in one message, and answer 202 after the confirm, which comes after the fsync. A writer moves them
//! into the shard that owns them, in large batches. Two programs, one library: [`serve`] is the gateway,
//! [`write`](write()) the writer; a third, `phase3-reshard`, is for the operator.
//!
//! **Compared with the phase before.** `batch` makes messages, and `publisher` waits for confirms, where
//! phase 2 waited for a commit. `queue`, `frame` and `writer` are new, and `shards`, because there is more than
//! one database to write to. No replica, no Redis: the queue takes the rush off the databases, and the
//! shards' counters make a count cheap.
//!
//! **What it buys.** Signups are accepted while the databases are slow or away. What a signup costs a
//! database is its share of a large batch. Writes spread over as many databases as there are shards.
//!
//! **What it costs.** An answer is a promise, not a record: for a moment a receipt is `accepted`, a
//! repeat cannot be told from a first time, and the count lags behind. Seven containers, and one of
//! them, the queue, is now what must not be lost. The figures are in `results/`.
//!
//! **Where it breaks.** At the gateways, which speak HTTP: [16,938](results/20261128T233826Z-phase3-rush-480000/run.json#load.achieved_per_s)
//! signup requests a second were carried, 19,977 were not (NOTES N73). While
//! the queue is away nobody can sign up; behind a full one neither.
//!
//! **Read in this order:** `signups` → `batch` → `entry` → `delivery` → `publisher` → `queue` → `connection` →
//! `frame` → `writers` → `writer` → `gather` → `insert` → `burials` → `dead_letter` → `events` → `select` → `shards` →
//! `buckets` → `db` → `pool` → `outcome` → `prepare` → `schema` → `map` → `config` → `metrics` → the mains. How
//! shards are added is in `reshard`.

mod batch;
mod buckets;
mod burials;
mod config;
mod connection;
mod db;
mod dead_letter;
mod delivery;
mod entry;
mod events;
mod frame;
mod gather;
mod insert;
mod map;
mod metrics;
mod outcome;
mod pool;
mod prepare;
mod publisher;
mod queue;
mod reshard;
mod schema;
mod select;
mod shards;
mod signups;
mod writer;
mod writers;

pub use config::{GatewayConfig, PartsConfig, ReshardConfig, ShardsConfig, Switch, WriterConfig};
pub use queue::{UNLOGGED, declare};
pub use reshard::reshard;
pub use writers::write;

use batch::{Batches, MESSAGE_ROWS};
use db::Database;
use delivery::Sink;
use events::Events;
use futures::FutureExt;
use futures::future::{pending, select_ok};
use metrics::StoreMetrics;
use publisher::Publisher;
use queue::Broker;
use shards::Shards;
use signup_domain::{
    Attendee, Checked, Counted, Event, EventId, Found, NewEvent, NewSignup, Page, SignedUp,
    SignupId, SignupStore, StoreError,
};
use signup_service::{Listeners, Metrics, Secrets};
use signups::Signups;
use tokio_util::sync::CancellationToken;

/// How a gateway keeps signups: in a queue, on their way to the shard that owns them.
#[derive(Clone)]
struct Store {
    shards: Shards,
    /// `None` when switched off.
    publisher: Option<Publisher>,
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

    /// Ready while signups can be accepted or something can be read. Without a queue signups go straight
    /// into the shards, so one that was demoted does not count.
    async fn ready(&self) -> Result<(), StoreError> {
        let shards = self.shards.all().iter();
        let Some(publisher) = &self.publisher else {
            let shards = shards.map(|shard| shard.takes_writes().boxed());
            return select_ok(shards).await.map(drop);
        };
        if publisher.ready().is_ok() {
            return Ok(());
        }
        select_ok(shards.map(|shard| shard.ping().boxed()))
            .await
            .map(drop)
    }

    /// With the queue.
    async fn whole(&self) -> Result<(), StoreError> {
        match &self.publisher {
            Some(publisher) => publisher.ready(),
            None => self.ready().await,
        }
    }
}

/// Puts the gateway together, without what is switched off.
fn wire(config: &GatewayConfig, metrics: &Metrics) -> anyhow::Result<Store> {
    let count = config.parts.shards.count()?;
    let metrics = StoreMetrics::new(metrics, count, MESSAGE_ROWS)?;
    let connections = config.shard_connections;
    let databases = Database::shards(&config.parts, connections, pool::GATEWAY, metrics.shards)?;
    let shards = Shards::new(databases);
    let publisher = match config.queue {
        Switch::On => {
            let broker = Broker::of_gateway(&config.parts)?;
            Some(Publisher::start(broker, metrics.queue.clone()))
        }
        Switch::Off => None,
    };
    let sink = publisher.clone().map_or(Sink::Shard, Sink::Queue);
    let batches = Batches::start(&sink, &shards, &metrics.queue);
    let events = Events::new(shards.clone(), metrics.queue.clone());
    let signups = Signups {
        events: events.clone(),
        batches: batches.clone(),
        shards: shards.clone(),
        metrics: metrics.queue,
    };
    Ok(Store {
        shards,
        publisher,
        batches,
        events,
        signups,
    })
}

/// What comes before the first request: a signup needs the queue, and one shard to say who owns what.
/// What is asked of a shard that is away is answered 503 until it is back.
async fn start_up(store: Store) -> anyhow::Result<()> {
    store.shards.known().await;
    match &store.publisher {
        Some(publisher) => publisher.connected().await,
        None => Ok(()),
    }
}

/// The gateway: serves until `stop`, and then drains.
///
/// # Errors
/// When a setting is wrong, when a shard has the schema of another version, when the shards do not agree on
/// who owns what, when the map names shards that the settings do not, or when a task that signups wait for
/// has stopped.
pub async fn serve(
    config: GatewayConfig,
    listeners: Listeners,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let secrets = Secrets::read(&config.service)?;
    let metrics = Metrics::new("phase3", config.service.max_in_flight)?;
    let store = wire(&config, &metrics)?;
    let startup = Box::pin(start_up(store.clone()));
    let (batches, publisher) = (store.batches.clone(), store.publisher.clone());
    let shards = store.shards.clone();
    let service = signup_service::serve(
        &config.service,
        secrets,
        store,
        metrics,
        listeners,
        startup,
        stop,
    );
    let publisher_stopped = async {
        match &publisher {
            Some(publisher) => publisher.stopped().await,
            None => pending().await,
        }
    };
    tokio::select! {
        served = service => served,
        error = prepare::prepare(&config.parts, &shards) => Err(error),
        why = shards.follow() => Err(why),
        // Without one of them signups are answered 503 or 504. Exit, so that the restart policy starts
        // another gateway.
        () = batches.stopped() => anyhow::bail!("a task that sends batches has stopped"),
        () = publisher_stopped => anyhow::bail!("the task that connects to the queue has stopped"),
    }
}
