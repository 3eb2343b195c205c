//! Queues for one test on a RabbitMQ that all tests share, removed when the test ends.
//!
//! They are declared by the phase under test, under a prefix that is this test's own: `<prefix>.0`,
//! `<prefix>.1` and so on, and the queue and the exchange `<prefix>.dead`. It begins with `signups.`, as
//! all names do that the users of a phase may use. Here is what a test does to them behind the phase's
//! back, as the operator.

#![expect(clippy::panic, reason = "a test says what it expects by panicking")]

mod address;
mod message;

pub use address::{queue_address, queue_url};
pub use message::Message;

use address::parsed_url;
use futures::StreamExt;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeleteOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;
use uuid::Uuid;

/// RabbitMQ answers in milliseconds; CI machines stall for seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// AMQP's code for a queue that is not there.
const NOT_FOUND: u16 = 404;

/// Queues that exist as long as this value does. Whoever uses them must be unable to declare them
/// again when it is dropped.
#[derive(Debug)]
pub struct TestQueues {
    prefix: String,
    shards: u16,
    connection: Connection,
}

impl TestQueues {
    /// A prefix nobody else has, for the queues of so many shards. Declares nothing.
    ///
    /// # Panics
    /// When RabbitMQ does not answer within a minute or refuses; the message says what to start. A
    /// missing RabbitMQ fails the test: a skipped test would look like a passed one.
    pub async fn create(shards: u16) -> Self {
        let connection = match connect().await {
            Ok(connection) => connection,
            Err(error) => panic!(
                "the tests need a RabbitMQ, and {} says: {error}\n\
                 Start one with `docker compose --profile test up -d`, \
                 or set TEST_QUEUE_URL to one.",
                queue_address()
            ),
        };
        Self {
            prefix: format!("signups.test-{}", Uuid::new_v4().simple()),
            shards,
            connection,
        }
    }

    /// What the names of its queues begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The queue of a shard.
    #[must_use]
    pub fn queue(&self, shard: u16) -> String {
        format!("{}.{shard}", self.prefix)
    }

    /// The queue of dead letters.
    #[must_use]
    pub fn dead(&self) -> String {
        format!("{}.dead", self.prefix)
    }

    /// The URL of RabbitMQ as `user` reaches it through a proxy at `address`. In tests all have the
    /// operator's password.
    #[must_use]
    pub fn url_through(&self, user: &str, address: SocketAddr) -> String {
        let mut url = parsed_url();
        let replaced = url.set_ip_host(address.ip());
        assert!(
            replaced.is_ok()
                && url.set_port(Some(address.port())).is_ok()
                && url.set_username(user).is_ok(),
            "{url} cannot lead through a proxy"
        );
        url.into()
    }

    /// Publishes a message, and returns after its confirm.
    ///
    /// # Panics
    /// When RabbitMQ does not take it.
    pub async fn publish(&self, queue: &str, body: &[u8]) {
        let publish = async {
            let channel = self.connection.create_channel().await?;
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await?;
            let mandatory = BasicPublishOptions {
                mandatory: true,
                ..BasicPublishOptions::default()
            };
            let persistent = BasicProperties::default().with_delivery_mode(2);
            let confirm = channel
                .basic_publish("".into(), queue.into(), mandatory, body, persistent)
                .await?;
            anyhow::ensure!(confirm.await? == Confirmation::Ack(None), "not taken");
            Ok(channel.close(200, "published".into()).await?)
        };
        in_time(publish, queue).await;
    }

    /// How many messages wait in a queue; none of those that a consumer has in hand. `None` when there
    /// is no such queue.
    ///
    /// # Panics
    /// When RabbitMQ does not answer.
    pub async fn ready(&self, queue: &str) -> Option<u32> {
        let ready = async {
            let channel = self.connection.create_channel().await?;
            match count(&channel, queue).await {
                Ok(count) => {
                    channel.close(200, "counted".into()).await?;
                    Ok(Some(count))
                }
                Err(error) => match error.kind() {
                    ErrorKind::ProtocolError(error) if error.get_id() == NOT_FOUND => Ok(None),
                    _ => Err(error.into()),
                },
            }
        };
        in_time(ready, queue).await
    }

