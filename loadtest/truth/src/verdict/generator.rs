//! Was the generator itself as good as it says? A request that waits for a free slot waits for the
//! service, and is no fault of the generator's.

use crate::record::{Load, Reason, Second};

/// A request that finds a free slot is sent within this of its instant, 99 times of 100.
const MAX_LAG_MS: f64 = 1.0;

/// Beyond this share of the CPU it could have had, the generator is itself under load.
const MAX_SHARE: f64 = 0.80;

const MAX_LITTLE_DEVIATION: f64 = 0.10;

/// Below one request in flight on average, sampling is too coarse for Little's law.
const MIN_IN_FLIGHT: f64 = 1.0;

/// In a record that kept the lag of all requests only, this share of them may have been sent late
/// while slots were free.
const MAX_LATE_SHARE: f64 = 0.01;

pub(super) fn doubts(load: &Load, timeline: &[Second]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if was_late(load, timeline) {
        let p99_ms = load.generator_lag_p99_ms;
        reasons.push(Reason::GeneratorLate { p99_ms });
    }
    let share = load.generator_cpu_share;
    if share > MAX_SHARE {
        reasons.push(Reason::GeneratorBusy { share });
    }
    reasons.extend(against_littles_law(load));
    reasons
}

fn was_late(load: &Load, timeline: &[Second]) -> bool {
    match load.generator_lag_p99_ms {
        Some(ms) => ms > MAX_LAG_MS,
        None => load.schedule_lag_p99_ms > MAX_LAG_MS && late_with_free_slots(load, timeline),
    }
}

/// Whether more than a hundredth of the requests were late in seconds in which the slots cannot all
/// have been taken, as far as the seconds of an older record tell: those in which less was in flight
/// than there were slots, even if every answer took as long as the slowest hundredth.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are exact in a double"
)]
fn late_with_free_slots(load: &Load, timeline: &[Second]) -> bool {
    let signups: u64 = timeline.iter().map(|second| second.asked).sum();
    // Of a visit, the seconds count its signup only.
    let requests_a_signup = load.requests as f64 / signups.max(1) as f64;
    let late = timeline.iter().filter(|second| {
        let late_ms = second.p99_ms - second.p99_from_send_ms;
        let answered = second
            .asked
            .max(second.acked + second.refused + second.failed);
        let at_most = answered as f64 * requests_a_signup * second.p99_from_send_ms / 1_000.0;
        late_ms > MAX_LAG_MS && at_most < f64::from(load.slots)
    });
    let late: u64 = late.map(|second| second.asked).sum();
    // Without seconds to look at, what is late is the generator's.
    signups == 0 || late as f64 > signups as f64 * MAX_LATE_SHARE
}

fn against_littles_law(load: &Load) -> Option<Reason> {
    let (sampled, expected) = (load.in_flight_mean, load.in_flight_expected);
    let deviation = (sampled - expected).abs() / expected.max(f64::EPSILON);
    (expected >= MIN_IN_FLIGHT && deviation > MAX_LITTLE_DEVIATION)
        .then_some(Reason::LittlesLaw { sampled, expected })
}
