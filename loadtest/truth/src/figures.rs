//! From single requests and readings to the figures of a run.

mod cost;
mod incidents;
mod load;
mod promises;
mod reads;
mod steps;
mod timeline;

use crate::evidence::{Attempt, Kind};
use crate::ledger::CommitTimes;
use crate::percentiles::percentiles;
use crate::record::{FaultSeen, Latencies};
pub use cost::{cost, cost_between};
pub use incidents::incidents;
pub use load::{counts, load};
pub use promises::{broken_promises, is_outside};
pub use reads::{hit_rate, reads};
use std::collections::BTreeMap;
pub use steps::steps;
pub use timeline::{backlog, timeline};

/// How many requests of each kind got which answer.
#[must_use]
pub fn answers(attempts: &[Attempt]) -> BTreeMap<String, BTreeMap<String, u64>> {
    // Written out once for each kind of answer, not for each of a million requests.
    let mut counted = BTreeMap::new();
    for attempt in attempts {
        *counted.entry((attempt.kind, attempt.ending)).or_insert(0) += 1;
    }
    let mut answers: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for ((kind, ending), number) in counted {
        let kind = answers.entry(kind.as_str().to_owned()).or_default();
        kind.insert(ending.to_string(), number);
    }
    answers
}

/// Participants with at least one signup answered 2xx, of `users`.
#[must_use]
pub fn acknowledged(users: u32, attempts: &[Attempt]) -> u64 {
    let mut told = vec![false; users as usize];
    for attempt in attempts.iter().filter(|a| is_acked_signup(a)) {
        told[attempt.participant as usize] = true;
    }
    told.into_iter().filter(|told| *told).count() as u64
}

/// The percentiles of a run, by class and clock. Without `commits`, the answer follows the commit.
#[must_use]
pub fn latencies(
    attempts: &[Attempt],
    commits: Option<&CommitTimes>,
    faults: &[FaultSeen],
) -> Latencies {
    let of = |class: fn(&Attempt) -> bool, clock: fn(&Attempt) -> u64| {
        percentiles(attempts.iter().filter(|attempt| class(attempt)).map(clock))
    };
    let answer = of(is_acked_signup, Attempt::latency_us);
    Latencies {
        answer_from_send: of(is_acked_signup, Attempt::latency_from_send_us),
        // A phase that answers after its commit is durable when it answers.
        durable: commits.map_or_else(|| answer.clone(), CommitTimes::durable),
        answer,
        answer_outside_faults: (!faults.is_empty()).then(|| {
            let outside = attempts
                .iter()
                .filter(|a| is_acked_signup(a) && is_outside(a, faults));
            percentiles(outside.map(Attempt::latency_us))
        }),
        read: of(
            |a| a.kind != Kind::Signup && a.ending.is_success(),
            Attempt::latency_from_send_us,
        ),
        refused: of(
            |a| a.kind == Kind::Signup && a.ending.is_refused(),
            Attempt::latency_us,
        ),
        failed: of(is_failed_signup, Attempt::latency_us),
    }
}

fn is_acked_signup(attempt: &Attempt) -> bool {
    attempt.kind == Kind::Signup && attempt.ending.is_success()
}

fn is_failed_signup(attempt: &Attempt) -> bool {
    attempt.kind == Kind::Signup && !attempt.ending.is_success() && !attempt.ending.is_refused()
}

#[cfg(test)]
mod tests;
