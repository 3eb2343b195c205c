//! A short load that tells how much of its budget a phase needs on this machine, before it is asked for
//! the whole.

use super::bench::Bench;
use super::{Setting, cost_floor, stack};
use crate::stack::compose::Stack;
use lab_truth::evidence::ClaimedCap;
use lab_truth::figures;
use lab_truth::plan::Participants;
use lab_truth::record::{Floor, ServiceCost};
use lab_truth::spec::{GreedyClients, RunSpec};
use std::collections::BTreeMap;

/// How long the load is: beyond the seconds in which connections are made, and short enough to wait for.
const WINDOW_S: u32 = 8;

/// What a phase needs to carry a load.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    /// Of all the CPU it has, 1 for all of it.
    pub of_budget: f64,
    /// Of its own cap, the container that needs most of it.
    pub of_cap: f64,
    /// Which container that is.
    pub service: String,
    /// What no signup can cost less than, here and now.
    pub floor: Floor,
}

/// Sends the load that `spec` asks for, for a few seconds, and measures what it costs.
///
/// # Errors
/// When the phase cannot be brought up or loaded.
pub async fn pilot(spec: &RunSpec, setting: &Setting<'_>) -> anyhow::Result<Need> {
    let mut short = spec.clone();
    short.window_s = WINDOW_S.min(spec.window_s);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of users"
    )]
    let users = (spec.users_per_s() * f64::from(short.window_s)).ceil() as u32;
    short.users = users.max(1);
    short.faults.clear();
    short.greedy = GreedyClients::default();
    short.monitoring = false;
    let stack = stack(&short, setting)?;
    let needed = tokio::select! {
        needed = measure(&short, &stack, setting) => needed,
        () = setting.stop.cancelled() => Err(anyhow::anyhow!("interrupted")),
    };
    let down = stack.down().await;
    let needed = needed?;
    down?;
    Ok(needed)
}

async fn measure(spec: &RunSpec, stack: &Stack, setting: &Setting<'_>) -> anyhow::Result<Need> {
    let steps = setting.steps;
    let claimed = stack.claimed_caps().await?;
    let bench = Bench::set_up(setting.root, stack, steps).await?;
    let floor = cost_floor::measure(&bench.databases, &bench.meter).await?;
    let url = bench.url(bench.entry(spec).await?);
    let begin = bench.meter.read().await?;
    let participants = Participants::new("pilot");
    let stop = setting.stop.clone();
    let (load, _) = bench.load(spec, &url, &participants, steps, stop).await?;
    let after = bench.come_to_rest(spec.users, &load, steps).await?;
    let cost = figures::cost_between(&[], &begin, &after.end);
    let kept = figures::acknowledged(spec.users, &load.attempts);
    Ok(need(&claimed, &cost, kept, spec.users_per_s(), floor))
}

/// What `users_per_s` need, when `kept` of them cost as much.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a pilot are exact in a double"
)]
fn need(
    claimed: &[ClaimedCap],
    cost: &BTreeMap<String, ServiceCost>,
    kept: u64,
    users_per_s: f64,
    floor: Floor,
) -> Need {
    let cpus = |service: &str| {
        let used = cost.get(service).map_or(0.0, |cost| cost.cpu_s);
        used / kept.max(1) as f64 * users_per_s
    };
    let all: f64 = claimed.iter().map(|cap| cpus(&cap.service)).sum();
    let budget: f64 = claimed.iter().map(|cap| cap.cpus).sum();
    let of_cap = |cap: &ClaimedCap| cpus(&cap.service) / cap.cpus;
    let most = claimed
        .iter()
        .max_by(|a, b| of_cap(a).total_cmp(&of_cap(b)));
    Need {
        of_budget: all / budget.max(f64::EPSILON),
        of_cap: most.map_or(0.0, of_cap),
        service: most.map(|cap| cap.service.clone()).unwrap_or_default(),
        floor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_needs_what_its_signups_cost_at_the_rate_that_is_asked() {
        let cap = |service: &str, cpus| ClaimedCap {
            service: service.into(),
            cpus,
            memory_bytes: 0,
        };
        let used = |service: &str, cpu_s| {
            let cost = ServiceCost {
                cpu_s,
                ..ServiceCost::default()
            };
            (service.to_owned(), cost)
        };
        // 1,000 signups cost 0.3 s and 0.2 s; 500 a second are asked for.
        let needed = need(
            &[cap("a", 0.2), cap("b", 0.3)],
            &[used("a", 0.3), used("b", 0.2)].into(),
            1_000,
            500.0,
            Floor::default(),
        );
        assert!((needed.of_budget - 0.5).abs() < 1e-9, "{needed:?}");
        assert!((needed.of_cap - 0.75).abs() < 1e-9 && needed.service == "a");
    }
}