    /// Takes out of a queue all that is in it. Nobody else may be consuming it.
    ///
    /// # Panics
    /// When that cannot be done within a minute.
    pub async fn take_all(&self, queue: &str) -> Vec<Message> {
        let take = async {
            let channel = self.connection.create_channel().await?;
            let waiting = usize::try_from(count(&channel, queue).await?)?;
            // Consumed, because a queue with a single active consumer refuses `basic.get`.
            let options = BasicConsumeOptions {
                no_ack: true,
                ..BasicConsumeOptions::default()
            };
            let mut consumer = channel
                .basic_consume(queue.into(), "test".into(), options, FieldTable::default())
                .await?;
            let deliveries: Vec<_> = consumer.by_ref().take(waiting).collect().await;
            let messages: Result<Vec<_>, lapin::Error> = deliveries
                .into_iter()
                .map(|delivery| {
                    delivery.map(|delivery| Message::new(delivery.data, &delivery.properties))
                })
                .collect();
            channel.close(200, "taken".into()).await?;
            // Not before: dropping it cancels it, which fails on a channel that is being closed.
            drop(consumer);
            Ok(messages?)
        };
        in_time(take, queue).await
    }

    /// Deletes a queue, whatever is in it.
    ///
    /// # Panics
    /// When RabbitMQ does not answer.
    pub async fn delete(&self, queue: &str) {
        let delete = async {
            let channel = self.connection.create_channel().await?;
            let options = QueueDeleteOptions::default();
            channel.queue_delete(queue.into(), options).await?;
            Ok(channel.close(200, "deleted".into()).await?)
        };
        in_time(delete, queue).await;
    }
}

impl Drop for TestQueues {
    /// On a thread with a runtime of its own: the test's runtime may be shutting down, and cannot be
    /// blocked on from inside.
    fn drop(&mut self) {
        let mut queues: Vec<String> = (0..self.shards).map(|shard| self.queue(shard)).collect();
        queues.push(self.dead());
        let exchange = self.dead();
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(remove(&queues, &exchange))
        });
        match removal.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("test queues {}.* are left behind: {error}", self.prefix),
            Err(_) => eprintln!("test queues {}.* are left behind", self.prefix),
        }
    }
}

async fn connect() -> anyhow::Result<Connection> {
    let url = queue_url();
    let connection = Connection::connect(&url, ConnectionProperties::default());
    Ok(tokio::time::timeout(TIMEOUT, connection).await??)
}

/// Removes what is there of them.
async fn remove(queues: &[String], exchange: &str) -> anyhow::Result<()> {
    let remove = async {
        let connection = connect().await?;
        let channel = connection.create_channel().await?;
        for queue in queues {
            let options = QueueDeleteOptions::default();
            channel.queue_delete(queue.as_str().into(), options).await?;
        }
        let options = ExchangeDeleteOptions::default();
        channel.exchange_delete(exchange.into(), options).await?;
        Ok(connection.close(200, "removed".into()).await?)
    };
    tokio::time::timeout(TIMEOUT, remove).await?
}

async fn count(channel: &Channel, queue: &str) -> lapin::Result<u32> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let none = FieldTable::default();
    let queue = channel.queue_declare(queue.into(), passive, none).await?;
    Ok(queue.message_count())
}

async fn in_time<T>(work: impl Future<Output = anyhow::Result<T>>, queue: &str) -> T {
    match tokio::time::timeout(TIMEOUT, work).await {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => panic!("queue {queue}: {error:#}"),
        Err(_elapsed) => panic!("queue {queue}: no answer in {TIMEOUT:?}"),
    }
}

#[cfg(test)]
mod tests;
