//! The figures of a load in steps.

use super::load::PACE_US;
use super::promises::is_over_2_s;
use crate::evidence::{Attempt, Kind, LoadSeen};
use crate::percentiles::percentiles;
use crate::plan::Arrival;
use crate::record::{Outcome, Step};
use crate::spec::StepSpec;

/// What came of each step of a load with these `arrivals`. A request belongs to the step of its
/// participant. Of a load that was stopped, nothing is asked after the stop.
#[must_use]
pub fn steps(asked: &[StepSpec], arrivals: &[Arrival], seen: &LoadSeen) -> Vec<Step> {
    let never_sent = never_sent(StepSpec::users(asked), arrivals, &seen.attempts);
    let stopped_us = u64::try_from(seen.duration.as_micros()).unwrap_or(u64::MAX);
    let stopped_us = if seen.stopped { stopped_us } else { u64::MAX };
    let (mut begin_s, mut first, mut steps) = (0, 0, Vec::new());
    for step in asked {
        let begin_us = u64::from(begin_s) * 1_000_000;
        let end_us = begin_us + u64::from(step.window_s) * 1_000_000;
        if begin_us >= stopped_us {
            break;
        }
        let theirs = first..first + step.users;
        let within = (begin_us, end_us.min(stopped_us));
        let attempts = seen.attempts.iter();
        let attempts = attempts.filter(|attempt| theirs.contains(&attempt.participant));
        let lacking = match seen.stopped {
            true => 0,
            false => never_sent
                .iter()
                .filter(|(who, at_us)| theirs.contains(who) && *at_us < end_us)
                .count(),
        };
        let mut found = figures(*step, within, &attempts.collect::<Vec<_>>(), lacking);
        found.begin_s = begin_s;
        // Judged later; a step that was broken off is not.
        found.outcome = (end_us <= stopped_us).then(Outcome::default);
        steps.push(found);
        begin_s += step.window_s;
        first = theirs.end;
    }
    steps
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a load are exact in a double"
)]
fn figures(
    asked: StepSpec,
    (begin_us, end_us): (u64, u64),
    attempts: &[&Attempt],
    lacking: usize,
) -> Step {
    let mut step = Step::from(asked);
    step.window_s = (end_us - begin_us) as f64 / 1e6;
    let (mut meant, mut in_time) = (lacking, 0_u64);
    for attempt in attempts {
        step.over_2_s += u64::from(is_over_2_s(attempt));
        if attempt.kind != Kind::Signup {
            continue;
        }
        let acked = attempt.ending.is_success();
        step.acknowledged += u64::from(acked);
        step.refused += u64::from(attempt.ending.is_refused());
        step.failed += u64::from(!acked && !attempt.ending.is_refused());
        if attempt.intended_us < end_us {
            meant += 1;
            in_time += u64::from(acked && attempt.answered_us <= end_us + PACE_US);
        }
    }
    let a_second = |number: f64| number / step.window_s.max(f64::EPSILON);
    step.asked_per_s = a_second(meant as f64);
    step.acknowledged_per_s = a_second(in_time as f64);
    let of = |clock: fn(&Attempt) -> u64| {
        let acked = attempts.iter().filter(|a| super::is_acked_signup(a));
        percentiles(acked.map(|attempt| clock(attempt)))
    };
    step.answer = of(Attempt::latency_us);
    step.answer_from_send = of(Attempt::latency_from_send_us);
    step
}

