//! The writer: consumes a shard's queue, writes what came in one transaction, commits, and only then
//! acknowledges. Swapped, a crash in between would lose what was promised; in this order it is
//! delivered again, and writing it again writes nothing.
//!
//! A message that cannot be read goes to the dead letters alone, and so does a signup that its shard
//! refuses; the rest of the batch is recorded. While RabbitMQ takes no dead letters (it is out of memory
//! or disk), a message that one is of waits for that alone, unacknowledged, and the others pass it. Where
//! a shard does not answer the writer keeps its place in the queue and tries again.
//!
//! A message says by which map its shard was chosen. When the map has changed since, its signups go to the
//! shards that own them now.

use crate::burials::{Burials, Letters, pauses};
use crate::connection::Connection;
use crate::db::Database;
use crate::dead_letter::DeadLetter;
use crate::frame::{self, Address, Row};
use crate::gather::{PREFETCH, gather};
use crate::insert::{self, Written};
use crate::metrics::WriterMetrics;
use crate::queue::{Broker, CONNECT};
use crate::shards::Shards;
use anyhow::Context;
use backon::{BackoffBuilder, Retryable};
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// After the stop signal, how long the batch in hand may take: a shard that is well needs milliseconds,
/// and one that is away would keep a stopping writer until it is killed.
const FINISH: Duration = Duration::from_secs(5);

/// Consumes the queue of one shard.
pub(crate) struct Writer {
    pub(crate) shard: u16,
    pub(crate) shards: Shards,
    pub(crate) broker: Broker,
    pub(crate) metrics: WriterMetrics,
    /// Whether it is consuming.
    pub(crate) attached: Arc<AtomicBool>,
}

/// What was delivered.
#[derive(Default)]
struct Gathered<'a> {
    rows: Vec<Row<'a>>,
    /// Of each row, the number of the delivery that brought it.
    from: Vec<usize>,
    /// Deliveries that nobody can use, by their number, and why.
    unusable: Vec<(usize, String)>,
    /// Whether one is by a newer map than this writer's.
    by_newer_map: bool,
}

