//! Publishing a frame, and what its confirm says.
//!
//! Each lane is a channel with at most one message unconfirmed: a message that is returned because no
//! queue takes it is then never taken for another one's. Many lanes are many confirms in flight.

use crate::connection::Connection;
use crate::metrics::QueueMetrics;
use crate::queue::{Broker, CONNECT, MANDATORY, confirming, persistent};
use anyhow::Context;
use backon::{BackoffBuilder, ExponentialBuilder};
use lapin::types::ShortString;
use lapin::{Channel, Confirmation, ErrorKind, PublisherConfirm};
use signup_domain::StoreError;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Messages of one shard that may be unconfirmed at once, from one gateway.
pub(crate) const LANES: usize = 4;

/// How long a confirm is waited for before its signups are told that nobody knows. With the 0.3 s in
/// the batch before, they are answered before the service stops waiting, at 1.9 s.
const CONFIRM: Duration = Duration::from_millis(1_400);

/// How often the connection is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How a message ended, as far as it is known.
pub(crate) enum Published {
    /// On disk in its queue.
    Confirmed,
    /// In no queue, for certain.
    Refused(String),
    /// The queue is full, most likely; it may have been enqueued all the same.
    Nacked,
    /// It may have been enqueued. Its lane is free when the confirm has come, or never will.
    Unknown(String, Option<PublisherConfirm>),
}

/// Publishes over a connection that is made again whenever it is lost.
#[derive(Clone)]
pub(crate) struct Publisher {
    link: watch::Receiver<Option<Arc<Link>>>,
    metrics: QueueMetrics,
}

/// A connection while it lasts.
struct Link {
    connection: Connection,
    /// By shard.
    lanes: Vec<[Channel; LANES]>,
    queues: Vec<ShortString>,
    /// Something is wrong with it that a new one may mend.
    given_up: CancellationToken,
}

impl Publisher {
    /// Starts the task that keeps a connection.
    pub(crate) fn start(broker: Broker, metrics: QueueMetrics) -> Self {
        let (sender, link) = watch::channel(None);
        tokio::spawn(keep(broker, sender));
        Self { link, metrics }
    }

    /// Waits until it can publish.
    pub(crate) async fn connected(&self) -> anyhow::Result<()> {
        self.link.clone().wait_for(Option::is_some).await?;
        Ok(())
    }

    /// Returns when the task that keeps the connection has stopped, which only a panic in it can do while
    /// somebody can still publish.
    pub(crate) async fn stopped(&self) {
        let mut link = self.link.clone();
        while link.changed().await.is_ok() {}
    }

    /// Whether it can publish now.
    pub(crate) fn ready(&self) -> Result<(), StoreError> {
        self.link().map(drop).map_err(StoreError::Unavailable)
    }

    fn link(&self) -> Result<Arc<Link>, String> {
        let link = self.link.borrow().clone();
        let link = link.ok_or("no connection to the queue")?;
        // lapin would keep the message until the alarm is over, which may take minutes.
        if link.connection.status().blocked() {
            return Err("the queue takes nothing: out of memory or disk".into());
        }
        Ok(link)
    }

    /// Publishes `frame` to a shard's queue on a lane that has nothing unconfirmed.
    pub(crate) async fn publish(&self, shard: u16, lane: usize, frame: &[u8]) -> Published {
        let link = match self.link() {
            Ok(link) => link,
            Err(why) => return Published::Refused(why),
        };
        let began = Instant::now();
        let published = link.publish(usize::from(shard), lane, frame).await;
        if let Published::Confirmed = published {
            let took = began.elapsed();
            self.metrics.confirm_seconds.observe(took.as_secs_f64());
        }
        published
    }
}

impl Link {
    async fn open(broker: &Broker) -> anyhow::Result<Self> {
        let connection = broker.connect().await?;
        let lanes = timeout(CONNECT, lanes(&connection, broker.shards()));
        let lanes = lanes.await.context("no channels in time")??;
        tokio::time::sleep(broker.settle()).await;
        Ok(Self {
            connection,
            lanes,
            queues: (0..broker.shards())
                .map(|shard| broker.queue(shard))
                .collect(),
            given_up: CancellationToken::new(),
        })
    }

