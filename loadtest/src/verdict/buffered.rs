//! What a queue between the answer and the commit adds: whether what was promised is kept, and
//! whether recording keeps pace with accepting. A phase must not win by answering early.

use super::Incidents;
use crate::figures::{count, number};
use crate::record::Run;
use std::time::Duration;

/// A backlog of more than the arrivals of so many seconds, when the participants have come, has
/// grown: what is in batches and on its way to the shards is a fraction of a second's.
const GROWN_S: f64 = 2.0;

/// Nor does recording keep pace when it is done only so long after the last answer.
const MAX_DRAIN_S: f64 = 10.0;

/// A clock that was set by more than this makes the time to durable a guess.
const CLOCK: Duration = Duration::from_millis(10);

/// The dead letters, the backlog, and the clock. Nothing for a run without a queue.
pub(super) fn suspect(run: &Run, incidents: &Incidents) -> Vec<String> {
    let mut reasons = dead_letters(run, incidents);
    if run.backlog.is_none() {
        return reasons;
    }
    // What a fault has kept away leaves a backlog; the report says how it was worked off.
    if run.fault.is_none() {
        reasons.extend(growing_backlog(run));
        reasons.extend(slow_drain(run));
    }
    if incidents.clock_set > CLOCK {
        let by = incidents.clock_set.as_millis();
        reasons.push(format!(
            "this machine's clock was set by {by} ms during the run: until durable is off by as much"
        ));
    }
    reasons
}

/// A signup that somebody has to record by hand is neither lost nor kept.
fn dead_letters(run: &Run, incidents: &Incidents) -> Vec<String> {
    let all = incidents.dead_letters.iter();
    let all: Vec<_> = all
        .map(|(reason, number)| format!("{number} {reason}"))
        .collect();
    let all = all.join(", ");
    [
        (
            run.ledger.dead_lettered,
            "acknowledged signups are only in the dead-letter queue: an operator must record them",
        ),
        (
            run.ledger.unreadable_dead_letters,
            "dead letters are no readable signup",
        ),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{number} {what} (reasons of all dead letters: {all})"))
    .collect()
}

fn growing_backlog(run: &Run) -> Option<String> {
    let left = run.backlog.as_ref()?.at_window_end;
    let seconds = left as f64 / run.load.asked_per_s;
    (seconds > GROWN_S).then(|| {
        format!(
            "{} signups waited to be recorded when the load ended, the arrivals of {} s: the backlog \
             was growing, so this rate is over the capacity",
            count(left),
            number(seconds),
        )
    })
}

fn slow_drain(run: &Run) -> Option<String> {
    (run.drain_s > MAX_DRAIN_S).then(|| {
        format!(
            "the last signup was recorded {} s after the last answer, over {MAX_DRAIN_S} s: recording \
             does not keep pace with accepting",
            number(run.drain_s),
        )
    })
}

#[cfg(test)]
mod tests;
