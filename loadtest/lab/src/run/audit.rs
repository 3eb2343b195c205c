//! What is found of a load when everything has come to rest: in the databases, in the dead-letter
//! queue, and on the clock.

use crate::stack::databases::Databases;
use crate::stack::phases::Role;
use crate::stack::queue::Queue;
use lab_truth::evidence::{Audit, LoadSeen};
use lab_truth::ledger::{CommitTimes, Reconciliation};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

/// Looks everywhere for what `ledger` is about. The times of the commits are looked for where the
/// answers come before them.
pub(super) async fn audit(
    databases: &Databases,
    queue: Option<&Queue>,
    mut ledger: Reconciliation,
    users: u32,
    load: &LoadSeen,
) -> anyhow::Result<(Audit, Option<CommitTimes>)> {
    let elapsed = load.started.elapsed();
    let mut commits =
        queue.map(|_| CommitTimes::open(users, &load.attempts, load.started_at, elapsed));
    let mut replicas = ledger.replica_rows();
    let read = databases.read(commits.is_some(), |found| {
        if !ledger.concerns(&found.row) {
            return;
        }
        if found.misrouted {
            ledger.misrouted();
        }
        match found.role {
            Role::Owner | Role::Shard { .. } => {
                let whose = ledger.found(&found.row);
                if let (Some(commits), Some(number), Some(at)) =
                    (commits.as_mut(), whose, found.committed_at)
                {
                    commits.committed(number, at);
                }
            }
            Role::Replica { .. } => replicas.found(&found.row),
        }
    });
    let shard_maps = read.await?;
    if databases.have_replicas() {
        ledger.compare(&replicas);
    }
    let mut dead_letters = BTreeMap::new();
    if let Some(queue) = queue {
        let read = queue.read_dead_letters(|letter| {
            *dead_letters.entry(letter.reason).or_default() += 1;
            match letter.signup {
                Some(row) if ledger.concerns(&row) => ledger.found_dead(&row),
                Some(_) => {}
                None => ledger.found_unreadable(),
            }
        });
        read.await?;
    }
    let audit = Audit {
        ledger: ledger.close(),
        shard_maps,
        dead_letters,
        clock_set: clock_set(load.started_at, load.started),
    };
    Ok((audit, commits))
}

/// How far apart the two clocks of this machine have moved since both showed the start.
fn clock_set(started_at: SystemTime, started: Instant) -> Duration {
    let now = started_at + started.elapsed();
    match SystemTime::now().duration_since(now) {
        Ok(ahead) => ahead,
        Err(behind) => behind.duration(),
    }
}
