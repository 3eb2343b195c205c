//! What is found of a load when everything has come to rest: in the databases, in the dead-letter
//! queue, and on the clock.

use super::bench::Bench;
use crate::generator::Outcome;
use crate::ledger::Book;
use crate::participant::Participants;
use crate::record::Ledger;
use crate::recording::Recording;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

/// What was found.
pub(crate) struct Found {
    pub(crate) ledger: Ledger,
    /// When every signup was recorded; `None` where the answer follows the commit.
    pub(crate) recording: Option<Recording>,
    /// What is wrong with the map of the shards.
    pub(crate) shard_maps: Vec<String>,
    /// How many dead letters there are of each reason.
    pub(crate) dead_letters: BTreeMap<String, u64>,
    /// By how much the machine's clock was set since the load began: the times of the commits, which
    /// are read from it, are off by as much.
    pub(crate) clock_set: Duration,
}

impl Found {
    /// Looks everywhere.
    pub(super) async fn by(
        bench: &Bench<'_>,
        users: u32,
        participants: Participants,
        outcome: &Outcome,
    ) -> anyhow::Result<Self> {
        let elapsed = outcome.started.elapsed();
        let mut book = Book::open(users, participants, &outcome.attempts);
        let mut recording = bench
            .queue
            .as_ref()
            .map(|_| Recording::open(users, &outcome.attempts, outcome.started_at, elapsed));
        let read = bench.databases.read_into(&mut book, recording.as_mut());
        let shard_maps = read.await?;
        let mut dead_letters = BTreeMap::new();
        if let Some(queue) = &bench.queue {
            let read = queue.read_dead_letters(|letter| {
                *dead_letters.entry(letter.reason).or_default() += 1;
                match letter.signup {
                    Some(row) => book.found_dead(&row),
                    None => book.found_unreadable(),
                }
            });
            read.await?;
        }
        Ok(Self {
            ledger: book.close(),
            recording,
            shard_maps,
            dead_letters,
            clock_set: clock_set(outcome.started_at, outcome.started),
        })
    }
}

/// How far apart the two clocks of this machine have moved since both showed the start.
fn clock_set(started_at: SystemTime, started: Instant) -> Duration {
    let now = started_at + started.elapsed();
    match SystemTime::now().duration_since(now) {
        Ok(ahead) => ahead,
        Err(behind) => behind.duration(),
    }
}
