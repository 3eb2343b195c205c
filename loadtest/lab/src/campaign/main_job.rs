//! The main job: every phase at its own scale, within what this machine can carry.
//!
//! Machines differ by a factor of three, and a newcomer's first run must not end as an error because
//! of it. A short pilot tells what a phase costs here, and its users are given a window in which it
//! needs about three quarters of its budget: the published one where it can, a longer one where it must.

use super::{Made, make};
use crate::run::{Need, Setting, pilot};
use clap::ValueEnum;
use lab_truth::spec::{PUBLISHED_WINDOW_S, PhaseName, RunSpec, Slowdown};

/// A phase may need so much of all its CPU: what is above is for the peaks.
const OF_BUDGET: f64 = 0.75;

/// And a container so much of its own cap.
const OF_CAP: f64 = 0.85;

/// The cost floor of the machine of the published runs, in µs: 17.6 for an answer and 2.5 for a row, in
/// results/20261127T172954Z-phase3-rush-1000000.
const PUBLISHED_FLOOR_US: f64 = 20.1;

/// Windows are round.
const STEP_S: f64 = 10.0;

/// Below this a difference in the floor is the hour, not the machine (NOTES N25).
const NOISE: f64 = 1.25;

/// What bringing a phase up and down twice, for the pilot and the run, and looking at it takes beside
/// the window, in seconds: for the announcement.
const AROUND_S: u64 = 100;

/// What the main job asks of each phase, before it is known what the machine can carry.
#[must_use]
pub fn specs(slower: Slowdown) -> Vec<RunSpec> {
    let phases = PhaseName::value_variants().iter();
    let mut specs: Vec<RunSpec> = phases.map(|phase| RunSpec::of(*phase)).collect();
    specs.iter_mut().for_each(|spec| spec.slower = slower);
    specs
}

/// What will be run, and how long one will have to wait if the machine carries it.
#[must_use]
pub fn announcement(specs: &[RunSpec]) -> String {
    let seconds = |spec: &RunSpec| u64::from(spec.window_s) + AROUND_S;
    let minutes = specs.iter().map(seconds).sum::<u64>().div_ceil(60);
    let phases: Vec<String> = specs.iter().map(|spec| spec.phase.to_string()).collect();
    format!(
        "measuring {}: about {minutes} min, longer where this machine needs longer windows",
        phases.join(", then ")
    )
}

/// Makes the runs, each after its pilot. What was made before an error is in what is returned beside
/// it.
pub async fn run_all(specs: &[RunSpec], setting: &Setting<'_>) -> (Made, anyhow::Result<()>) {
    let mut made = Made::default();
    // The least that was seen: what else the machine does in a moment only ever adds to it.
    let mut floor_us = f64::INFINITY;
    for spec in specs {
        let one = async {
            setting.steps.step(&format!("a pilot of {}", spec.phase));
            let need = pilot(spec, setting).await?;
            let mut spec = spec.clone();
            spec.window_s = window_s(&need);
            floor_us = floor_us.min(need.floor.answer_cpu_us + need.floor.row_cpu_us);
            setting.steps.note(&sentence(&spec, &need, floor_us));
            make(&spec, setting).await
        };
        match one.await {
            Ok(run) => made.runs.push(run),
            Err(error) => return (made, Err(error)),
        }
    }
    (made, Ok(()))
}

/// The window in which a phase needs no more than it may.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a window of some minutes in whole seconds"
)]
fn window_s(need: &Need) -> u32 {
    let times = (need.of_budget / OF_BUDGET).max(need.of_cap / OF_CAP);
    let seconds = f64::from(PUBLISHED_WINDOW_S) * times;
    let round = (seconds / STEP_S).ceil() * STEP_S;
    (round as u32).max(PUBLISHED_WINDOW_S)
}

/// What the machine is, and what window that makes.
fn sentence(spec: &RunSpec, need: &Need, floor_us: f64) -> String {
    let machine = floor_us / PUBLISHED_FLOOR_US;
    let mut sentence = match machine * spec.slower.factor() {
        times if times >= NOISE => {
            format!("this machine is {times:.1} times slower than the published one")
        }
        _ => "this machine is about as fast as the published one".to_owned(),
    };
    if !spec.slower.is_none() {
        sentence += &format!(" ({} of it by --slower)", spec.slower);
    }
    let given = match spec.users {
        1_000_000 => "the million is".to_owned(),
        users => format!("the {users} users are"),
    };
    sentence += &format!(": {given} given {} s", spec.window_s);
    if spec.window_s == PUBLISHED_WINDOW_S {
        sentence += ", as published";
    }
    let share = |of: f64| of * 100.0;
    sentence
        + &format!(
            " (in {PUBLISHED_WINDOW_S} s {} would need {:.0} % of its CPU, {} {:.0} % of its cap)",
            spec.phase,
            share(need.of_budget),
            need.service,
            share(need.of_cap)
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::record::Floor;

    fn need(of_budget: f64, of_cap: f64) -> Need {
        Need {
            of_budget,
            of_cap,
            service: "phase3-balancer".into(),
            floor: Floor::default(),
        }
    }

    #[test]
    fn the_main_job_is_every_phase_and_says_how_long_it_takes() {
        let said = announcement(&specs(Slowdown::default()));
        let expected = "measuring phase1, then phase2, then phase3: about 10 min, longer where this \
                        machine needs longer windows";
        assert_eq!(said, expected);
    }

    #[test]
    fn the_window_is_the_published_one_where_it_can_and_longer_where_it_must() {
        // The published run: 82.6 µs of 1.25 CPU at 10,000/s, the balancer at 0.71 of its cap.
        assert_eq!(window_s(&need(0.66, 0.71)), 100);
        assert_eq!(window_s(&need(0.02, 0.05)), 100);
        assert_eq!(window_s(&need(1.42, 1.6)), 190);
        assert_eq!(window_s(&need(0.70, 1.30)), 160);
    }

    #[test]
    fn the_sentence_says_what_the_machine_is_and_what_follows() {
        let mut spec = RunSpec::of(PhaseName::Phase3);
        spec.window_s = 190;
        let said = sentence(&spec, &need(1.42, 1.5), 56.3);
        let expected = "this machine is 2.8 times slower than the published one: the million is given \
                        190 s (in 100 s phase3 would need 142 % of its CPU, phase3-balancer 150 % of \
                        its cap)";
        assert_eq!(said, expected);
        let mut spec = RunSpec::of(PhaseName::Phase1);
        let said = sentence(&spec, &need(0.02, 0.05), 21.0);
        let expected = "this machine is about as fast as the published one: the 1000 users are given \
                        100 s, as published (in";
        assert!(said.starts_with(expected), "{said}");
        spec.slower = "2.8".parse().unwrap();
        let said = sentence(&spec, &need(0.02, 0.05), 20.1);
        let expected =
            "this machine is 2.8 times slower than the published one (2.8 of it by --slower)";
        assert!(said.starts_with(expected), "{said}");
    }
}
