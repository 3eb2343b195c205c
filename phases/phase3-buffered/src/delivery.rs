//! Takes a batch to where it is kept, and answers everybody in it with what became of it.

use crate::buckets::ShardMap;
use crate::entry::Entry;
use crate::frame::{self, Address, Row};
use crate::insert::{self, Key};
use crate::publisher::{Published, Publisher};
use crate::shards::Shards;
use signup_domain::{Status, StoreError};
use std::collections::HashMap;
use time::OffsetDateTime;

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
    let published = match encode(shards, shard, &entries) {
        Ok(frame) => publisher.publish(shard, lane, &frame).await,
        Err(why) => Published::Refused(why),
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

fn encode(shards: &Shards, shard: u16, entries: &[Entry]) -> Result<Vec<u8>, String> {
    let map_version = shards.map().map_err(|error| error.to_string())?.version;
    let address = Address { map_version, shard };
    let frame = frame::encode(address, entries.iter().map(Entry::row));
    frame.ok_or_else(|| "a signup does not fit into a message".into())
}

/// Writes a batch into its shard, and answers it.
async fn insert(shards: &Shards, shard: u16, entries: Vec<Entry>) {
    let map = match shards.map() {
        Ok(map) => map,
        Err(error) => {
            return entries
                .into_iter()
                .for_each(|entry| entry.answer(Err(error.clone())));
        }
    };
    // The map may have changed while they waited.
    let is_here = |entry: &Entry| map.owner(entry.accepted.id.as_uuid()) == shard;
    let (entries, elsewhere): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_here);
    for entry in elsewhere {
        let why = "another shard owns this signup now";
        entry.answer(Err(StoreError::Unavailable(why.into())));
    }
    let rows: Vec<Row<'_>> = entries.iter().map(Entry::row).collect();
    let keys: Vec<Key> = rows.iter().map(insert::key).collect();
    let mut outcomes = write(shards, &map, shard, &rows).await;
    for (entry, key) in entries.into_iter().zip(keys) {
        let outcome = match &mut outcomes {
            Ok(outcomes) => answer(outcomes, key),
            Err(error) => Err(error.clone()),
        };
        entry.answer(outcome.map(|(new, at)| (Status::Recorded, new, at)));
    }
}

/// Of each participant of a batch: whether the signup is new, and when it was.
type Outcomes = HashMap<Key, Result<(bool, OffsetDateTime), StoreError>>;

async fn write(
    shards: &Shards,
    map: &ShardMap,
    shard: u16,
    rows: &[Row<'_>],
) -> Result<Outcomes, StoreError> {
    let written = insert::insert(shards, map, shard, rows).await?;
    let mut outcomes = Outcomes::with_capacity(rows.len());
    for (row, _) in &written.refused {
        let refused = StoreError::Internal("the shard refuses this signup".into());
        outcomes.insert(insert::key(row), Err(refused));
    }
    for row in rows {
        let key = insert::key(row);
        if written.new.contains(&key) {
            // Of several for one participant the first was written.
            outcomes.entry(key).or_insert(Ok((true, row.signed_up_at)));
        }
    }
    let keys = rows.iter().map(insert::key);
    let repeats: Vec<Key> = keys.filter(|key| !outcomes.contains_key(key)).collect();
    for (key, first) in insert::first_signups(shards.shard(shard), &repeats).await {
        outcomes.insert(key, first.map(|at| (false, at)));
    }
    Ok(outcomes)
}

/// The participant's first row in the batch is told what was written, every other one that it was
/// there already.
fn answer(outcomes: &mut Outcomes, key: Key) -> Result<(bool, OffsetDateTime), StoreError> {
    let Some(outcome) = outcomes.get_mut(&key) else {
        return Err(StoreError::Internal(
            "a row of a batch has no outcome".into(),
        ));
    };
    let answer = outcome.clone();
    if let Ok((new, _)) = outcome {
        *new = false;
    }
    answer
}
