//! The queue of a phase, asked directly: how much waits in it, how safe that is, and what nobody
//! could record.
//!
//! Nothing here takes a message away, and no queue is made: one that is not there is an error.

mod dead_letters;
mod durability;

use super::phases::{Phase, QueueAddress};
use super::project::Project;
use super::service_metrics;
use anyhow::Context;
pub use dead_letters::DeadLetter;
use lapin::options::QueueDeclareOptions;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::FieldTable;
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind};
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex;

/// An answer takes milliseconds; a broker that is paused, or waits for its disk, gives none at all.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The queue of a phase, and what empties it.
pub struct Queue {
    address: QueueAddress,
    uri: AMQPUri,
    /// For the writer's metrics.
    http: reqwest::Client,
    /// Opened before the load, like the connections to the databases, and again when it broke.
    open: Mutex<Option<Open>>,
}

/// A connection with a channel; the channel ends with it.
struct Open {
    connection: Connection,
    channel: Channel,
}

/// What is between the answers and the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Messages that wait in the queues; one may hold many signups.
    pub messages: u64,
    /// Signups that the writer has taken and not committed yet.
    pub in_hand: u64,
}

impl Waiting {
    /// Whether all that was acknowledged is a row by now, or a dead letter.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.messages == 0 && self.in_hand == 0
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, in_hand } = self;
        write!(
            f,
            "{messages} messages wait in the queue, {in_hand} signups are in the writer's hands"
        )
    }
}

impl Queue {
    /// The queue of `phase`, if it has one; the password is a secret of the `project`.
    ///
    /// # Errors
    /// When the secret cannot be read.
    pub fn new(phase: Phase, project: &Project) -> anyhow::Result<Option<Self>> {
        let Some(address) = phase.queue else {
            return Ok(None);
        };
        let password = project.secret("queue_password")?;
        Ok(Some(Self::at(address, &password)))
    }

    fn at(address: QueueAddress, password: &str) -> Self {
        let userinfo = AMQPUserInfo {
            username: "signup".to_owned(),
            password: password.to_owned(),
        };
        let authority = AMQPAuthority {
            userinfo,
            host: "127.0.0.1".to_owned(),
            port: address.port,
        };
        let uri = AMQPUri {
            scheme: AMQPScheme::AMQP,
            authority,
            vhost: "/".to_owned(),
            query: AMQPQueryString::default(),
        };
        Self {
            address,
            uri,
            http: super::http::client(),
            open: Mutex::new(None),
        }
    }

    /// What waits now.
    ///
    /// # Errors
    /// When the broker or the writer does not answer: then nobody knows.
    pub async fn waiting(&self) -> anyhow::Result<Waiting> {
        // Upstream first: what moves on between the two questions is then seen twice, and not never.
        let ready = self.ask(async |channel| {
            let mut ready = 0;
            for queue in self.address.queues {
                ready += u64::from(declared(channel, queue).await?);
            }
            Ok(ready)
        });
        Ok(Waiting {
            messages: ready.await?,
            in_hand: service_metrics::in_hand(&self.http, self.address.writer).await?,
        })
    }

    /// The service of the queue, if it refuses the password: whatever else is wrong with it may pass.
    pub async fn refuses_password(&self) -> Option<&'static str> {
        let connected = tokio::time::timeout(TIMEOUT, self.connect()).await.ok()?;
        let refused = connected.is_err_and(|error| match error.kind() {
            ErrorKind::ProtocolError(error) => {
                *error.kind() == AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED)
            }
            _ => false,
        });
        refused.then_some(self.address.service)
    }

    /// Asks the broker something on the channel that is kept open.
    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Channel) -> lapin::Result<T>,
    ) -> anyhow::Result<T> {
        let mut kept = self.open.lock().await;
        // Taken out: when the question fails, or takes too long, nothing of it is used again.
        let open = kept.take();
        let asked = async {
            let open = self.reopen(open).await?;
            let answer = question(&open.channel).await?;
            lapin::Result::Ok((open, answer))
        };
        let asked = tokio::time::timeout(TIMEOUT, asked).await;
        let (open, answer) = asked
            .with_context(|| format!("no answer within {} s", TIMEOUT.as_secs()))
            .and_then(|asked| Ok(asked?))
            .with_context(|| self.unreachable())?;
        *kept = Some(open);
        Ok(answer)
    }

    /// What is open, with what of it had ended opened again.
    async fn reopen(&self, open: Option<Open>) -> lapin::Result<Open> {
        match open {
            Some(open) if open.channel.status().connected() => Ok(open),
            // A question that the broker refused to answer has ended the channel only.
            Some(Open { connection, .. }) if connection.status().connected() => {
                Open::on(connection).await
            }
            _ => self.connect().await,
        }
    }

    async fn connect(&self) -> lapin::Result<Open> {
        let named = ConnectionProperties::default().with_connection_name("lab".into());
        Open::on(Connection::connect_uri(self.uri.clone(), named).await?).await
    }

    fn unreachable(&self) -> String {
        let QueueAddress { service, port, .. } = self.address;
        format!("cannot read {service} on 127.0.0.1:{port}")
    }
}

impl Open {
    async fn on(connection: Connection) -> lapin::Result<Self> {
        let channel = connection.create_channel().await?;
        Ok(Self {
            connection,
            channel,
        })
    }
}

/// The messages ready in a queue that is there; one that is not is an error, and is not made.
async fn declared(channel: &Channel, queue: &str) -> lapin::Result<u32> {
    let passive = QueueDeclareOptions::default().passive();
    let nothing = FieldTable::default();
    let queue = channel.queue_declare(queue.into(), passive, nothing).await;
    Ok(queue?.message_count())
}
