//! Did the phase carry the load? Against the goal, outside what an ordered fault excuses.

use crate::record::{Miss, Outcome, Percentiles, Run, Second};
use crate::spec::Goal;

/// A read may be refused by a phase with too much to do: that is counted with the signups it refused.
const REFUSALS: [&str; 2] = ["429", "503"];

pub(super) fn outcome(run: &Run) -> Outcome {
    let mut missed: Vec<Miss> = [
        too_few(run),
        away(run),
        too_slow(run),
        drained_late(run),
        dead_lettered(run),
    ]
    .into_iter()
    .flatten()
    .collect();
    missed.extend(broken_promises(run));
    Outcome {
        carried: missed.is_empty(),
        missed,
    }
}

/// With a fault, whoever came while it lasted could not be served: then only who was turned away
/// outside it counts.
fn too_few(run: &Run) -> Option<Miss> {
    let rates = (run.load.asked_per_s, run.load.achieved_per_s);
    rate(&run.goal, rates, run.window_s()).filter(|_| !excuses_answers(run))
}

/// Whether fewer were acknowledged a second than were asked for, of a window of so many seconds.
pub(super) fn rate(
    goal: &Goal,
    (asked_per_s, acknowledged_per_s): (f64, f64),
    window_s: f64,
) -> Option<Miss> {
    let few = acknowledged_per_s < goal.acknowledged_share * asked_per_s;
    // A handful of arrivals may all come in the last moment of a window.
    let whole = (asked_per_s - acknowledged_per_s) * window_s >= 1.5;
    (few && whole).then_some(Miss::Rate {
        acknowledged_per_s,
        asked_per_s,
    })
}

fn away(run: &Run) -> Option<Miss> {
    let outside = || run.timeline.iter().filter(|second| is_outside(run, second));
    let sum = |of: fn(&Second) -> u64| outside().map(of).sum::<u64>();
    let answers = [sum(|s| s.acked), sum(|s| s.refused), sum(|s| s.failed)];
    turned_away(&run.goal, answers)
}

/// Whether too many were refused or failed.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are exact in a double"
)]
pub(super) fn turned_away(goal: &Goal, [acked, refused, failed]: [u64; 3]) -> Option<Miss> {
    let of = refused + failed + acked;
    let away = (refused + failed) as f64 >= goal.turned_away_share * of as f64;
    (refused + failed > 0 && away).then_some(Miss::TurnedAway {
        refused,
        failed,
        of,
    })
}

/// Whether there is a fault that excuses answers at all.
fn excuses_answers(run: &Run) -> bool {
    run.faults.iter().any(|fault| fault.excused_s().is_some())
}

fn is_outside(run: &Run, second: &Second) -> bool {
    let from = f64::from(second.t_s);
    !run.faults
        .iter()
        .any(|fault| fault.excuses(from, from + 1.0))
}

fn too_slow(run: &Run) -> Option<Miss> {
    let latency = match excuses_answers(run) {
        true => run.latency_ms.answer_outside_faults.as_ref()?,
        false => &run.latency_ms.answer,
    };
    p99(&run.goal, latency)
}

/// Whether the slowest hundredth of the answers was too slow.
pub(super) fn p99(goal: &Goal, latency: &Percentiles) -> Option<Miss> {
    let ms = latency.p99;
    (latency.count > 0 && ms >= goal.p99_ms).then_some(Miss::P99 { ms })
}

/// From the last second with an acknowledgement to the last one that ended with a backlog. Not from the
/// last arrival: what is acknowledged late cannot be recorded sooner, and was called late already.
fn drained_late(run: &Run) -> Option<Miss> {
    run.backlog.as_ref()?;
    if run.faults.iter().any(|fault| fault.excuse().recording) {
        return None;
    }
    let last = |is: fn(&Second) -> bool| {
        let found = run.timeline.iter().rev().find(|second| is(second));
        found.map_or(0.0, |second| f64::from(second.t_s) + 1.0)
    };
    let seconds = last(|s| s.backlog > 0) - last(|s| s.acked > 0);
    (seconds > run.goal.drain_s).then_some(Miss::Drain { seconds })
}

/// A signup that somebody has to record by hand is neither lost nor kept.
fn dead_lettered(run: &Run) -> Option<Miss> {
    let signups = run.ledger.dead_lettered;
    (signups > 0).then_some(Miss::DeadLettered { signups })
}

/// Nothing of a run in which it is not known which were broken outside its faults.
fn broken_promises(run: &Run) -> Vec<Miss> {
    let Some(broken) = &run.broken_outside_faults else {
        return Vec::new();
    };
    let refused = run.answered(&REFUSALS) > 0;
    [
        (
            broken.over_2_s,
            Miss::LateAnswers {
                requests: broken.over_2_s,
            },
        ),
        (
            broken.receipts_denied,
            Miss::ReceiptsDenied {
                checks: broken.receipts_denied,
            },
        ),
        (
            broken.never_recorded,
            Miss::NeverRecorded {
                visits: broken.never_recorded,
            },
        ),
        // Where reads are refused, some end otherwise: the refusals are said already.
        (
            if refused { 0 } else { broken.failed_reads },
            Miss::ReadsFailed {
                reads: broken.failed_reads,
            },
        ),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(_, miss)| miss)
    .collect()
}
