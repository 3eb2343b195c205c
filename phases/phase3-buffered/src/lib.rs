//! Phase 3: a queue in front of sharded writers, for 1,000,000 users.
//!
//! **What it is.** Gateways put signups into quorum queues, many in one message, and answer 202 after
//! the confirm, which comes after the fsync. A writer moves them into the shard that owns them, in
//! large batches. Two programs, one library: [`serve`] is the gateway, [`write`](write()) the writer; a
//! third, `phase3-reshard`, is for the operator.
//!
//! **Compared with phase 2.** `batch` makes messages, and `publisher` waits for confirms, where phase 2
//! waited for a commit. `queue`, `frame` and `writer` are new, and `shards`, because there is more than
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
//! **Where it breaks.** Not yet at [10,597](results/20261127T172954Z-phase3-rush-1000000/run.json#load.achieved_per_s)
//! signups a second. Of the CPU of that run most is spent on the way in (balancer, gateways). While
//! the queue is away nobody can sign up; behind a full one neither.
//!
//! **Read in this order:** `signups` → `batch` → `delivery` → `publisher` → `queue` → `frame` → `writer` → `insert`
//! → `dead_letter` → `shards` → `schema` → `events` → `db` → `outcome` → `config` → `metrics` → the mains. How shards are
//! added is in `reshard`.

mod batch;
mod config;
mod db;
mod dead_letter;
mod delivery;
mod events;
mod frame;
mod insert;
mod metrics;
mod outcome;
mod publisher;
mod queue;
mod reshard;
mod schema;
mod shards;
mod signups;
mod writer;

pub use config::{GatewayConfig, PartsConfig, ReshardConfig, Switch, WriterConfig};
pub use queue::UNLOGGED;
pub use reshard::reshard;

use batch::Batches;
use db::Database;
use delivery::Sink;
use futures::FutureExt;
use futures::future::{join_all, select_ok, try_join_all};
use metrics::{QueueMetrics, WriterMetrics};
use publisher::Publisher;
use queue::Broker;
use shards::Shards;
use signup_domain::{
    Attendee, Checked, Counted, Event, EventId, Found, NewEvent, NewSignup, Page, SignedUp,
    SignupId, SignupStore, StoreError,
};
use signup_service::{Listeners, Metrics, Ready, Secrets};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use writer::Writer;

/// How a gateway keeps signups: in a queue, on their way to the shard that owns them.
#[derive(Clone)]
struct Buffered {
    shards: Shards,
    batches: Batches,
    /// `None` when switched off.
    publisher: Option<Publisher>,
    events: events::Events,
    metrics: QueueMetrics,
}

impl SignupStore for Buffered {
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
        events::create(self, event).await
    }

    /// Ready while signups can be accepted or something can be read.
    async fn ready(&self) -> Result<(), StoreError> {
        if self
            .publisher
            .as_ref()
            .is_some_and(|publisher| publisher.ready().is_ok())
        {
            return Ok(());
        }
        let pings = self.shards.all().iter().map(|shard| shard.ping().boxed());
        select_ok(pings).await.map(drop)
    }
}

/// The gateway: serves until `stop`, and then drains.
///
/// # Errors
/// When a setting is wrong, a shard cannot be reached or migrated at the start, or the shards do not
/// agree on who owns what.
pub async fn serve(
    config: GatewayConfig,
    listeners: Listeners,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let secrets = Secrets::read(&config.service)?;
    let metrics = Metrics::new("phase3", config.service.max_in_flight)?;
    let map = schema::prepare(&config.parts).await?;
    let count = u16::try_from(config.parts.shard_urls.len())?;
    let registry = metrics.registry();
    let databases = Database::shards(
        &config.parts,
        config.shard_connections,
        db::GATEWAY,
        registry,
    )?;
    let shards = Shards::new(map, databases);
    let queue_metrics = QueueMetrics::new(registry, count)?;
    let publisher = match config.queue {
        Switch::On => {
            let broker = Broker::new(&config.parts, count, "gateway")?;
            Some(Publisher::start(broker, queue_metrics.clone()))
        }
        Switch::Off => None,
    };
    let sink = publisher.clone().map_or(Sink::Shard, Sink::Queue);
    let store = Buffered {
        batches: Batches::start(&sink, &shards, &queue_metrics),
        shards: shards.clone(),
        publisher: publisher.clone(),
        events: events::Events::new(),
        metrics: queue_metrics,
    };
    let startup = async move {
        try_join_all(shards.all().iter().map(Database::warm_up)).await?;
        match publisher {
            Some(publisher) => publisher.connected().await,
            None => Ok(()),
        }
    };
    signup_service::serve(
        &config.service,
        secrets,
        store,
        metrics,
        listeners,
        startup,
        stop,
    )
    .await
}

/// The writer: moves signups from the queue into the shards until `stop`; what it has begun by then is
/// finished, unless a shard is away.
///
/// # Errors
/// As [`serve`].
pub async fn write(
    config: WriterConfig,
    operations: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let metrics = Metrics::of_worker("phase3")?;
    let map = schema::prepare(&config.parts).await?;
    let count = u16::try_from(config.parts.shard_urls.len())?;
    let broker = Broker::new(&config.parts, count, "writer")?;
    let registry = metrics.registry();
    let writer_metrics = WriterMetrics::new(registry, count)?;
    let databases = Database::shards(&config.parts, 1, db::WRITER, registry)?;
    let writer = |(shard, database): (u16, &Database)| Writer {
        shard,
        map_version: map.version,
        database: database.clone(),
        broker: broker.clone(),
        metrics: writer_metrics.clone(),
        attached: Arc::new(AtomicBool::new(false)),
    };
    let writers: Vec<Writer> = (0..count).zip(&databases).map(writer).collect();
    let attached: Vec<_> = writers
        .iter()
        .map(|writer| Arc::clone(&writer.attached))
        .collect();
    let ready: Ready = Arc::new(move || {
        let all = attached
            .iter()
            .all(|attached| attached.load(Ordering::Relaxed));
        let ready = all.then_some(());
        let why = || StoreError::Unavailable("not every queue is consumed".into());
        futures::future::ready(ready.ok_or_else(why)).boxed()
    });
    let startup = async {
        try_join_all(databases.iter().map(Database::warm_up))
            .await
            .map(drop)
    };
    let work = {
        let runs = writers.into_iter().map(|writer| writer.run(stop.clone()));
        async {
            join_all(runs).await;
            Ok(())
        }
    };
    signup_service::serve_worker(operations, &metrics, ready, startup, work, stop.clone()).await
}
