//! What to run: the command line of `lab run`.

use crate::fault::Faults;
use crate::phases::{Budget, Part, PhaseName};
use crate::scenario::Scenario;
use crate::schedule::Arrivals;
use clap::Args;
use std::time::Duration;

/// What a run takes beside its load: bringing containers up and down, and looking at them idle.
const AROUND: Duration = Duration::from_secs(50);

/// As many as phase 3 lets be in progress: a stall of 0.2 s at 10,000 requests a second. With fewer,
/// requests would be sent late, and the run say nothing of the phase.
const SLOTS: u32 = 2_048;

/// What to run.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The phase to measure.
    pub phase: PhaseName,

    /// Participants who come [default: as many as the phase is built for].
    #[arg(long)]
    pub users: Option<u32>,

    /// Seconds within which they come.
    #[arg(long, default_value_t = 100)]
    pub window: u32,

    /// What they do.
    #[arg(long, value_enum, default_value = "rush")]
    pub scenario: Scenario,

    /// How they come.
    #[arg(long, value_enum, default_value = "flat")]
    pub arrivals: Arrivals,

    /// Fixes the whole schedule: the same seed is the same load.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Most requests in flight at once. One that finds no free slot is sent late, and counted.
    #[arg(long, default_value_t = SLOTS)]
    pub slots: u32,

    /// Switch a part of the phase off, to see what it buys; may be given several times. The result
    /// says so everywhere and stands for itself. (phase1 has no such part.)
    #[arg(long, value_enum, value_name = "PART")]
    pub without: Vec<Part>,

    /// Which caps the containers get. (phase1 has only one set.)
    #[arg(long, value_enum, default_value = "same")]
    pub budget: Budget,

    /// What is to fail meanwhile.
    #[command(flatten)]
    pub faults: Faults,

    /// Measure without Prometheus, Grafana and the container metrics beside the phase.
    #[arg(long)]
    pub no_monitoring: bool,

    /// Leave the phase up after the run, to look at it in Grafana.
    #[arg(long)]
    pub keep: bool,
}

impl Options {
    /// A run of `phase` at its own scale, with every setting at its default.
    #[must_use]
    pub fn of(phase: PhaseName) -> Self {
        Self {
            phase,
            users: None,
            window: 100,
            scenario: Scenario::Rush,
            arrivals: Arrivals::Flat,
            seed: 1,
            slots: SLOTS,
            without: Vec::new(),
            budget: Budget::Same,
            faults: Faults::default(),
            no_monitoring: false,
            keep: false,
        }
    }

    /// The parts that are switched off, each once, in one order.
    #[must_use]
    pub fn left_out(&self) -> Vec<Part> {
        let mut parts = self.without.clone();
        parts.sort();
        parts.dedup();
        parts
    }

    /// How long it will take, about.
    #[must_use]
    pub fn estimate(&self) -> Duration {
        Duration::from_secs(u64::from(self.window)) + AROUND
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(line: &str) -> Options {
        Line::parse_from(line.split(' ')).options
    }

    #[test]
    fn a_bare_phase_is_a_run_at_its_own_scale() {
        let (parsed, made) = (options("lab phase2"), Options::of(PhaseName::Phase2));
        assert_eq!(format!("{parsed:?}"), format!("{made:?}"));
    }

    #[test]
    fn parts_are_left_out_once_whatever_their_order() {
        let line = "lab phase2 --without replica --without batch --without replica";
        assert_eq!(options(line).left_out(), [Part::Batch, Part::Replica]);
    }
}
