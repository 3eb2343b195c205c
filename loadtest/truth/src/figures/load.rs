//! What the generator was asked to do, and did; and how its count compares with others.

use crate::evidence::{After, Attempt, Before, CpuShares, Kind, LoadSeen};
use crate::record::{Counts, Ledger, Load};

/// Answers that come this long after the end of the window still keep pace with the arrivals.
pub(super) const PACE_US: u64 = 1_000_000;

/// The load. Rates count what was intended within the window: what follows from an answer may come
/// later, and would make every run look slow.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are exact in a double"
)]
pub fn load(
    (window_s, slots): (u32, u32),
    seen: &LoadSeen,
    cpu: CpuShares,
    past_port_proxy: bool,
) -> Load {
    let window_us = u64::from(window_s) * 1_000_000;
    let window_s = f64::from(window_s);
    let pace_us = window_us + PACE_US;
    let in_window =
        |attempt: &&Attempt| attempt.kind == Kind::Signup && attempt.intended_us < window_us;
    let signups = || seen.attempts.iter().filter(in_window);
    let answered =
        |attempt: &&Attempt| attempt.ending.is_success() && attempt.answered_us <= pace_us;
    let asked = signups().count() as u64 + seen.dropped;
    let p99_ms = |us: u64| us as f64 / 1_000.0;
    Load {
        asked_per_s: asked as f64 / window_s,
        achieved_per_s: signups().filter(answered).count() as f64 / window_s,
        arrivals: seen.due,
        requests: seen.attempts.len() as u64,
        late: seen.late,
        dropped: seen.dropped,
        waited_for_slot: Some(seen.waited_for_slot),
        slots,
        generator_cpu_s: seen.cpu_s,
        generator_cpu_share: seen.cpu_s / (seen.cpu_s + cpu.idle_s).max(0.01),
        generator_realtime: seen.realtime,
        past_port_proxy,
        schedule_lag_p99_ms: p99_ms(seen.lag_us.value_at_quantile(0.99)),
        generator_lag_p99_ms: Some(p99_ms(seen.own_lag_us.value_at_quantile(0.99))),
        in_flight_mean: seen.in_flight_mean,
        in_flight_expected: seen.in_flight_expected,
    }
}

/// Three counts of the same signups.
#[must_use]
pub fn counts(attempts: &[Attempt], before: &Before, after: &After, ledger: &Ledger) -> Counts {
    let signups = attempts
        .iter()
        .filter(|attempt| attempt.kind == Kind::Signup);
    let statuses = signups.filter_map(|attempt| attempt.ending.status());
    let (mut answers, mut repeats) = (0, 0);
    for status in statuses {
        answers += 1;
        repeats += u64::from(status == 200);
    }
    let (before, after) = (before.counts, after.counts);
    Counts {
        generator_answers: answers,
        service_requests: after.signups.saturating_sub(before.signups),
        generator_acked: ledger.acked_requests,
        service_acked: after.acked.saturating_sub(before.acked),
        repeats,
        rows: ledger.kept,
    }
}
