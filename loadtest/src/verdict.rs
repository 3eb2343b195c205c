//! Whether the numbers of a run may be used, and why not.

mod buffered;
mod counts;
mod incidents;
mod promises;

use crate::databases::CLAIMED_DURABILITY;
use crate::queue::CLAIMED_OF_QUEUES;
use crate::record::{Bottleneck, Run, Verdict};
pub use incidents::Incidents;

const MAX_STEAL: f64 = 0.02;
const MIN_ACHIEVED: f64 = 0.99;
const MAX_GENERATOR_SHARE: f64 = 0.80;
const MAX_SCHEDULE_LAG_MS: f64 = 1.0;
const MAX_LITTLE_DEVIATION: f64 = 0.10;

/// What every phase has to do with under the budget `same`.
const SAME_BUDGET_CPUS: f64 = 1.25;

/// Below one request in flight on average, sampling is too coarse for Little's law.
const MIN_IN_FLIGHT: f64 = 1.0;

/// A container throttled in more than this share of its periods is at its cap.
const AT_CAP: f64 = 0.10;

/// The verdict over `run`, and the reasons when it is not `VALID`.
#[must_use]
pub fn judge(run: &Run, incidents: &Incidents) -> (Verdict, Vec<String>) {
    let (mut invalid, mut suspect) = (why_invalid(run, incidents), why_suspect(run));
    suspect.extend(buffered::suspect(run, incidents));
    for (weight, reason) in promises::broken(run) {
        match weight {
            Verdict::Invalid => invalid.push(reason),
            Verdict::Suspect | Verdict::Valid => suspect.push(reason),
        }
    }
    let verdict = match (invalid.is_empty(), suspect.is_empty()) {
        (false, _) => Verdict::Invalid,
        (true, false) => Verdict::Suspect,
        (true, true) => Verdict::Valid,
    };
    (verdict, invalid.into_iter().chain(suspect).collect())
}

fn why_invalid(run: &Run, incidents: &Incidents) -> Vec<String> {
    let mut reasons = Vec::new();
    for (class, number) in run.ledger.violations() {
        reasons.push(format!("the ledger is not clean: {number} {class}"));
    }
    if run.ledger.acked == 0 {
        reasons.push("not one signup was acknowledged".into());
    }
    reasons.extend(incidents.reasons());
    reasons.extend(wrong_caps(run));
    reasons.extend(wrong_durability(run));
    reasons
}

/// Caps that are not those claimed, or more than the budget has.
fn wrong_caps(run: &Run) -> Vec<String> {
    let mut reasons = Vec::new();
    for cap in &run.caps {
        let differs = (cap.cpus - cap.inspected_cpus).abs() > 1e-6
            || cap.memory_bytes != cap.inspected_memory_bytes;
        if differs {
            reasons.push(format!(
                "{} runs with {} CPU and {} bytes, not with the {} CPU and {} bytes claimed",
                cap.service,
                cap.inspected_cpus,
                cap.inspected_memory_bytes,
                cap.cpus,
                cap.memory_bytes,
            ));
        }
    }
    let cpus: f64 = run.caps.iter().map(|cap| cap.cpus).sum();
    if run.budget == "same" && cpus > SAME_BUDGET_CPUS + 1e-6 {
        reasons.push(format!(
            "the caps are {cpus:.2} CPU together, over the {SAME_BUDGET_CPUS} of the budget"
        ));
    }
    reasons
}

fn wrong_durability(run: &Run) -> Vec<String> {
    let mut reasons = Vec::new();
    for (setting, value) in &run.durability {
        let name = setting.rsplit('.').next().unwrap_or_default();
        let claims = CLAIMED_DURABILITY.iter().chain(&CLAIMED_OF_QUEUES);
        let claimed = claims.into_iter().find(|(claimed, _)| *claimed == name);
        if let Some((_, claimed)) = claimed.filter(|(_, claimed)| claimed != value) {
            reasons.push(format!("{setting} is {value}, not {claimed} as claimed"));
        }
    }
    reasons
}

fn why_suspect(run: &Run) -> Vec<String> {
    let mut reasons: Vec<String> = [below_what_was_asked(run), busy_generator(run)]
        .into_iter()
        .flatten()
        .collect();
    let load = &run.load;
    if load.schedule_lag_p99_ms > MAX_SCHEDULE_LAG_MS {
        reasons.push(format!(
            "the schedule lag p99 is {:.2} ms, over 1 ms",
            load.schedule_lag_p99_ms
        ));
    }
    reasons.extend(against_littles_law(run));
    let steal = run.environment.cpu_steal_share;
    if steal > MAX_STEAL {
        reasons.push(format!(
            "the hypervisor stole {:.1} % of the CPU",
            steal * 100.0
        ));
    }
    // A killed server forgets what it counted.
    if run.fault.is_none() {
        reasons.extend(counts::disagree(run));
    }
    reasons
}

/// With the service below its caps, the generator was the limit.
fn below_what_was_asked(run: &Run) -> Option<String> {
    let load = &run.load;
    let mut services = run.cost.per_service.values();
    let below_caps = services.all(|cost| cost.throttled_ratio < AT_CAP);
    let missed = load.achieved_per_s < MIN_ACHIEVED * load.asked_per_s;
    (missed && below_caps && run.fault.is_none()).then(|| {
        format!(
            "{:.1} signups/s were achieved of {:.1} asked for, with the service below its caps",
            load.achieved_per_s, load.asked_per_s,
        )
    })
}

fn busy_generator(run: &Run) -> Option<String> {
    let share = run.load.generator_cpu_share;
    (share > MAX_GENERATOR_SHARE).then(|| {
        let per_cent = share * 100.0;
        format!("the generator used {per_cent:.0} % of the CPU it could have had")
    })
}

fn against_littles_law(run: &Run) -> Option<String> {
    let (mean, expected) = (run.load.in_flight_mean, run.load.in_flight_expected);
    let deviation = (mean - expected).abs() / expected.max(f64::EPSILON);
    (expected >= MIN_IN_FLIGHT && deviation > MAX_LITTLE_DEVIATION).then(|| {
        format!(
            "{mean:.2} requests were in flight, but rate × latency says {expected:.2} (Little's law)"
        )
    })
}

/// The container nearest to its cap, if one was throttled.
#[must_use]
pub fn bottleneck(run: &Run) -> Option<Bottleneck> {
    let throttled = run
        .cost
        .per_service
        .iter()
        .filter(|(_, cost)| cost.throttled_ratio > AT_CAP);
    let (service, cost) =
        throttled.max_by(|(_, a), (_, b)| a.throttled_ratio.total_cmp(&b.throttled_ratio))?;
    let cap = run.caps.iter().find(|cap| cap.service == *service)?;
    Some(Bottleneck {
        service: service.clone(),
        resource: "cpu cap".into(),
        evidence: format!(
            "throttled in {:.0} % of its periods at {:.2} of {:.2} CPU",
            cost.throttled_ratio * 100.0,
            cost.cpu_s / (run.window_s + run.drain_s),
            cap.cpus,
        ),
    })
}

#[cfg(test)]
mod tests;