    async fn publish(&self, shard: usize, lane: usize, frame: &[u8]) -> Published {
        let channel = &self.lanes[shard][lane];
        let queue = self.queues[shard].clone();
        // The default exchange: a queue's name is its routing key, so there is no binding to lose.
        let sent = channel
            .basic_publish("".into(), queue, MANDATORY, frame, persistent())
            .await;
        let mut confirm = match sent {
            Ok(confirm) => confirm,
            Err(error) => {
                self.given_up.cancel();
                return if is_before_sending(error.kind()) {
                    Published::Refused(error.to_string())
                } else {
                    Published::Unknown(error.to_string(), None)
                };
            }
        };
        match timeout(CONFIRM, &mut confirm).await {
            Ok(Ok(Confirmation::Ack(None))) => Published::Confirmed,
            Ok(Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)))) => {
                // The queue is gone: there is a new connection when the writer has declared it again.
                self.given_up.cancel();
                Published::Refused("no queue takes it".into())
            }
            Ok(Ok(Confirmation::Nack(None))) => Published::Nacked,
            Ok(Ok(Confirmation::NotRequested)) => {
                self.given_up.cancel();
                Published::Unknown("published without asking for a confirm".into(), None)
            }
            Ok(Err(error)) => {
                self.given_up.cancel();
                Published::Unknown(error.to_string(), None)
            }
            Err(_elapsed) => Published::Unknown("no confirm in time".into(), Some(confirm)),
        }
    }

    fn is_good(&self) -> bool {
        self.connection.status().connected()
    }
}

async fn lanes(connection: &Connection, shards: u16) -> anyhow::Result<Vec<[Channel; LANES]>> {
    let mut lanes = Vec::new();
    for _ in 0..shards {
        let mut channels = Vec::with_capacity(LANES);
        for _ in 0..LANES {
            channels.push(confirming(connection).await?);
        }
        let channels = channels.try_into();
        lanes.push(channels.map_err(|_| anyhow::anyhow!("not {LANES} channels"))?);
    }
    Ok(lanes)
}

/// Keeps a connection until nobody publishes any more. lapin's own recovery gives up after some
/// attempts, and says of messages in flight only that there was an error: so a lost connection is
/// thrown away whole, with all that was unconfirmed on it.
async fn keep(broker: Broker, link: watch::Sender<Option<Arc<Link>>>) {
    // Up to twice as long with the jitter: with the 3 s for a queue to settle, a gateway accepts within
    // 5 s of the broker's first answer.
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_millis(500))
        .without_max_times()
        .with_jitter();
    let mut pause = pauses.build();
    while !link.is_closed() {
        match Link::open(&broker).await {
            Ok(opened) => {
                pause = pauses.build();
                let opened = Arc::new(opened);
                link.send_replace(Some(Arc::clone(&opened)));
                while opened.is_good() && !link.is_closed() {
                    tokio::select! {
                        () = opened.given_up.cancelled() => break,
                        () = tokio::time::sleep(LOOK) => {}
                    }
                }
                link.send_replace(None);
                tracing::warn!("the connection to the queue is lost");
            }
            Err(error) => tracing::warn!(error = %format!("{error:#}"), "cannot reach the queue"),
        }
        tokio::time::sleep(pause.next().unwrap_or(LOOK)).await;
    }
}

/// Whether lapin refused before anything was sent.
fn is_before_sending(error: &ErrorKind) -> bool {
    matches!(
        error,
        ErrorKind::InvalidChannelState(..)
            | ErrorKind::InvalidConnectionState(..)
            | ErrorKind::InvalidChannel(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::Registry;

    #[tokio::test]
    async fn it_is_seen_when_the_task_that_keeps_the_connection_has_stopped() {
        let (task, link) = watch::channel(None);
        let metrics = QueueMetrics::new(&Registry::new(), 1, 1).unwrap();
        let publisher = Publisher { link, metrics };
        let mut stopped = Box::pin(publisher.stopped());
        task.send_replace(None);
        // Losing a connection is not the end of the task.
        assert!(futures::poll!(&mut stopped).is_pending());
        drop(task);
        stopped.await;
    }
}
