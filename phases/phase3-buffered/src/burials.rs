//! Acknowledging what was delivered: what is recorded at once, and what dead letters are of when these are
//! taken.
//!
//! RabbitMQ takes none while it is out of memory or disk. A message that has one then waits by itself, in a
//! task of its own and unacknowledged, and the others pass it: it comes again if the writer ends before.

use crate::dead_letter::DeadLetter;
use crate::queue::Broker;
use anyhow::Context;
use backon::{ExponentialBuilder, Retryable};
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use lapin::{Acker, Channel};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinSet;

/// Dead letters, by the number of the delivery they are of.
pub(crate) type Letters = BTreeMap<usize, Vec<DeadLetter>>;

/// The messages of one consumer that wait for their dead letters.
pub(crate) struct Burials {
    broker: Broker,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Burials {
    /// None yet.
    pub(crate) fn new(broker: Broker) -> Self {
        Self {
            broker,
            tasks: JoinSet::new(),
        }
    }

    /// Acknowledges `deliveries`, those with letters when these are taken.
    ///
    /// # Errors
    /// When the consumer's connection is lost, or a task has stopped: then what is not acknowledged comes
    /// again.
    pub(crate) async fn acknowledge(
        &mut self,
        channel: &Channel,
        deliveries: &[Delivery],
        mut letters: Letters,
    ) -> anyhow::Result<()> {
        while let Some(ended) = self.tasks.try_join_next() {
            ended.context("a burial has stopped")??;
        }
        if letters.is_empty() && self.tasks.is_empty() {
            // All up to the last at once.
            if let Some(last) = deliveries.last() {
                let multiple = BasicAckOptions { multiple: true };
                channel.basic_ack(last.delivery_tag, multiple).await?;
            }
            return Ok(());
        }
        for (number, delivery) in deliveries.iter().enumerate() {
            match letters.remove(&number) {
                Some(letters) => {
                    let (broker, message) = (self.broker.clone(), delivery.acker.clone());
                    self.tasks.spawn(bury(broker, letters, message));
                }
                None => {
                    delivery.ack(BasicAckOptions::default()).await?;
                }
            }
        }
        Ok(())
    }

    /// Returns when nothing waits any more.
    pub(crate) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Has `letters` taken, however long RabbitMQ takes none, and then acknowledges the message they are of.
async fn bury(broker: Broker, letters: Vec<DeadLetter>, message: Acker) -> anyhow::Result<()> {
    for letter in &letters {
        let attempt = async || broker.bury(letter).await;
        let attempts = attempt.retry(pauses()).notify(|error, pause| {
            let error = format!("{error:#}");
            tracing::warn!(error, ?pause, "a dead letter waits");
        });
        attempts.await?;
    }
    message.ack(BasicAckOptions::default()).await?;
    Ok(())
}

/// Between attempts: from 0.1 to 2 s, never the same for two writers, and never the last.
pub(crate) fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .without_max_times()
        .with_jitter()
}
