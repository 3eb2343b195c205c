//! What was missed of a goal, in sentences and in brief.

use crate::format::{count, number};
use lab_truth::record::{Incidents, Miss, Run};
use lab_truth::spec::Goal;

pub(super) fn sentence(run: &Run, miss: &Miss) -> String {
    match miss {
        Miss::Rate {
            acknowledged_per_s,
            asked_per_s,
        } => format!(
            "{} signups a second were acknowledged in time of {} asked for",
            number(*acknowledged_per_s),
            number(*asked_per_s)
        ),
        Miss::TurnedAway {
            refused,
            failed,
            of,
        } => format!(
            "{} signup requests were refused and {} failed, of {} answered",
            count(*refused),
            count(*failed),
            count(*of)
        ),
        Miss::P99 { ms } => format!(
            "99 % of the signups were answered within {} ms, not {} ms",
            number(*ms),
            number(run.goal.p99_ms)
        ),
        Miss::LateAnswers { requests } => format!(
            "{} requests were not answered within {} s",
            count(*requests),
            run.goal.answer_s
        ),
        Miss::Drain { seconds } => format!(
            "the backlog was worked off {} s after the last acknowledgement, not {} s",
            number(*seconds),
            run.goal.drain_s
        ),
        Miss::ReceiptsDenied { checks } => format!(
            "{} checks of receipts that were given were answered 404",
            count(*checks)
        ),
        Miss::NeverRecorded { visits } => {
            format!("{} visits never saw their receipt recorded", count(*visits))
        }
        Miss::ReadsFailed { reads } => format!("{} reads failed", count(*reads)),
        Miss::DeadLettered { signups } => format!(
            "{} acknowledged signups are only in the dead-letter queue: an operator must record them{}",
            count(*signups),
            dead(&run.incidents)
        ),
    }
}

/// A miss in two or three words.
pub(super) fn brief(goal: &Goal, miss: &Miss) -> String {
    match miss {
        Miss::Rate {
            acknowledged_per_s,
            asked_per_s,
        } => format!(
            "{} of {}/s",
            number(*acknowledged_per_s),
            number(*asked_per_s)
        ),
        Miss::TurnedAway {
            refused, failed, ..
        } => format!("{} turned away", count(refused + failed)),
        Miss::P99 { ms } if *ms >= 1_000.0 => format!("p99 {} s", number(ms / 1_000.0)),
        Miss::P99 { ms } => format!("p99 {} ms", number(*ms)),
        Miss::LateAnswers { requests } => {
            format!("{} over {} s", count(*requests), goal.answer_s)
        }
        Miss::Drain { seconds } => format!("drained after {} s", number(*seconds)),
        Miss::ReceiptsDenied { checks } => format!("{} receipts denied", count(*checks)),
        Miss::NeverRecorded { visits } => format!("{} never recorded", count(*visits)),
        Miss::ReadsFailed { reads } => format!("{} reads failed", count(*reads)),
        Miss::DeadLettered { signups } => format!("{} dead letters", count(*signups)),
    }
}

/// The reasons of all dead letters, in brackets.
pub(super) fn dead(incidents: &Incidents) -> String {
    let letters = incidents.dead_letters.iter();
    let letters: Vec<_> = letters
        .map(|(reason, number)| format!("{} {reason}", count(*number)))
        .collect();
    if letters.is_empty() {
        return String::new();
    }
    format!(" (reasons of all dead letters: {})", letters.join(", "))
}
