//! When each request is meant to be sent: fixed by a seed before the run begins.
//!
//! The schedule does not look at the service, so a service that stalls cannot slow down the load
//! that measures it.

use super::arrival::Arrival;
use super::scenario;
use crate::evidence::Kind;
use crate::spec::{Arrivals, Scenario, StepSpec};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// Share of the users who wait at the doors, in per cent …
const SPIKE_USERS_PER_CENT: u64 = 40;
/// … and the share of the window they come in. So the doors open to 8 times the mean rate, and
/// what follows is 0.63 times the mean rate.
const SPIKE_WINDOW_PER_CENT: u64 = 5;

/// All requests of a run that do not depend on an answer, in the order of their intended start.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// What the participants do.
    pub scenario: Scenario,
    /// In which the participants come; their visits may end after it.
    pub window: Duration,
    /// In the order of their intended start.
    pub arrivals: Vec<Arrival>,
}

impl Schedule {
    /// The schedule of `users` participants who come within `window`. The same arguments give the
    /// same schedule on every machine; participants are numbered in the order they come.
    #[must_use]
    pub fn new(
        scenario: Scenario,
        users: u32,
        window: Duration,
        arrivals: Arrivals,
        seed: u64,
    ) -> Self {
        let instants = instants(users, window, arrivals, &mut generator(seed, 0));
        // A stream of its own: both scenarios meet the same instants.
        let mut rng = generator(seed, 1);
        let mut list = Vec::with_capacity(
            instants.len() * if scenario == Scenario::Visit { 7 } else { 1 } * 11 / 10,
        );
        match scenario {
            Scenario::Rush => {
                let habits = scenario::habits(users, &mut rng);
                for ((participant, at), habit) in (0..).zip(instants).zip(habits) {
                    scenario::rush(participant, at, habit, &mut rng, &mut list);
                }
            }
            Scenario::Visit => {
                for (participant, at) in (0..).zip(instants) {
                    scenario::visit(participant, at, &mut rng, &mut list);
                }
            }
        }
        list.sort_unstable();
        Self {
            scenario,
            window,
            arrivals: list,
        }
    }

    /// Several schedules as one: the participants of each step come when the window of the one before
    /// it has ended, and are numbered on from there.
    #[must_use]
    pub fn stepped(scenario: Scenario, steps: &[StepSpec], arrivals: Arrivals, seed: u64) -> Self {
        let (mut list, mut begin, mut before) = (Vec::new(), Duration::ZERO, 0);
        for (step, seed) in steps.iter().zip(seed..) {
            let window = Duration::from_secs(u64::from(step.window_s));
            let mut part = Self::new(scenario, step.users, window, arrivals, seed).arrivals;
            for arrival in &mut part {
                arrival.at_ns += u64::try_from(begin.as_nanos()).unwrap_or(u64::MAX);
                arrival.participant += before;
            }
            list.append(&mut part);
            begin += window;
            before += step.users;
        }
        // Who sends twice, or stays for a visit, does so into the next step.
        list.sort_unstable();
        Self {
            scenario,
            window: begin,
            arrivals: list,
        }
    }

    /// Flat signups and nothing else, `count` of them: for calibration.
    #[must_use]
    pub fn signups(count: u32, window: Duration, seed: u64) -> Self {
        let instants = instants(count, window, Arrivals::Flat, &mut generator(seed, 0));
        let arrivals = (0..)
            .zip(instants)
            .map(|(participant, at)| Arrival::new(at, participant, Kind::Signup, 1))
            .collect();
        Self {
            scenario: Scenario::Rush,
            window,
            arrivals,
        }
    }

    /// Intended start of the last request, in nanoseconds; 0 when there is none.
    #[must_use]
    pub fn last_ns(&self) -> u64 {
        self.arrivals.last().map_or(0, |arrival| arrival.at_ns)
    }
}

fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// `users` instants in nanoseconds, sorted.
///
/// A Poisson process of which one knows that N arrivals fell into an interval has them independent
/// and uniform over it, so drawing them so gives Poisson arrivals and an exact N.
fn instants(users: u32, window: Duration, arrivals: Arrivals, rng: &mut impl Rng) -> Vec<u64> {
    let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX).max(2);
    let (early, opening) = match arrivals {
        Arrivals::Flat => (0, 0),
        Arrivals::Doors => (
            u64::from(users) * SPIKE_USERS_PER_CENT / 100,
            (window / 100 * SPIKE_WINDOW_PER_CENT).max(1),
        ),
    };
    let mut instants: Vec<u64> = (0..u64::from(users))
        .map(|user| {
            if user < early {
                rng.random_range(0..opening)
            } else {
                rng.random_range(opening..window)
            }
        })
        .collect();
    instants.sort_unstable();
    instants
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOW: Duration = Duration::from_secs(100);

    fn first_signups(schedule: &Schedule) -> Vec<u64> {
        let mut at: Vec<u64> = schedule
            .arrivals
            .iter()
            .filter(|a| a.kind == Kind::Signup && a.number == 1)
            .map(|a| a.at_ns)
            .collect();
        at.sort_unstable();
        at
    }

    #[test]
    fn a_rush_has_exact_numbers() {
        let schedule = Schedule::new(Scenario::Rush, 1_000, WINDOW, Arrivals::Flat, 1);
        let count =
            |f: &dyn Fn(&Arrival) -> bool| schedule.arrivals.iter().filter(|a| f(a)).count();
        assert_eq!(count(&|a| a.number == 1), 1_000);
        assert_eq!(count(&|a| a.number == 2), 50);
        assert_eq!(count(&|a| a.then_us > 0), 10);
        assert_eq!(schedule.arrivals.len(), 1_050);
    }

    #[test]
    fn a_visit_has_one_signup_and_six_looks_at_the_event() {
        let schedule = Schedule::new(Scenario::Visit, 100, WINDOW, Arrivals::Flat, 1);
        let count = |kind| schedule.arrivals.iter().filter(|a| a.kind == kind).count();
        assert_eq!(count(Kind::Event), 100);
        assert_eq!(count(Kind::Signup), 100);
        assert_eq!(count(Kind::Count), 500);
        assert_eq!(count(Kind::Receipt), 0);
    }

    /// In a Poisson process the number of arrivals in equal intervals has a variance equal to its
    /// mean; evenly spaced arrivals would have none.
    #[test]
    fn flat_arrivals_are_poisson_like() {
        let schedule = Schedule::new(Scenario::Rush, 100_000, WINDOW, Arrivals::Flat, 7);
        let mut counts = vec![0_f64; 10_000];
        for at in first_signups(&schedule) {
            counts[(at / 10_000_000) as usize] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        let variance = counts.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / counts.len() as f64;
        assert!(
            (0.93..1.07).contains(&(variance / mean)),
            "{}",
            variance / mean
        );
    }

    #[test]
    fn steps_follow_each_other_with_participants_of_their_own() {
        let step = |users, window_s| StepSpec { users, window_s };
        let steps = [step(100, 10), step(1_000, 5)];
        let schedule = Schedule::stepped(Scenario::Rush, &steps, Arrivals::Flat, 1);
        assert_eq!(schedule.window, Duration::from_secs(15));
        assert!(schedule.arrivals.is_sorted());
        let first = |a: &&Arrival| a.number == 1;
        let mut participants: Vec<u32> = Vec::new();
        for arrival in schedule.arrivals.iter().filter(first) {
            let begins_at = if arrival.participant < 100 { 0 } else { 10 };
            let second = arrival.at_ns / 1_000_000_000;
            assert!((begins_at..begins_at + 10).contains(&second), "{arrival:?}");
            participants.push(arrival.participant);
        }
        assert_eq!(participants, (0..1_100).collect::<Vec<_>>());
        // One step is the schedule of a run.
        let run = Schedule::new(Scenario::Visit, 50, WINDOW, Arrivals::Doors, 3);
        let one = Schedule::stepped(Scenario::Visit, &[step(50, 100)], Arrivals::Doors, 3);
        assert_eq!(one.arrivals, run.arrivals);
    }

    #[test]
    fn the_doors_open_to_a_spike() {
        let schedule = Schedule::new(Scenario::Rush, 10_000, WINDOW, Arrivals::Doors, 7);
        let at = first_signups(&schedule);
        assert_eq!(at.len(), 10_000);
        assert_eq!(at.iter().filter(|at| **at < 5_000_000_000).count(), 4_000);
    }

    #[test]
    fn both_scenarios_begin_at_the_same_instants() {
        let at = |scenario, kind| {
            Schedule::new(scenario, 500, WINDOW, Arrivals::Doors, 3)
                .arrivals
                .iter()
                .filter(|a| a.kind == kind && a.number == 1)
                .map(|a| a.at_ns)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            at(Scenario::Rush, Kind::Signup),
            at(Scenario::Visit, Kind::Event)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_seed_fixes_the_whole_schedule(users in 0_u32..2_000, seed: u64, doors: bool, visit: bool, seconds in 1_u64..200) {
            let arrivals = if doors { Arrivals::Doors } else { Arrivals::Flat };
            let scenario = if visit { Scenario::Visit } else { Scenario::Rush };
            let make = |seed| Schedule::new(scenario, users, Duration::from_secs(seconds), arrivals, seed).arrivals;
            let list = make(seed);
            prop_assert_eq!(&list, &make(seed));
            prop_assert!(users < 10 || list != make(seed.wrapping_add(1)));
            prop_assert!(list.is_sorted_by_key(|a| a.at_ns));
            let first = if visit { Kind::Event } else { Kind::Signup };
            let mut came = list.iter().filter(|a| a.kind == first && a.number == 1).collect::<Vec<_>>();
            prop_assert!(came.iter().all(|a| a.at_ns < seconds * 1_000_000_000));
            came.sort_by_key(|a| a.participant);
            prop_assert!(came.iter().map(|a| a.participant).eq(0..users));
        }
    }
}
