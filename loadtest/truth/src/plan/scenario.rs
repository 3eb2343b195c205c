//! What one participant does: the rush of a launch, or a whole visit.
//!
//! Everything that does not depend on an answer has its instant fixed before the run. What does (a
//! retry, a receipt check) is asked for when the answer is there, a fixed time after it.

use super::arrival::Arrival;
use crate::evidence::{Attempt, Kind, State};
use crate::spec::Scenario;
use rand::{Rng, RngExt};
use std::ops::Range;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;

/// Of a hundred participants in a rush, this many send their signup twice (a double-click).
const DOUBLES_PER_CENT: u32 = 5;
/// Of a hundred participants in a rush, this many others send it again after the answer.
const RETRIES_PER_CENT: u32 = 1;
/// From the first click to the second, whether or not the first was answered.
const DOUBLE_CLICK_NS: Range<u64> = 50 * MILLISECOND..500 * MILLISECOND;
/// From the answer, whatever it was, to the retry.
const RETRY_US: Range<u32> = 1_000_000..3_000_000;

/// From opening the event to the signup: the time to type a name.
const FORM_NS: Range<u64> = SECOND..3 * SECOND;
/// From the signup's answer to the first check of its receipt.
const FIRST_CHECK_US: Range<u32> = 500_000..1_500_000;
/// From one check to the next while the signup is not recorded.
const NEXT_CHECK_NS: u64 = SECOND;
/// Checks before a visit gives up on its receipt.
const MAX_CHECKS: u8 = 10;
/// Looks at the count, one every two seconds after the signup, each up to a second later.
const LOOKS: u8 = 5;
const LOOK_EVERY_NS: u64 = 2 * SECOND;
const LOOK_JITTER_NS: Range<u64> = 0..SECOND;

/// What an answer leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing more.
    Nothing,
    /// Another request.
    Arrival(Arrival),
    /// The receipt check cannot be made, because the signup got no receipt.
    NoReceipt,
    /// The receipt was checked ten times and never recorded.
    NeverRecorded,
}

/// How a participant of a rush behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    Once,
    Double,
    Retry,
}

/// One habit for each of `users`, in exact numbers (rounded down).
pub(crate) fn habits(users: u32, rng: &mut impl Rng) -> Vec<Habit> {
    let mut habits = vec![Habit::Once; users as usize];
    let share = |per_cent: u32| users as usize * per_cent as usize / 100;
    let (doubles, retries) = (share(DOUBLES_PER_CENT), share(RETRIES_PER_CENT));
    let chosen = rand::seq::index::sample(rng, habits.len(), doubles + retries);
    for (rank, participant) in chosen.into_iter().enumerate() {
        habits[participant] = if rank < doubles {
            Habit::Double
        } else {
            Habit::Retry
        };
    }
    habits
}

/// Adds the signups of a participant of a rush who comes at `at_ns`.
pub(crate) fn rush(
    participant: u32,
    at_ns: u64,
    habit: Habit,
    rng: &mut impl Rng,
    arrivals: &mut Vec<Arrival>,
) {
    let mut signup = Arrival::new(at_ns, participant, Kind::Signup, 1);
    if habit == Habit::Retry {
        signup.then_us = rng.random_range(RETRY_US);
    }
    arrivals.push(signup);
    if habit == Habit::Double {
        let second = at_ns + rng.random_range(DOUBLE_CLICK_NS);
        arrivals.push(Arrival::new(second, participant, Kind::Signup, 2));
    }
}

/// Adds the requests of a visitor who comes at `at_ns`.
pub(crate) fn visit(participant: u32, at_ns: u64, rng: &mut impl Rng, arrivals: &mut Vec<Arrival>) {
    arrivals.push(Arrival::new(at_ns, participant, Kind::Event, 1));
    let signup_ns = at_ns + rng.random_range(FORM_NS);
    let mut signup = Arrival::new(signup_ns, participant, Kind::Signup, 1);
    signup.then_us = rng.random_range(FIRST_CHECK_US);
    arrivals.push(signup);
    for look in 1..=LOOKS {
        let at = signup_ns + u64::from(look) * LOOK_EVERY_NS + rng.random_range(LOOK_JITTER_NS);
        arrivals.push(Arrival::new(at, participant, Kind::Count, look));
    }
}

