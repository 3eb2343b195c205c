//! Counts where the contract's promises to a participant were not kept.

use crate::attempt::{Attempt, Kind, Outcome};
use crate::record::BrokenPromises;
use std::time::Duration;

/// What the contract allows for an answer, whatever is broken behind the service.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// The client's own share in a latency: it runs on the cores of what it measures, so that some of its
/// tasks wake up late by tens of ms, and an answer at the deadline is not held against the service.
const CLIENT_SLACK: Duration = Duration::from_millis(100);

/// Counts them. What a visit `never_recorded` comes to is only known where it ends.
#[must_use]
pub fn broken(attempts: &[Attempt], never_recorded: u64) -> BrokenPromises {
    let limit_us = (ANSWERED_WITHIN + CLIENT_SLACK).as_micros();
    let mut broken = BrokenPromises {
        never_recorded,
        ..BrokenPromises::default()
    };
    for attempt in attempts {
        let outcome = attempt.outcome;
        broken.over_2_s += u64::from(u128::from(attempt.latency_from_send_us()) > limit_us);
        match attempt.kind {
            Kind::Signup => {
                let told_nothing = outcome.is_success() && attempt.receipt.is_none();
                broken.without_receipt += u64::from(told_nothing);
            }
            // Only a receipt that came with a 2xx is ever checked.
            Kind::Receipt if outcome == Outcome::Status(404) => broken.receipts_denied += 1,
            Kind::Event | Kind::Receipt | Kind::Count => {
                broken.failed_reads += u64::from(!outcome.is_success() && !outcome.is_refused());
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Receipt;

    fn ended(kind: Kind, took_ms: u64, outcome: Outcome) -> Attempt {
        Attempt {
            intended_us: 0,
            // Sent 5 s late: that is in the latency from the intended start, and no promise.
            sent_us: 5_000_000,
            answered_us: 5_000_000 + took_ms * 1_000,
            participant: 0,
            kind,
            number: 1,
            outcome,
            receipt: Receipt::parse(&"A".repeat(43)),
            state: None,
            source: None,
        }
    }

    #[test]
    fn a_request_not_answered_in_time_counts_however_it_ended() {
        let attempts = [
            ended(Kind::Signup, 2_099, Outcome::Status(201)),
            ended(Kind::Signup, 2_101, Outcome::Status(201)),
            ended(Kind::Event, 2_101, Outcome::Status(503)),
            ended(Kind::Signup, 10_000, Outcome::Timeout),
            ended(Kind::Signup, 3_000, Outcome::NeverSent),
            ended(Kind::Signup, 5, Outcome::Broken),
        ];
        assert_eq!(broken(&attempts, 0).over_2_s, 4);
    }

    #[test]
    fn each_broken_promise_is_counted_once_and_a_refused_read_breaks_none() {
        let mut told_nothing = ended(Kind::Signup, 1, Outcome::Status(201));
        told_nothing.receipt = None;
        let mut refused = ended(Kind::Signup, 1, Outcome::Status(503));
        refused.receipt = None;
        let attempts = [
            told_nothing,
            refused,
            ended(Kind::Receipt, 1, Outcome::Status(404)),
            ended(Kind::Receipt, 1, Outcome::Status(200)),
            ended(Kind::Receipt, 1, Outcome::Status(503)),
            ended(Kind::Event, 1, Outcome::Status(404)),
            ended(Kind::Count, 1, Outcome::Status(500)),
            ended(Kind::Count, 1, Outcome::Broken),
        ];
        let expected = BrokenPromises {
            over_2_s: 0,
            without_receipt: 1,
            receipts_denied: 1,
            never_recorded: 7,
            failed_reads: 3,
        };
        assert_eq!(broken(&attempts, 7), expected);
    }
}