/// Signups that were due and for which no slot was free before the end: whose, and when.
fn never_sent(users: u32, arrivals: &[Arrival], attempts: &[Attempt]) -> Vec<(u32, u64)> {
    // A bit for each signup of a participant that was sent; nobody sends three.
    let mut sent = vec![0_u8; users as usize];
    for attempt in attempts.iter().filter(|a| a.kind == Kind::Signup) {
        sent[attempt.participant as usize] |= 1 << attempt.number.min(7);
    }
    let signups = arrivals.iter().filter(|a| a.kind == Kind::Signup);
    signups
        .filter(|a| sent[a.participant as usize] & (1 << a.number.min(7)) == 0)
        .map(|a| (a.participant, a.at_ns / 1_000))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Ending;
    use hdrhistogram::Histogram;
    use std::time::{Duration, Instant, SystemTime};

    const ASKED: [StepSpec; 2] = [
        StepSpec {
            users: 2,
            window_s: 1,
        },
        StepSpec {
            users: 4,
            window_s: 2,
        },
    ];

    fn attempt(participant: u32, intended_us: u64, took_us: u64, status: u16) -> Attempt {
        Attempt {
            participant,
            intended_us,
            sent_us: intended_us,
            answered_us: intended_us + took_us,
            ..Attempt::answered(Kind::Signup, Ending::Status(status))
        }
    }

    fn seen(attempts: Vec<Attempt>, stopped: bool, duration: Duration) -> LoadSeen {
        let histogram = || Histogram::new(3).unwrap();
        LoadSeen {
            started_at: SystemTime::now(),
            started: Instant::now(),
            duration,
            attempts,
            due: 0,
            late: 0,
            dropped: 0,
            waited_for_slot: 0,
            without_receipt: 0,
            never_recorded: 0,
            lag_us: histogram(),
            own_lag_us: histogram(),
            in_flight_mean: 0.0,
            in_flight_expected: 0.0,
            cpu_s: 0.0,
            greedy: None,
            goose_requests: 0,
            realtime: false,
            stopped,
        }
    }

    fn arrivals() -> Vec<Arrival> {
        let at = |participant, ms: u64| Arrival::new(ms * 1_000_000, participant, Kind::Signup, 1);
        vec![
            at(0, 100),
            at(1, 900),
            at(2, 1_100),
            at(3, 1_200),
            at(4, 1_300),
            at(5, 2_900),
        ]
    }

    #[test]
    fn each_request_counts_in_the_step_of_its_participant() {
        let attempts = vec![
            attempt(0, 100_000, 5_000, 201),
            // Answered in the second step, 1.05 s after the first: kept, and too late.
            attempt(1, 900_000, 1_150_001, 201),
            // A retry that comes after its window is asked of nobody.
            attempt(0, 1_050_000, 5_000, 200),
            attempt(2, 1_100_000, 5_000, 503),
            attempt(3, 1_200_000, 5_000, 500),
            attempt(4, 1_300_000, 2_200_000, 202),
        ];
        let seen = seen(attempts, false, Duration::from_secs(4));
        let [one, two] = steps(&ASKED, &arrivals(), &seen).try_into().unwrap();
        assert_eq!((one.begin_s, two.begin_s), (0, 1));
        assert_eq!((one.asked_per_s, one.acknowledged_per_s), (2.0, 1.0));
        assert_eq!((one.acknowledged, one.refused, one.failed), (3, 0, 0));
        // The fourth was never sent, and asked for all the same.
        assert_eq!((two.asked_per_s, two.acknowledged_per_s), (2.0, 0.5));
        assert_eq!((two.refused, two.failed, two.over_2_s), (1, 1, 1));
        assert!(one.outcome.is_some() && two.outcome.is_some());
    }

    #[test]
    fn nothing_is_asked_after_a_stop() {
        let sent = vec![attempt(0, 100_000, 5_000, 201)];
        let early = seen(sent.clone(), true, Duration::from_millis(500));
        let [only] = steps(&ASKED, &arrivals(), &early).try_into().unwrap();
        assert_eq!((only.asked_per_s, only.window_s), (2.0, 0.5));
        assert!(only.outcome.is_none());
        let later = seen(sent, true, Duration::from_millis(1_500));
        let [whole, broken_off] = steps(&ASKED, &arrivals(), &later).try_into().unwrap();
        assert!(whole.outcome.is_some() && broken_off.outcome.is_none());
    }
}