impl Scenario {
    /// What follows from the answer to `arrival`.
    #[must_use]
    pub fn next(self, arrival: &Arrival, attempt: &Attempt) -> Next {
        let answered_ns = attempt.answered_us * 1_000;
        let then_ns = answered_ns + u64::from(arrival.then_us) * 1_000;
        match (self, arrival.kind) {
            (_, Kind::Signup) if arrival.then_us == 0 => Next::Nothing,
            (Self::Rush, Kind::Signup) => {
                let number = arrival.number + 1;
                Next::Arrival(Arrival::new(
                    then_ns,
                    arrival.participant,
                    Kind::Signup,
                    number,
                ))
            }
            (Self::Visit, Kind::Signup) if attempt.receipt.is_none() => Next::NoReceipt,
            (Self::Visit, Kind::Signup) => {
                Next::Arrival(Arrival::new(then_ns, arrival.participant, Kind::Receipt, 1))
            }
            (_, Kind::Receipt) if attempt.state == Some(State::Recorded) => Next::Nothing,
            (_, Kind::Receipt) if arrival.number >= MAX_CHECKS => Next::NeverRecorded,
            (_, Kind::Receipt) => {
                let (at, number) = (answered_ns + NEXT_CHECK_NS, arrival.number + 1);
                Next::Arrival(Arrival::new(at, arrival.participant, Kind::Receipt, number))
            }
            (_, Kind::Event | Kind::Count) => Next::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Ending, Receipt};

    fn answered(kind: Kind, receipt: Option<Receipt>, state: Option<State>) -> Attempt {
        Attempt {
            answered_us: 2_000_000,
            participant: 9,
            receipt,
            state,
            ..Attempt::answered(kind, Ending::Status(200))
        }
    }

    #[test]
    fn a_retry_follows_the_answer_and_a_single_signup_leads_to_nothing() {
        let mut arrival = Arrival::new(0, 9, Kind::Signup, 1);
        let attempt = answered(Kind::Signup, None, None);
        assert_eq!(Scenario::Rush.next(&arrival, &attempt), Next::Nothing);
        arrival.then_us = 1_500_000;
        assert_eq!(
            Scenario::Rush.next(&arrival, &attempt),
            Next::Arrival(Arrival::new(3_500_000_000, 9, Kind::Signup, 2))
        );
    }

    #[test]
    fn a_receipt_is_checked_until_recorded_and_not_for_ever() {
        let receipt = Receipt::parse(&"A".repeat(43));
        let mut signup = Arrival::new(0, 9, Kind::Signup, 1);
        signup.then_us = 500_000;
        let next = |arrival: &Arrival, attempt: &Attempt| Scenario::Visit.next(arrival, attempt);
        assert_eq!(
            next(&signup, &answered(Kind::Signup, None, None)),
            Next::NoReceipt
        );
        let mut check = Arrival::new(2_500_000_000, 9, Kind::Receipt, 1);
        let first = next(
            &signup,
            &answered(Kind::Signup, receipt, Some(State::Accepted)),
        );
        assert_eq!(first, Next::Arrival(check));
        let accepted = answered(Kind::Receipt, None, Some(State::Accepted));
        let second = Arrival::new(3_000_000_000, 9, Kind::Receipt, 2);
        assert_eq!(next(&check, &accepted), Next::Arrival(second));
        check.number = MAX_CHECKS;
        assert_eq!(next(&check, &accepted), Next::NeverRecorded);
        let recorded = answered(Kind::Receipt, None, Some(State::Recorded));
        assert_eq!(next(&check, &recorded), Next::Nothing);
    }
}
