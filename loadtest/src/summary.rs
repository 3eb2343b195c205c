//! From single requests to the figures of a run: answers, latencies and the course of the load.

mod course;

use crate::attempt::{Attempt, Kind};
use crate::record::{Latencies, Percentiles};
use crate::recording::Recording;
pub use course::{backlog, timeline};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Longest latency a histogram holds, in µs: an hour. The request timeout is far below, but a signup
/// that waits in a queue may take minutes until it is durable.
const MAX_US: u64 = 3_600_000_000;

/// How many requests of each kind got which answer.
#[must_use]
pub fn answers(attempts: &[Attempt]) -> BTreeMap<String, BTreeMap<String, u64>> {
    // Written out once for each kind of answer, not for each of a million requests.
    let mut counted = BTreeMap::new();
    for attempt in attempts {
        *counted.entry((attempt.kind, attempt.outcome)).or_insert(0) += 1;
    }
    let mut answers: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for ((kind, outcome), number) in counted {
        let kind = answers.entry(kind.as_str().to_owned()).or_default();
        kind.insert(outcome.to_string(), number);
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

/// The percentiles of a run, by class and clock. Without a `recording`, the answer follows the commit.
#[must_use]
pub fn latencies(attempts: &[Attempt], recording: Option<&Recording>) -> Latencies {
    let of = |class: fn(&Attempt) -> bool, clock: fn(&Attempt) -> u64| {
        percentiles(attempts.iter().filter(|attempt| class(attempt)).map(clock))
    };
    let answer = of(is_acked_signup, Attempt::latency_us);
    Latencies {
        answer_from_send: of(is_acked_signup, Attempt::latency_from_send_us),
        // A phase that answers after its commit is durable when it answers.
        durable: recording.map_or_else(|| answer.clone(), Recording::durable),
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

#[expect(
    clippy::cast_precision_loss,
    reason = "latencies are far below 2^52 µs"
)]
fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

#[cfg(test)]
mod tests;
