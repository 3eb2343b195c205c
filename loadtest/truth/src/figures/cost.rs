//! What a run cost, from the readings of its meter.

use crate::evidence::{Before, Reading, Usage};
use crate::record::{Cost, ServiceCost};
use std::collections::BTreeMap;
use std::time::Duration;

/// The cost of the load from `begin` to `end`, of which `kept` signups are left, and of the phase when
/// nobody came.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are exact in a double"
)]
pub fn cost(
    readings: &[Reading],
    begin: &Reading,
    end: &Reading,
    before: &Before,
    kept: u64,
) -> Cost {
    let kept = kept.max(1) as f64;
    let mut per_service = cost_between(readings, begin, end);
    for cost in per_service.values_mut() {
        cost.cpu_us_per_signup = cost.cpu_s * 1e6 / kept;
    }
    let cpu_s =
        |costs: &BTreeMap<String, ServiceCost>| costs.values().map(|c| c.cpu_s).sum::<f64>();
    let idle = cost_between(&[], &before.idle_begin, &before.idle_end);
    let idle_s = (before.idle_end.at - before.idle_begin.at).as_secs_f64();
    Cost {
        cpu_us_per_signup: cpu_s(&per_service) * 1e6 / kept,
        idle_cpus: cpu_s(&idle) / idle_s,
        per_service,
    }
}

/// What each container used from `begin` to `end`, without its share a signup.
#[must_use]
pub fn cost_between(
    readings: &[Reading],
    begin: &Reading,
    end: &Reading,
) -> BTreeMap<String, ServiceCost> {
    let cost = |(service, used): (&String, &Usage)| {
        let before = begin.usage.get(service).copied().unwrap_or_default();
        let within = readings
            .iter()
            .filter(|reading| (begin.at..=end.at).contains(&reading.at));
        let memory = within
            .filter_map(|reading| reading.usage.get(service))
            .map(|u| u.memory_bytes);
        let cost = ServiceCost {
            cpu_s: Duration::from_nanos(used.cpu_ns - before.cpu_ns).as_secs_f64(),
            cpu_us_per_signup: 0.0,
            peak_memory_bytes: memory.max().unwrap_or(used.memory_bytes),
            throttled_ratio: ratio(
                used.throttled - before.throttled,
                used.periods - before.periods,
            ),
        };
        (service.clone(), cost)
    };
    end.usage.iter().map(cost).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "period counts of a run are exact in a double"
)]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
