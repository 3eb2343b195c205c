//! Beside a peer: phase 1 as one would write it in Go, and each phase, each near its own limit on this
//! machine, in one sitting. Durable in the same databases, under the same 1.25 CPU.

use super::{Made, make};
use crate::run::{Need, Setting, pilot};
use lab_truth::record::Run;
use lab_truth::spec::{Other, PhaseName, RunSpec};

/// The nearest container may need so much of its cap: the limit, less what a rate that is drawn at random
/// goes above its mean.
const OF_CAP: f64 = 0.90;

/// Seconds of a run.
const WINDOW_S: u32 = 30;

/// The first pilot's signups a second: any machine carries so many, most three times as many.
const FIRST_PER_S: [(PhaseName, u32); 3] = [
    (PhaseName::Phase1, 300),
    (PhaseName::Phase2, 2_000),
    (PhaseName::Phase3, 4_000),
];

/// How long it takes, about: two pilots and a run of each.
pub const MINUTES: u64 = 10;

/// What is measured, the peer first, each with the first pilot's load.
#[must_use]
pub fn specs() -> Vec<RunSpec> {
    let spec = |(phase, per_s)| with_rate(&RunSpec::of(phase), f64::from(per_s));
    let mut specs: Vec<RunSpec> = FIRST_PER_S.map(spec).into();
    let mut peer = specs[0].clone();
    peer.with.insert(Other::GoServer);
    specs.insert(0, peer);
    specs
}

/// Makes the runs, each after two pilots: what a signup costs falls with the rate, so the first one's limit
/// is too low. What was made before an error is in what is returned beside it.
pub async fn run_all(specs: &[RunSpec], setting: &Setting<'_>) -> (Made, anyhow::Result<()>) {
    let mut made = Made::default();
    for spec in specs {
        let one = async {
            let mut spec = spec.clone();
            for _ in 0..2 {
                let per_s = spec.users_per_s();
                setting
                    .steps
                    .step(&format!("a pilot of {} at {per_s:.0}/s", spec.system()));
                spec = with_rate(&spec, limit(per_s, &pilot(&spec, setting).await?));
            }
            make(&spec, setting).await
        };
        match one.await {
            Ok(run) => made.runs.push(run),
            Err(error) => return (made, Err(error)),
        }
    }
    (made, Ok(()))
}

/// What a signup costs in each phase, in multiples of what it costs the peer: a line each.
#[must_use]
pub fn ratios(runs: &[Run]) -> Vec<String> {
    let Some((peer, others)) = runs.split_first() else {
        return Vec::new();
    };
    let cost = |run: &Run| run.cost.cpu_us_per_signup;
    let line = |run: &Run| {
        format!(
            "{}: {:.2} × what a signup costs {} ({:.0} and {:.0} CPU-µs, at {:.0} and {:.0}/s)",
            run.spec.system(),
            cost(run) / cost(peer),
            peer.spec.system(),
            cost(run),
            cost(peer),
            run.spec.users_per_s(),
            peer.spec.users_per_s(),
        )
    };
    others.iter().map(line).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "some thousands of signups a second"
)]
fn with_rate(spec: &RunSpec, per_s: f64) -> RunSpec {
    let users = per_s * f64::from(WINDOW_S);
    RunSpec {
        users: (users.round() as u32).max(1),
        window_s: WINDOW_S,
        ..spec.clone()
    }
}

/// The rate at which the nearest container is at its limit.
fn limit(per_s: f64, need: &Need) -> f64 {
    per_s * OF_CAP / need.of_cap.max(f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;
    use lab_truth::record::Floor;

    #[test]
    fn the_peer_comes_first_and_each_has_the_rate_of_its_limit() {
        let systems: Vec<String> = specs().iter().map(RunSpec::system).collect();
        assert_eq!(
            systems,
            ["phase1 with go-server", "phase1", "phase2", "phase3"]
        );
        let need = Need {
            of_budget: 0.3,
            of_cap: 0.45,
            service: "phase1-server".into(),
            floor: Floor::default(),
        };
        let spec = with_rate(&specs()[1], limit(300.0, &need));
        assert_eq!((spec.users, spec.window_s), (18_000, 30));
    }

    #[test]
    fn a_phase_is_said_in_multiples_of_the_peer() {
        let mut peer = fixtures::rush();
        peer.spec.with.insert(Other::GoServer);
        peer.cost.cpu_us_per_signup = 400.0;
        let mut run = fixtures::rush();
        run.cost.cpu_us_per_signup = 80.0;
        let [line] = &ratios(&[peer, run])[..] else {
            panic!("one line");
        };
        let said = "phase1: 0.20 × what a signup costs phase1 with go-server (80 and 400 CPU-µs";
        assert!(line.starts_with(said), "{line}");
        assert!(ratios(&[]).is_empty());
    }
}
