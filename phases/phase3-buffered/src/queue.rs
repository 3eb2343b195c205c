//! The queue: where it is, what is declared on it, and why.
//!
//! The queues are the writer's: it declares them here, and nobody else does. A queue that is there with
//! other arguments is refused by RabbitMQ, and the writer says so and tries again. A gateway only looks
//! whether they are there: who may declare a queue may delete it, with all that was promised in it.

use crate::config::{PartsConfig, WriterConfig};
use crate::connection::Connection;
use crate::dead_letter::DeadLetter;
use anyhow::Context;
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Confirmation, ConnectionProperties, ExchangeKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// A queue in this network answers in milliseconds; one that is starting may take seconds. What is asked
/// of one that does not is given up, and its connection with it.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);

/// A connection on which nothing came for twice as long is given up: what a cut network leaves
/// behind is noticed by this alone.
const HEARTBEAT_SECONDS: u16 = 5;

/// In AMQP: survives a restart. A quorum queue keeps nothing else, but says so only of these.
const PERSISTENT: u8 = 2;

/// Modules that must log nothing: this one shows every message that no queue takes, with all the names
/// and addresses in it.
pub const UNLOGGED: [&str; 1] = ["lapin::returned_messages"];

/// The queue, and what it is called.
#[derive(Clone)]
pub(crate) struct Broker {
    uri: AMQPUri,
    prefix: String,
    settle: Duration,
    shards: u16,
    /// Of each queue, for who declares them.
    max_messages: Option<u32>,
    program: &'static str,
    /// Held by who buries a dead letter.
    burying: Arc<Mutex<()>>,
}

impl Broker {
    /// The queue as a gateway uses it. Nothing is connected.
    pub(crate) fn of_gateway(parts: &PartsConfig) -> anyhow::Result<Self> {
        Self::new(parts, None, "gateway")
    }

    /// The queue as the writer uses it. Nothing is connected.
    pub(crate) fn of_writer(config: &WriterConfig) -> anyhow::Result<Self> {
        Self::new(&config.parts, Some(config.queue_max_messages), "writer")
    }

    fn new(
        parts: &PartsConfig,
        max_messages: Option<u32>,
        program: &'static str,
    ) -> anyhow::Result<Self> {
        let parsed: Result<AMQPUri, String> = parts.queue_url.parse();
        let mut uri = parsed
            .map_err(anyhow::Error::msg)
            .context("QUEUE_URL is not amqp://user@host:port")?;
        if let Some(file) = &parts.queue_password_file {
            uri.authority.userinfo.password = signup_service::read_secret(file)?;
        }
        uri.query.heartbeat = Some(HEARTBEAT_SECONDS);
        Ok(Self {
            uri,
            prefix: parts.queue_prefix.clone(),
            settle: Duration::from_millis(parts.queue_settle_ms),
            shards: parts.shards.count()?,
            max_messages,
            program,
            burying: Arc::default(),
        })
    }

    /// The queue of a shard.
    pub(crate) fn queue(&self, shard: u16) -> ShortString {
        format!("{}.{shard}", self.prefix).into()
    }

    /// How long a queue that may be new is left alone before anything is promised.
    pub(crate) fn settle(&self) -> Duration {
        self.settle
    }

    /// How many shards there are, and so queues.
    pub(crate) fn shards(&self) -> u16 {
        self.shards
    }

    /// The exchange and the queue of dead letters, both of this name.
    fn dead(&self) -> ShortString {
        format!("{}.dead", self.prefix).into()
    }

