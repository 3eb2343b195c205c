//! How safe a message is, as the running broker says.
//!
//! AMQP has no question for what a queue is. But a queue may be declared again, and the broker
//! refuses where a setting differs, and says which, and what it is: so it is asked with the claimed
//! settings, and again with what it answers, until it agrees. Then every setting is known.

use super::{Queue, declared};
use anyhow::{Context, bail};
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ErrorKind};
use std::collections::BTreeMap;

/// The argument that says the type.
const TYPE: &str = "x-queue-type";

/// What the broker calls [`durable`](QueueDeclareOptions::durable).
const DURABLE: &str = "durable";

/// A queue has fewer settings than this; one that is refused so often is not understood.
const MOST_REFUSALS: usize = 32;

/// The reply code of a declaration that differs from the queue that is there.
const PRECONDITION_FAILED: u16 = 406;

/// What a queue was declared with.
#[derive(Debug, Clone, PartialEq)]
struct Settings {
    durable: bool,
    arguments: BTreeMap<String, AMQPValue>,
}

/// A setting in which a declaration differs, and what it is in the queue that is there.
#[derive(Debug, PartialEq)]
struct Difference {
    setting: String,
    /// `None` when it is not set.
    current: Option<AMQPValue>,
}

impl Queue {
    /// Reads back how safe a message is, for each queue: `service.queue.setting` → value.
    ///
    /// # Errors
    /// When the broker does not answer, a queue is not there, or the broker is not understood.
    pub async fn durability(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        let queues = self.address.queues.iter();
        for queue in queues.chain([&self.address.dead_letters]) {
            self.ask(async |channel| declared(channel, queue).await)
                .await?;
            let settings = self.settings(queue).await;
            let settings = settings.with_context(|| format!("cannot tell what {queue} is"))?;
            let service = self.address.service;
            let named = settings.named().into_iter();
            found.extend(named.map(|(name, value)| (format!("{service}.{queue}.{name}"), value)));
        }
        Ok(found)
    }

    /// What a queue that is there was declared with.
    async fn settings(&self, queue: &str) -> anyhow::Result<Settings> {
        let mut settings = Settings::claimed();
        for _ in 0..MOST_REFUSALS {
            // A refusal is an answer here, not an error: but it ends the channel.
            let refusal = self
                .ask(async |channel| Ok(declare(channel, queue, &settings).await))
                .await?;
            let Err(error) = refusal else {
                return Ok(settings);
            };
            let difference = refused(&error).and_then(difference).context(error)?;
            settings.adopt(difference);
        }
        bail!("the broker refused {settings:?}");
    }
}

async fn declare(channel: &Channel, queue: &str, settings: &Settings) -> lapin::Result<()> {
    let options = QueueDeclareOptions {
        durable: settings.durable,
        ..QueueDeclareOptions::default()
    };
    let mut arguments = FieldTable::default();
    for (name, value) in &settings.arguments {
        arguments.insert(name.as_str().into(), value.clone());
    }
    let declared = channel.queue_declare(queue.into(), options, arguments);
    declared.await.map(drop)
}

/// The text of a refusal because of what the queue is; `None` of any other error.
fn refused(error: &lapin::Error) -> Option<&str> {
    match error.kind() {
        ErrorKind::ProtocolError(error) if error.get_id() == PRECONDITION_FAILED => {
            Some(error.get_message().as_str())
        }
        _ => None,
    }
}

/// Reads RabbitMQ's refusal: `PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in
/// vhost '/': received none but current is the value '1000' of type 'signedint'`.
fn difference(text: &str) -> Option<Difference> {
    let (_, rest) = text.split_once("inequivalent arg '")?;
    let (setting, rest) = rest.split_once('\'')?;
    let (_, current) = rest.rsplit_once(" but current is ")?;
    let current = match current {
        "none" => None,
        value => Some(typed(value)?),
    };
    Some(Difference {
        setting: setting.to_owned(),
        current,
    })
}

/// `the value 'reject-publish' of type 'longstr'`, or, where the types agree, only `'quorum'`.
fn typed(text: &str) -> Option<AMQPValue> {
    let (value, kind) = match text.strip_prefix("the value '") {
        Some(typed) => typed.strip_suffix('\'')?.split_once("' of type '")?,
        None => (text.strip_prefix('\'')?.strip_suffix('\'')?, "longstr"),
    };
    Some(match kind {
        "longstr" => AMQPValue::LongString(value.into()),
        "bool" => AMQPValue::Boolean(value.parse().ok()?),
        // Of whatever width: RabbitMQ compares integers by their value.
        _ => AMQPValue::LongLongInt(value.parse().ok()?),
    })
}

impl Settings {
    fn claimed() -> Self {
        let quorum = AMQPValue::LongString("quorum".into());
        Self {
            durable: true,
            arguments: BTreeMap::from([(TYPE.to_owned(), quorum)]),
        }
    }

    fn adopt(&mut self, difference: Difference) {
        let Difference { setting, current } = difference;
        match current {
            current if setting == DURABLE => self.durable = current == Some(text("true")),
            Some(value) => drop(self.arguments.insert(setting, value)),
            None => drop(self.arguments.remove(&setting)),
        }
    }

    /// Each setting and its value, as it is recorded.
    fn named(&self) -> BTreeMap<String, String> {
        let arguments = self.arguments.iter();
        let mut named: BTreeMap<_, _> = arguments
            .map(|(name, value)| (name.clone(), shown(value)))
            .collect();
        let of_type = named.remove(TYPE);
        let of_type = of_type.unwrap_or_else(|| "not stated".to_owned());
        named.insert("type".to_owned(), of_type);
        named.insert(DURABLE.to_owned(), self.durable.to_string());
        named
    }
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn shown(value: &AMQPValue) -> String {
    match value {
        AMQPValue::LongString(text) => text.to_string(),
        AMQPValue::LongLongInt(number) => number.to_string(),
        AMQPValue::Boolean(set) => set.to_string(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests;
