//! Counts where the contract's promises to a participant were not kept.

use crate::evidence::{Attempt, Ending, Kind};
use crate::record::{BrokenPromises, FaultSeen};
use std::time::Duration;

/// What the contract allows for an answer, whatever is broken behind the service.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// The client's own share in a latency: it runs on the cores of what it measures, so that some of its
/// tasks wake up late by tens of ms, and an answer at the deadline is not held against the service.
const CLIENT_SLACK: Duration = Duration::from_millis(100);

/// Counts them. What a visit `never_recorded` comes to is only known where it ends.
#[must_use]
pub fn broken_promises<'a>(
    attempts: impl IntoIterator<Item = &'a Attempt>,
    never_recorded: u64,
) -> BrokenPromises {
    let mut broken = BrokenPromises {
        never_recorded,
        ..BrokenPromises::default()
    };
    for attempt in attempts {
        let ending = attempt.ending;
        broken.over_2_s += u64::from(is_over_2_s(attempt));
        match attempt.kind {
            Kind::Signup => {
                let told_nothing = ending.is_success() && attempt.receipt.is_none();
                broken.without_receipt += u64::from(told_nothing);
            }
            // Only a receipt that came with a 2xx is ever checked.
            Kind::Receipt if ending == Ending::Status(404) => broken.receipts_denied += 1,
            Kind::Event | Kind::Receipt | Kind::Count => {
                broken.failed_reads += u64::from(!ending.is_success() && !ending.is_refused());
            }
        }
    }
    broken
}

/// Whether it was answered later than the contract allows.
pub(super) fn is_over_2_s(attempt: &Attempt) -> bool {
    let limit_us = (ANSWERED_WITHIN + CLIENT_SLACK).as_micros();
    u128::from(attempt.latency_from_send_us()) > limit_us
}

/// Whether a request was under way at no moment for which an ordered fault excuses an answer.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a run are exact in a double"
)]
pub fn is_outside(attempt: &Attempt, faults: &[FaultSeen]) -> bool {
    let second = |us: u64| us as f64 / 1e6;
    let (from, to) = (second(attempt.intended_us), second(attempt.answered_us));
    !faults.iter().any(|fault| fault.excuses(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Receipt;
    use crate::spec::FaultKind;

    fn ended(kind: Kind, took_ms: u64, ending: Ending) -> Attempt {
        Attempt {
            // Sent 5 s late: that is in the latency from the intended start, and no promise.
            sent_us: 5_000_000,
            answered_us: 5_000_000 + took_ms * 1_000,
            receipt: Receipt::parse(&"A".repeat(43)),
            ..Attempt::answered(kind, ending)
        }
    }

    #[test]
    fn a_request_not_answered_in_time_counts_however_it_ended() {
        let attempts = [
            ended(Kind::Signup, 2_099, Ending::Status(201)),
            ended(Kind::Signup, 2_101, Ending::Status(201)),
            ended(Kind::Event, 2_101, Ending::Status(503)),
            ended(Kind::Signup, 10_000, Ending::Timeout),
            ended(Kind::Signup, 3_000, Ending::NeverSent),
            ended(Kind::Signup, 5, Ending::Broken),
        ];
        assert_eq!(broken_promises(&attempts, 0).over_2_s, 4);
    }

    #[test]
    fn each_broken_promise_is_counted_once_and_a_refused_read_breaks_none() {
        let mut told_nothing = ended(Kind::Signup, 1, Ending::Status(201));
        told_nothing.receipt = None;
        let mut refused = ended(Kind::Signup, 1, Ending::Status(503));
        refused.receipt = None;
        let attempts = [
            told_nothing,
            refused,
            ended(Kind::Receipt, 1, Ending::Status(404)),
            ended(Kind::Receipt, 1, Ending::Status(200)),
            ended(Kind::Receipt, 1, Ending::Status(503)),
            ended(Kind::Event, 1, Ending::Status(404)),
            ended(Kind::Count, 1, Ending::Status(500)),
            ended(Kind::Count, 1, Ending::Broken),
        ];
        let expected = BrokenPromises {
            over_2_s: 0,
            without_receipt: 1,
            receipts_denied: 1,
            never_recorded: 7,
            failed_reads: 3,
        };
        assert_eq!(broken_promises(&attempts, 7), expected);
    }

    #[test]
    fn a_fault_excuses_what_was_under_way_then_and_nothing_later() {
        let fault = FaultSeen {
            kind: FaultKind::Kill,
            target: "phase1-server".into(),
            begin_s: 5.0,
            end_s: 6.0,
            exit_code: None,
        };
        let faults = [fault];
        let mut attempt = ended(Kind::Signup, 10, Ending::Broken);
        assert!(!is_outside(&attempt, &faults));
        (attempt.intended_us, attempt.answered_us) = (60_000_000, 60_010_000);
        assert!(is_outside(&attempt, &faults) && is_outside(&attempt, &[]));
    }
}