    /// Connects. Of the queues, the writer declares what is not there yet, and a gateway is refused until
    /// it has.
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let properties = ConnectionProperties::default().with_connection_name(self.program.into());
        let connect = async {
            let connection = Connection::open(self.uri.clone(), properties).await?;
            let channel = connection.create_channel().await?;
            match self.max_messages {
                Some(most) => self.declare(&channel, most).await?,
                None => self.look(&channel).await.context("not declared yet")?,
            }
            channel.close(200, "declared".into()).await?;
            Ok(connection)
        };
        timeout(CONNECT, connect).await.context("not in time")?
    }

    /// An error unless all queues are there.
    async fn look(&self, channel: &Channel) -> lapin::Result<()> {
        for shard in 0..self.shards {
            let passive = QueueDeclareOptions::default().passive();
            let (queue, none) = (self.queue(shard), FieldTable::default());
            channel.queue_declare(queue, passive, none).await?;
        }
        Ok(())
    }

    async fn declare(&self, channel: &Channel, max_messages: u32) -> lapin::Result<()> {
        let dead = self.dead();
        let durable = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let none = FieldTable::default;
        channel
            .exchange_declare(dead.clone(), ExchangeKind::Fanout, durable, none())
            .await?;
        let declare = async |queue: ShortString, arguments| {
            let options = QueueDeclareOptions::durable();
            channel.queue_declare(queue, options, arguments).await
        };
        declare(dead.clone(), quorum()).await?;
        let options = QueueBindOptions::default();
        channel
            .queue_bind(dead.clone(), dead, "".into(), options, none())
            .await?;
        for shard in 0..self.shards {
            declare(self.queue(shard), self.arguments(max_messages)).await?;
        }
        Ok(())
    }

    /// What the queue of a shard is.
    fn arguments(&self, max_messages: u32) -> FieldTable {
        let mut arguments = quorum();
        let mut set = |name: &str, value| {
            arguments.insert(name.into(), value);
        };
        // One writer at a time, in order; another that waits takes over when it is gone. Two at once
        // would only wait for each other's rows.
        set("x-single-active-consumer", AMQPValue::Boolean(true));
        // A queue that is full refuses (nack): dropping the oldest would lose what was promised.
        let most = AMQPValue::LongLongInt(max_messages.into());
        set("x-max-length", most);
        set("x-overflow", AMQPValue::LongString("reject-publish".into()));
        // Should RabbitMQ dead-letter something all the same, it keeps it until it has arrived.
        set(
            "x-dead-letter-exchange",
            AMQPValue::LongString(self.dead().as_str().into()),
        );
        set(
            "x-dead-letter-strategy",
            AMQPValue::LongString("at-least-once".into()),
        );
        arguments
    }

    /// Publishes a dead letter, and returns after its confirm: only then may the message it comes from be
    /// acknowledged. On a connection of its own, because they are rare, and RabbitMQ stops reading a
    /// connection that publishes while it is out of memory. One at a time: each holds 8 MB of buffers.
    pub(crate) async fn bury(&self, letter: &DeadLetter) -> anyhow::Result<()> {
        let _alone = self.burying.lock().await;
        let connection = self.connect().await?;
        let publish = self.publish(&connection, letter);
        timeout(CONNECT, publish).await.context("not in time")??;
        // It is there, whatever becomes of the goodbye.
        let _ = connection.close("buried").await;
        Ok(())
    }

    async fn publish(&self, connection: &Connection, letter: &DeadLetter) -> anyhow::Result<()> {
        let channel = confirming(connection).await?;
        let mut headers = FieldTable::default();
        let reason = AMQPValue::LongString(letter.reason.as_str().into());
        headers.insert("reason".into(), reason);
        let properties = persistent()
            .with_headers(headers)
            .with_content_type(letter.content_type.into());
        let confirm = channel
            .basic_publish(self.dead(), "".into(), MANDATORY, &letter.body, properties)
            .await?;
        anyhow::ensure!(
            confirm.await? == Confirmation::Ack(None),
            "a dead letter was not taken"
        );
        Ok(())
    }
}

/// Declares the queues of a writer with these settings, as it does whenever it connects.
///
/// # Errors
/// When RabbitMQ does not answer, or has them otherwise.
pub async fn declare(config: &WriterConfig) -> anyhow::Result<()> {
    let connection = Broker::of_writer(config)?.connect().await?;
    connection.close("declared").await
}

/// A message that no queue takes is returned, and not confirmed as if one had it.
pub(crate) const MANDATORY: BasicPublishOptions = BasicPublishOptions {
    mandatory: true,
    immediate: false,
};

/// On disk before it is confirmed.
pub(crate) fn persistent() -> BasicProperties {
    BasicProperties::default().with_delivery_mode(PERSISTENT)
}

/// A channel whose publishes are confirmed. Without this, lapin says that they are, at once.
pub(crate) async fn confirming(connection: &Connection) -> lapin::Result<Channel> {
    let channel = connection.create_channel().await?;
    let options = ConfirmSelectOptions::default();
    channel.confirm_select(options).await?;
    Ok(channel)
}

/// A queue that confirms after its fsync, also on one node: classic queues and streams before it.
fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    let quorum = AMQPValue::LongString("quorum".into());
    arguments.insert("x-queue-type".into(), quorum);
    // Deliveries are not counted. With a limit (20 by default), a writer killed so often would lose its
    // whole prefetch to the dead letters, which are for a message that is wrong, not for one that met a
    // kill; and dead letters would be gone for good after so many looks at them.
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(-1));
    arguments
}
