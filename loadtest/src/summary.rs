//! From single requests to the figures of a run: answers, latencies and the course of the load.

use crate::attempt::{Attempt, Kind};
use crate::meter::Reading;
use crate::record::{Latencies, Percentiles, Second};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Longest latency a histogram holds, in µs; the request timeout is far below.
const MAX_US: u64 = 120_000_000;

/// How many requests of each kind got which answer.
#[must_use]
pub fn answers(attempts: &[Attempt]) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut answers: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for attempt in attempts {
        let kind = answers.entry(attempt.kind.as_str().to_owned()).or_default();
        *kind.entry(attempt.outcome.to_string()).or_default() += 1;
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

/// The percentiles of a run, by class and clock.
#[must_use]
pub fn latencies(attempts: &[Attempt]) -> Latencies {
    let of = |class: fn(&Attempt) -> bool, clock: fn(&Attempt) -> u64| {
        percentiles(attempts.iter().filter(|attempt| class(attempt)).map(clock))
    };
    let answer = of(is_acked_signup, Attempt::latency_us);
    Latencies {
        answer_from_send: of(is_acked_signup, Attempt::latency_from_send_us),
        // A phase that answers after its commit is durable when it answers.
        durable: answer.clone(),
        answer,
        read: of(
            |a| a.kind != Kind::Signup && a.outcome.is_success(),
            Attempt::latency_from_send_us,
        ),
        refused: of(
            |a| a.kind == Kind::Signup && a.outcome.is_refused(),
            Attempt::latency_us,
        ),
        failed: of(is_failed_signup, Attempt::latency_us),
    }
}

fn is_acked_signup(attempt: &Attempt) -> bool {
    attempt.kind == Kind::Signup && attempt.outcome.is_success()
}

fn is_failed_signup(attempt: &Attempt) -> bool {
    attempt.kind == Kind::Signup && !attempt.outcome.is_success() && !attempt.outcome.is_refused()
}

/// Percentiles of latencies in µs, given in ms.
#[must_use]
pub fn percentiles(latencies_us: impl Iterator<Item = u64>) -> Percentiles {
    let Ok(mut histogram) = Histogram::<u64>::new_with_bounds(1, MAX_US, 3) else {
        return Percentiles::default();
    };
    latencies_us.for_each(|us| histogram.saturating_record(us.max(1)));
    let at = |quantile| ms(histogram.value_at_quantile(quantile));
    if histogram.is_empty() {
        return Percentiles::default();
    }
    Percentiles {
        count: histogram.len(),
        p50: at(0.50),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: ms(histogram.max()),
    }
}

/// The course of the load, second by second. A signup counts for `asked`, and for the percentiles,
/// in the second it was intended for, and for its answer in the second that came.
#[must_use]
pub fn timeline(attempts: &[Attempt], readings: &[Reading], began: Instant) -> Vec<Second> {
    let signups = || {
        attempts
            .iter()
            .filter(|attempt| attempt.kind == Kind::Signup)
    };
    let last_us = attempts
        .iter()
        .map(|a| a.answered_us.max(a.intended_us))
        .max();
    let Some(last) = last_us.map(second) else {
        return Vec::new();
    };
    let mut seconds: Vec<Second> = (0..=last)
        .map(|t_s| Second {
            t_s,
            ..Second::default()
        })
        .collect();
    let mut latencies: Vec<(Vec<u64>, Vec<u64>)> = vec![Default::default(); seconds.len()];
    for signup in signups() {
        let intended = second(signup.intended_us) as usize;
        seconds[intended].asked += 1;
        let answered = &mut seconds[second(signup.answered_us) as usize];
        if signup.outcome.is_success() {
            answered.acked += 1;
            latencies[intended].0.push(signup.latency_us());
            latencies[intended].1.push(signup.latency_from_send_us());
        } else if signup.outcome.is_refused() {
            answered.refused += 1;
        } else {
            answered.failed += 1;
        }
    }
    for (second, (from_intended, from_send)) in seconds.iter_mut().zip(latencies) {
        let intended = percentiles(from_intended.into_iter());
        second.p50_ms = intended.p50;
        second.p99_ms = intended.p99;
        second.p99_from_send_ms = percentiles(from_send.into_iter()).p99;
    }
    add_containers(&mut seconds, readings, began);
    seconds
}

/// CPU and memory of each container: a reading covers the seconds since the one before it.
fn add_containers(seconds: &mut [Second], readings: &[Reading], began: Instant) {
    for pair in readings.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let Some(middle) = (before.at + (after.at - before.at) / 2).checked_duration_since(began)
        else {
            continue;
        };
        let Ok(t_s) = usize::try_from(middle.as_secs()) else {
            continue;
        };
        let Some(second) = seconds.get_mut(t_s) else {
            continue;
        };
        let elapsed = (after.at - before.at).as_secs_f64();
        // Two readings so near to each other say nothing about a rate.
        if elapsed < 0.2 {
            continue;
        }
        for (service, usage) in &after.usage {
            let earlier = before.usage.get(service).map_or(0, |usage| usage.cpu_ns);
            let cpu_s = Duration::from_nanos(usage.cpu_ns.saturating_sub(earlier)).as_secs_f64();
            second.cpus.insert(service.clone(), cpu_s / elapsed);
            second
                .memory_bytes
                .insert(service.clone(), usage.memory_bytes);
        }
    }
}

fn second(us: u64) -> u32 {
    u32::try_from(us / 1_000_000).unwrap_or(u32::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "latencies are far below 2^52 µs"
)]
fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Outcome;

    fn signup(intended_us: u64, sent_us: u64, answered_us: u64, status: u16) -> Attempt {
        Attempt {
            intended_us,
            sent_us,
            answered_us,
            participant: 0,
            kind: Kind::Signup,
            number: 1,
            outcome: Outcome::Status(status),
            receipt: None,
            state: None,
            source: None,
        }
    }

    #[test]
    fn a_stall_shows_in_the_latency_from_the_intended_start_only() {
        let attempts: Vec<_> = (0..100).map(|i| signup(i, 900_000, 901_000, 201)).collect();
        let latencies = latencies(&attempts);
        assert!((latencies.answer_from_send.p99 - 1.0).abs() < 0.01);
        assert!(latencies.answer.p50 > 900.0);
    }

    #[test]
    fn refused_and_failed_signups_have_percentiles_of_their_own() {
        let attempts = [
            signup(0, 0, 1_000, 201),
            signup(0, 0, 2_000, 503),
            signup(0, 0, 4_000, 504),
            signup(0, 0, 8_000, 400),
        ];
        let latencies = latencies(&attempts);
        let counts = [
            latencies.answer.count,
            latencies.refused.count,
            latencies.failed.count,
        ];
        assert_eq!(counts, [1, 1, 2]);
        assert!((latencies.answer.max - 1.0).abs() < 0.01);
    }

    #[test]
    fn each_second_counts_what_was_asked_and_answered_in_it() {
        let attempts = [
            signup(500_000, 500_000, 1_200_000, 201),
            signup(1_500_000, 1_500_000, 1_600_000, 503),
        ];
        let seconds = timeline(&attempts, &[], Instant::now());
        assert_eq!(seconds.len(), 2);
        assert_eq!((seconds[0].asked, seconds[0].acked), (1, 0));
        assert_eq!(
            (seconds[1].asked, seconds[1].acked, seconds[1].refused),
            (1, 1, 1)
        );
        assert!((seconds[0].p99_ms - 700.0).abs() < 1.0);
    }
}
