//! Gathering what is delivered into a batch: bounded in time, messages and bytes.

use crate::batch::MESSAGE_ROWS;
use crate::frame;
use anyhow::Context;
use futures::StreamExt;
use lapin::Consumer;
use lapin::message::Delivery;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Messages that RabbitMQ hands out before the first of them is acknowledged: several batches' worth,
/// so that the next is here when one is committed. Those that wait for their dead letters are among them:
/// with so many, the shard stands still until RabbitMQ takes letters again.
pub(crate) const PREFETCH: u16 = 64;

/// How long a batch is gathered, from its first message: what a transaction costs hardly depends on
/// its size, and nobody waits for it.
const GATHER: Duration = Duration::from_millis(100);

/// A batch has no more bytes than this and one message: some 2,500 signups.
const BATCH_BYTES: usize = 256 * 1024;

/// Most signups in one batch: as many as these bytes could hold if no text had any, and one message.
pub(crate) const BATCH_ROWS: usize = BATCH_BYTES / frame::ROW_BYTES + MESSAGE_ROWS;

/// The next messages: waits for the first, and takes what comes shortly after it.
pub(crate) async fn gather(messages: &mut Consumer) -> anyhow::Result<Vec<Delivery>> {
    let first = messages
        .next()
        .await
        .context("the consumer was cancelled")??;
    let deadline = Instant::now() + GATHER;
    let mut bytes = first.data.len();
    let mut gathered = vec![first];
    // As many as are handed out at once: to wait for more would be in vain.
    while bytes < BATCH_BYTES && gathered.len() < usize::from(PREFETCH) {
        match timeout_at(deadline, messages.next()).await {
            Ok(Some(message)) => {
                let message = message?;
                bytes += message.data.len();
                gathered.push(message);
            }
            Ok(None) => anyhow::bail!("the consumer was cancelled"),
            Err(_elapsed) => break,
        }
    }
    Ok(gathered)
}
