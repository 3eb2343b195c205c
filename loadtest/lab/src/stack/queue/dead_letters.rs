//! What nobody could record, read where it was left, and left there.

use super::{Open, Queue, TIMEOUT, declared};
use anyhow::Context;
use lab_truth::evidence::Row;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::BasicGetOptions;
use serde::Deserialize;
use uuid::Uuid;

/// What a readable dead letter says it is.
const JSON: &str = "application/json";

/// The header that says why it is one.
const REASON: &str = "reason";

/// A message of the dead-letter queue.
#[derive(Debug)]
pub struct DeadLetter {
    /// Why it could not be recorded, in the service's words; `unknown` when it gives none.
    pub reason: String,
    /// The signup in it; `None` when it is no readable one.
    pub signup: Option<Row>,
}

/// The part of a readable dead letter that identifies a signup.
#[derive(Deserialize)]
struct Body {
    id: Uuid,
    email: String,
    name: String,
}

impl Queue {
    /// Shows every dead letter to `found`, and takes none away. Returns how many there are.
    ///
    /// To RabbitMQ each look is a delivery that was given back: a queue with a delivery limit (20 by
    /// default) drops a message that was looked at more often.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn read_dead_letters(
        &self,
        mut found: impl FnMut(DeadLetter),
    ) -> anyhow::Result<u64> {
        // A connection of its own: when it ends, what it got and did not acknowledge is put back.
        let open = tokio::time::timeout(TIMEOUT, self.connect()).await;
        let open = open.context("no answer").and_then(|open| Ok(open?));
        let open = open.with_context(|| self.unreachable())?;
        let queue = self.address.dead_letters;
        let expected = self.ask(async |channel| declared(channel, queue).await);
        let expected = u64::from(expected.await?);
        let mut number = 0;
        // What was got is not given again while this channel is open.
        while let Some(letter) = next(&open, queue).await? {
            found(DeadLetter::of(&letter));
            number += 1;
        }
        anyhow::ensure!(
            number >= expected,
            "{queue} gave {number} of its {expected} messages"
        );
        // Without an acknowledgement: they stay.
        open.channel.close(200, "read".into()).await?;
        open.connection.close(200, "read".into()).await?;
        Ok(number)
    }
}

async fn next(open: &Open, queue: &str) -> anyhow::Result<Option<Delivery>> {
    let got = open
        .channel
        .basic_get(queue.into(), BasicGetOptions::default());
    let got = tokio::time::timeout(TIMEOUT, got).await;
    let got = got.with_context(|| format!("{queue} does not answer"))?;
    let got = got.with_context(|| format!("cannot read {queue}"))?;
    Ok(got.map(|message| message.delivery))
}

impl DeadLetter {
    fn of(letter: &Delivery) -> Self {
        Self {
            reason: reason(&letter.properties),
            signup: signup(&letter.properties, &letter.data),
        }
    }
}

fn reason(properties: &BasicProperties) -> String {
    let headers = properties.headers().as_ref();
    let reason = headers.and_then(|headers| headers.inner().get(REASON));
    let reason = reason.and_then(|reason| reason.as_long_string());
    reason.map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

fn signup(properties: &BasicProperties, body: &[u8]) -> Option<Row> {
    let kind = properties.content_type().as_ref()?;
    if kind.as_str() != JSON {
        return None;
    }
    let Body { id, email, name } = serde_json::from_slice(body).ok()?;
    Some(Row { id, email, name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::types::{AMQPValue, FieldTable};

    const LETTER: &str = r#"{"event": "00000000-0000-7000-8000-000000000001",
        "id": "3f2a0000-0000-0000-0000-000000000007", "email": "p0000007@t.example",
        "name": "Zoë", "signed_up_at": "2026-11-21T10:30:00.000000Z"}"#;

    fn json() -> BasicProperties {
        BasicProperties::default().with_content_type(JSON.into())
    }

    #[test]
    fn a_readable_dead_letter_is_a_signup() {
        let row = signup(&json(), LETTER.as_bytes()).unwrap();
        assert_eq!(
            (row.email.as_str(), row.name.as_str()),
            ("p0000007@t.example", "Zoë")
        );
        assert_eq!(row.id.as_bytes()[0], 0x3f);
    }

    #[test]
    fn anything_else_is_unreadable() {
        let untold = BasicProperties::default();
        for (properties, body) in [
            (untold.clone(), LETTER),
            (
                untold.with_content_type("application/octet-stream".into()),
                LETTER,
            ),
            (json(), &LETTER[..40]),
            (json(), r#"{"id": 7, "email": "a@b", "name": "Ann"}"#),
            (json(), ""),
        ] {
            assert!(signup(&properties, body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn the_reason_is_the_services_own() {
        let mut headers = FieldTable::default();
        let value = AMQPValue::LongString("wrong_shard".into());
        headers.insert("reason".into(), value);
        assert_eq!(reason(&json().with_headers(headers)), "wrong_shard");
        assert_eq!(reason(&json()), "unknown");
    }
}
