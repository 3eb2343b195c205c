//! The writer's program: one task a shard, all of them watched.

use crate::config::WriterConfig;
use crate::db::Database;
use crate::gather::BATCH_ROWS;
use crate::metrics::{WriterMetrics, pools};
use crate::pool;
use crate::prepare;
use crate::queue::Broker;
use crate::shards::Shards;
use crate::writer::Writer;
use anyhow::{Context, ensure};
use futures::FutureExt;
use signup_domain::StoreError;
use signup_service::{Metrics, Ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Puts the writer together: the shards, and one for the queue of each, in their order.
fn wire(config: &WriterConfig, metrics: &Metrics) -> anyhow::Result<(Shards, Vec<Writer>)> {
    let count = config.parts.shards.count()?;
    let broker = Broker::of_writer(config)?;
    let registry = metrics.registry();
    let pools = pools(registry, count)?;
    let metrics = WriterMetrics::new(registry, count, BATCH_ROWS)?;
    let databases = Database::shards(&config.parts, 1, pool::WRITER, pools)?;
    let shards = Shards::new(databases);
    let writer = |shard| Writer {
        shard,
        shards: shards.clone(),
        broker: broker.clone(),
        metrics: metrics.clone(),
        attached: Arc::new(AtomicBool::new(false)),
    };
    let writers = (0..count).map(writer).collect();
    Ok((shards, writers))
}

/// What comes before the first message: one shard to say who owns what. A shard that is away has its
/// queue consumed when it is back.
async fn start_up(shards: Shards) -> anyhow::Result<()> {
    shards.known().await;
    Ok(())
}

/// The writer: moves signups from the queue into the shards until `stop`; what it has begun by then is
/// finished, unless a shard is away.
///
/// # Errors
/// When a setting is wrong, when a shard has the schema of another version, when the shards do not agree on
/// who owns what, when the map names shards that the settings do not, or when the task of a shard has
/// stopped.
pub async fn write(
    config: WriterConfig,
    operations: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let metrics = Metrics::of_worker("phase3")?;
    let (shards, writers) = wire(&config, &metrics)?;
    let ready = ready(&writers);
    let startup = start_up(shards.clone());
    let work = run(writers, stop.clone());
    let worker = signup_service::serve_worker(operations, &metrics, ready, startup, work, stop);
    tokio::select! {
        worked = worker => worked,
        // What is in hand is delivered again.
        error = prepare::prepare(&config.parts, &shards) => Err(error),
        why = shards.follow() => Err(why),
    }
}

/// Ready while every queue is consumed.
fn ready(writers: &[Writer]) -> Ready {
    let attached = writers.iter().map(|writer| Arc::clone(&writer.attached));
    let attached: Vec<Arc<AtomicBool>> = attached.collect();
    Arc::new(move || {
        let mut attached = attached.iter();
        let ready = attached.all(|attached| attached.load(Ordering::Relaxed));
        let why = || StoreError::Unavailable("not every queue is consumed".into());
        futures::future::ready(ready.then_some(()).ok_or_else(why)).boxed()
    })
}

/// Runs all until `stop`. When the task of one has stopped before, its shard's queue would fill for ever.
/// Exit, so that the restart policy starts another writer: what is in hand is delivered again.
async fn run(writers: Vec<Writer>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for writer in writers {
        tasks.spawn(writer.run(stop.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("the task of a shard has stopped")?;
        ensure!(stop.is_cancelled(), "the task of a shard has stopped");
    }
    Ok(())
}
