//! What the lists of runs ask.

use crate::stack::phases::phase;
use anyhow::ensure;
use clap::ValueEnum;
use lab_truth::spec::{Arrivals, Other, PUBLISHED_WINDOW_S, PhaseName, RunSpec, Scenario};
use std::str::FromStr;

/// Participants of the matrix: what each phase is built for.
const USERS: [u32; 3] = [1_000, 100_000, 1_000_000];

/// The share of each window, from a hundredth to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale(f64);

impl Scale {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of participants, or of seconds"
    )]
    fn of(self, number: u32) -> u32 {
        ((f64::from(number) * self.0).round() as u32).max(1)
    }
}

impl FromStr for Scale {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let share: f64 = text.parse()?;
        ensure!((0.01..=1.0).contains(&share), "a share from 0.01 to 1");
        Ok(Self(share))
    }
}

/// Every phase at every scale, as a rush at an even rate, as a rush when doors open, and as a visit.
#[must_use]
pub fn matrix(scale: Scale) -> Vec<RunSpec> {
    let mut cells = Vec::new();
    for users in USERS {
        for (scenario, arrivals) in [
            (Scenario::Rush, Arrivals::Flat),
            (Scenario::Rush, Arrivals::Doors),
            (Scenario::Visit, Arrivals::Flat),
        ] {
            cells.extend(PhaseName::value_variants().iter().map(|phase| RunSpec {
                scenario,
                arrivals,
                users: scale.of(users),
                window_s: scale.of(PUBLISHED_WINDOW_S),
                ..RunSpec::of(*phase)
            }));
        }
    }
    cells
}

/// The phase whole, without each of its parts, and with what can stand in the place of one; a peer is none of
/// its parts.
#[must_use]
pub fn ablation(whole: &RunSpec) -> Vec<RunSpec> {
    let known = phase(whole.phase);
    let mut specs = vec![whole.clone()];
    specs.extend(known.parts.iter().map(|part| RunSpec {
        without: [*part].into(),
        ..whole.clone()
    }));
    let others = known.others.iter();
    let others = others.filter(|other| **other != Other::GoServer);
    specs.extend(others.map(|other| RunSpec {
        with: [*other].into(),
        ..whole.clone()
    }));
    specs.push(RunSpec {
        monitoring: false,
        ..whole.clone()
    });
    specs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_every_phase_at_every_scale_and_may_be_shortened() {
        let whole = matrix("1".parse().unwrap());
        assert_eq!(whole.len(), 27);
        let million = whole.iter().filter(|spec| spec.users == 1_000_000);
        assert_eq!(million.count(), 9);
        let short = matrix("0.02".parse().unwrap());
        for (whole, short) in whole.iter().zip(short) {
            assert_eq!((short.window_s, short.users), (2, whole.users / 50));
        }
        for wrong in ["0", "2", "x", "NaN"] {
            assert!(wrong.parse::<Scale>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_part_is_left_out_once_and_nothing_else() {
        let systems = |name| {
            let specs = ablation(&RunSpec::of(name));
            let systems = specs.iter().map(|spec| match spec.monitoring {
                true => spec.system(),
                false => format!("{} alone", spec.system()),
            });
            systems.collect::<Vec<_>>()
        };
        assert_eq!(systems(PhaseName::Phase1), ["phase1", "phase1 alone"]);
        assert_eq!(
            systems(PhaseName::Phase3),
            [
                "phase3",
                "phase3 without queue",
                "phase3 with balancer",
                "phase3 alone"
            ]
        );
    }
}
