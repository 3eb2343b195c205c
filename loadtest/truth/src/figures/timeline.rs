//! The course of a run, second by second, and what waited to be recorded on the way.

use crate::evidence::{Attempt, Kind, Reading};
use crate::ledger::CommitTimes;
use crate::percentiles::percentiles;
use crate::record::{Backlog, Second};
use std::time::{Duration, Instant};

/// The course of the load, second by second. A signup counts for `asked`, and for the percentiles,
/// in the second it was intended for, and for its answer in the second that came. It ends with the
/// last answer, or with the last of the `commits`.
#[must_use]
pub fn timeline(
    attempts: &[Attempt],
    commits: Option<&CommitTimes>,
    readings: &[Reading],
    began: Instant,
) -> Vec<Second> {
    let signups = || {
        attempts
            .iter()
            .filter(|attempt| attempt.kind == Kind::Signup)
    };
    let last_us = attempts
        .iter()
        .map(|a| a.answered_us.max(a.intended_us))
        .max();
    let Some(last_us) = last_us else {
        return Vec::new();
    };
    let last = second(last_us.max(commits.map_or(0, CommitTimes::last_us)));
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
        if signup.ending.is_success() {
            answered.acked += 1;
            latencies[intended].0.push(signup.latency_us());
            latencies[intended].1.push(signup.latency_from_send_us());
        } else if signup.ending.is_refused() {
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
    if let Some(commits) = commits {
        commits.enter(&mut seconds);
    }
    add_containers(&mut seconds, readings, began);
    seconds
}

/// The extremes of the backlog over `seconds`, of a load within `window_s`.
#[must_use]
pub fn backlog(seconds: &[Second], window_s: u32) -> Backlog {
    // Of several the first: where it stopped growing.
    let peak = seconds.iter().rev().max_by_key(|second| second.backlog);
    let mut within = seconds.iter().filter(|second| second.t_s < window_s);
    Backlog {
        peak: peak.map_or(0, |second| second.backlog),
        peak_t_s: peak.map_or(0, |second| second.t_s),
        at_window_end: within.next_back().map_or(0, |second| second.backlog),
    }
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