impl Writer {
    /// Consumes until `stop`, again and again when the connection is lost.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut pause = pauses().build();
        while !stop.is_cancelled() {
            let consumed = self.consume(&stop).await;
            let was_attached = self.attached.swap(false, Ordering::Relaxed);
            self.put_down();
            if let Err(error) = consumed {
                let shard = self.shard;
                tracing::warn!(shard, error = %format!("{error:#}"), "not consuming");
            }
            if was_attached {
                pause = pauses().build();
            }
            let pause = pause.next().unwrap_or_default();
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Until `stop`, or until the connection is lost: then what is not acknowledged comes again.
    async fn consume(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let attached = tokio::select! {
            attached = self.attach() => attached?,
            () = stop.cancelled() => return Ok(()),
        };
        let (connection, channel, mut messages) = attached;
        self.attached.store(true, Ordering::Relaxed);
        let mut burials = Burials::new(self.broker.clone());
        let mut too_late = pin!(async {
            stop.cancelled().await;
            sleep(FINISH).await;
        });
        loop {
            let gathered = tokio::select! {
                gathered = gather(&mut messages) => gathered?,
                () = stop.cancelled() => break,
            };
            // Not broken off by `stop`: it is written and acknowledged first, unless the shard is away.
            tokio::select! {
                recorded = self.record(&channel, &gathered, &mut burials) => recorded?,
                () = &mut too_late => return Ok(()),
            }
        }
        tokio::select! {
            () = burials.ended() => {}
            () = &mut too_late => return Ok(()),
        }
        connection.close("stopping").await
    }

    async fn attach(&self) -> anyhow::Result<(Connection, Channel, Consumer)> {
        // Not before it can be written; another writer may do it until then.
        self.database().prepared().await;
        let connection = self.broker.connect().await?;
        let consume = async {
            let channel = connection.create_channel().await?;
            channel
                .basic_qos(PREFETCH, BasicQosOptions::default())
                .await?;
            let (queue, tag) = (self.broker.queue(self.shard), "writer".into());
            let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
            let messages = channel.basic_consume(queue, tag, options, none).await?;
            Ok::<_, lapin::Error>((channel, messages))
        };
        let consuming = timeout(CONNECT, consume).await;
        let (channel, messages) = consuming.context("not consuming in time")??;
        Ok((connection, channel, messages))
    }

    fn database(&self) -> &Database {
        self.shards.shard(self.shard)
    }

    /// Writes what was delivered, puts aside what cannot be, and acknowledges it all.
    async fn record(
        &self,
        channel: &Channel,
        deliveries: &[Delivery],
        burials: &mut Burials,
    ) -> anyhow::Result<()> {
        let map = self.shards.map()?;
        let gathered = self.read(deliveries, map.version);
        if gathered.by_newer_map {
            // Either a gateway has read the next map first: then all of it comes again. Or there is none.
            let held = self.shards.held(self.shard).await?;
            self.shards.agree(&map, held.version)?;
        }
        let shard = usize::from(self.shard);
        let rows = &gathered.rows;
        self.metrics.in_hand[shard].set(i64::try_from(rows.len()).unwrap_or(i64::MAX));
        let written = self.write_until_done(rows).await?;
        self.count(rows, &written);
        let letters = self.letters(deliveries, &gathered, &written)?;
        // After the commit.
        burials.acknowledge(channel, deliveries, letters).await?;
        self.put_down();
        Ok(())
    }

    /// The dead letters of what was delivered, by the number of the delivery.
    fn letters(
        &self,
        deliveries: &[Delivery],
        gathered: &Gathered<'_>,
        written: &Written<'_>,
    ) -> anyhow::Result<Letters> {
        let shard = self.shard;
        let mut letters = Letters::default();
        for (number, reason) in &gathered.unusable {
            self.metrics.unreadable.inc();
            tracing::warn!(shard, reason, "an unreadable message");
            let letter = DeadLetter::unreadable(reason.clone(), &deliveries[*number]);
            letters.insert(*number, vec![letter]);
        }
        for (row, reason) in &written.refused {
            self.metrics.refused.inc();
            tracing::warn!(shard, reason, "the shard refuses a signup");
            let is_it = |other: &Row<'_>| insert::key(other) == insert::key(row);
            let brought = gathered.rows.iter().position(is_it);
            let brought = brought.map_or(0, |position| gathered.from[position]);
            let letter = DeadLetter::refused(row, reason)?;
            letters.entry(brought).or_default().push(letter);
        }
        Ok(letters)
    }

    fn read<'a>(&self, deliveries: &'a [Delivery], map_version: u32) -> Gathered<'a> {
        let mut gathered = Gathered::default();
        let here = Address {
            map_version,
            shard: self.shard,
        };
        for (number, delivery) in deliveries.iter().enumerate() {
            if delivery.redelivered {
                self.metrics.redelivered[usize::from(self.shard)].inc();
            }
            let reason = match frame::decode(&delivery.data) {
                Ok((address, read)) if address == here || address.map_version < map_version => {
                    gathered.rows.extend(read);
                    gathered.from.resize(gathered.rows.len(), number);
                    continue;
                }
                Ok((address, _)) => {
                    gathered.by_newer_map |= address.map_version > map_version;
                    format!(
                        "for shard {} by map version {}, not shard {} by {map_version}",
                        address.shard, address.map_version, here.shard
                    )
                }
                Err(unreadable) => unreadable.to_string(),
            };
            gathered.unusable.push((number, reason));
        }
        gathered
    }

    /// Writes `rows`, however long the shard is away or cannot write: whatever is not about the rows
    /// themselves passes, and what was promised waits for that.
    async fn write_until_done<'a>(&self, rows: &[Row<'a>]) -> anyhow::Result<Written<'a>> {
        if rows.is_empty() {
            return Ok(Written::default());
        }
        let oldest = rows.iter().map(|row| row.signed_up_at).min();
        self.metrics.oldest[usize::from(self.shard)].set(oldest);
        let began = Instant::now();
        let write = async || insert::by_owner(&self.shards, rows).await;
        let written = write
            .retry(pauses())
            .notify(|error, pause| {
                tracing::warn!(shard = self.shard, %error, ?pause, "writing again");
            })
            .await?;
        let shard = usize::from(self.shard);
        self.metrics.batch_rows[shard].observe(rows.len() as f64);
        self.metrics.batch_seconds[shard].observe(began.elapsed().as_secs_f64());
        Ok(written)
    }

    fn count(&self, rows: &[Row<'_>], written: &Written<'_>) {
        let now = OffsetDateTime::now_utc();
        let new = written.new.len();
        let repeated = rows.len() - new - written.refused.len().min(rows.len() - new);
        self.metrics.signups.recorded.inc_by(new as u64);
        self.metrics.signups.repeated.inc_by(repeated as u64);
        for row in rows
            .iter()
            .filter(|row| written.new.contains(&insert::key(row)))
        {
            let took = (now - row.signed_up_at).as_seconds_f64();
            self.metrics.durable_seconds.observe(took);
        }
    }

    /// Nothing is in hand any more: acknowledged, or back in the queue.
    fn put_down(&self) {
        self.metrics.in_hand[usize::from(self.shard)].set(0);
        self.metrics.oldest[usize::from(self.shard)].set(None);
    }
}
