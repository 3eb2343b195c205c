//! Takes a batch to where it is kept, and answers everybody in it with what became of it.

use crate::entry::Entry;
use crate::frame::{self, Address, Row};
use crate::insert::{self, Key};
use crate::publisher::{Published, Publisher};
use crate::shards::Shards;
use signup_domain::{Status, StoreError};
use std::collections::HashSet;

/// Where batches go.
#[derive(Clone)]
pub(crate) enum Sink {
    /// Into the queue.
    Queue(Publisher),
    /// Without one (`--queue off`): straight into the shard, in the same batches.
    Shard,
}

/// A lane that is free again, and whether the queue was full.
pub(crate) struct Sent {
    pub(crate) lane: usize,
    pub(crate) full: bool,
}

/// Delivers a batch of one shard on a lane. Returns when the lane has nothing unconfirmed any more.
pub(crate) async fn deliver(
    sink: &Sink,
    shards: &Shards,
    shard: u16,
    lane: usize,
    entries: Vec<Entry>,
) -> Sent {
    match sink {
        Sink::Queue(publisher) => publish(publisher, shards, shard, lane, entries).await,
        Sink::Shard => {
            insert(shards, shard, entries).await;
            Sent { lane, full: false }
        }
    }
}

/// Publishes a batch, and answers it. Returns when the lane has nothing unconfirmed any more.
async fn publish(
    publisher: &Publisher,
    shards: &Shards,
    shard: u16,
    lane: usize,
    entries: Vec<Entry>,
) -> Sent {
    let map_version = shards.map.version;
    let address = Address { map_version, shard };
    let published = match frame::encode(address, entries.iter().map(Entry::row)) {
        Some(frame) => publisher.publish(shard, lane, &frame).await,
        None => Published::Refused("a signup does not fit into a message".into()),
    };
    let (outcome, unconfirmed, full) = match published {
        Published::Confirmed => (Ok(()), None, false),
        Published::Refused(why) => (Err(StoreError::Unavailable(why)), None, false),
        Published::Nacked => {
            let why = StoreError::Unknown("the queue did not take it".into());
            (Err(why), None, true)
        }
        Published::Unknown(why, confirm) => (Err(StoreError::Unknown(why)), confirm, false),
    };
    for entry in entries {
        let at = entry.accepted.signup.at;
        entry.answer(outcome.clone().map(|()| (Status::Accepted, true, at)));
    }
    if let Some(confirm) = unconfirmed {
        let _ = confirm.await;
    }
    Sent { lane, full }
}

/// Writes a batch into its shard, and answers it.
async fn insert(shards: &Shards, shard: u16, entries: Vec<Entry>) {
    let database = shards.shard(shard);
    let rows: Vec<Row<'_>> = entries.iter().map(Entry::row).collect();
    let keys: Vec<Key> = rows.iter().map(insert::key).collect();
    let written = async {
        let written = insert::insert(database, &rows).await?;
        let refused: HashSet<Key> = written
            .refused
            .iter()
            .map(|(row, _)| insert::key(row))
            .collect();
        let known = |key: &&Key| !written.new.contains(*key);
        let repeats: Vec<Key> = keys.iter().filter(known).copied().collect();
        let mut first = insert::first_times(database, &repeats)
            .await
            .map_err(|error| StoreError::Unknown(format!("recorded, but not read: {error}")))?;
        // Of several for one new participant the first was written: the others get its time.
        for (key, row) in keys.iter().zip(&rows) {
            first.entry(*key).or_insert(row.signed_up_at);
        }
        Ok::<_, StoreError>((written.new, refused, first))
    };
    let written = written.await;
    let mut told = HashSet::new();
    for (entry, key) in entries.into_iter().zip(keys) {
        let at = entry.accepted.signup.at;
        let outcome = match &written {
            Err(error) => Err(error.clone()),
            Ok((_, refused, _)) if refused.contains(&key) => {
                Err(StoreError::Internal("the shard refuses this signup".into()))
            }
            Ok((new, _, first)) => {
                let is_new = new.contains(&key) && told.insert(key);
                Ok((
                    Status::Recorded,
                    is_new,
                    first.get(&key).copied().unwrap_or(at),
                ))
            }
        };
        entry.answer(outcome);
    }
}
