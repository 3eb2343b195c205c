//! `lab capacity`: how much each phase carries, as a table, a sentence and a figure.

use super::colour::colours_wanted;
use super::journaled::ended;
use super::progress::Reporter;
use super::runs::{make_room, setting, stop_on_interrupt};
use crate::campaign::capacity::KIND;
use crate::campaign::written::Written;
use crate::output::{note, out};
use crate::run::Lock;
use anyhow::ensure;
use clap::{Args, ValueEnum};
use lab_publish::capacity;
use lab_truth::capacity::{Capacity, System};
use lab_truth::spec::{Other, PhaseName, Scenario};
use lab_truth::store;
use std::path::Path;
use std::process::ExitCode;

/// A run takes so much longer than its window, in seconds.
const AROUND_S: u64 = 45;

/// Runs of a search, about: the first one strides, a repeat begins where the last one ended.
const RUNS: (u64, u64) = (6, 3);

/// What to search.
#[derive(Debug, Args)]
pub(super) struct CapacityOptions {
    /// The phases, which take turns [default: all].
    phases: Vec<PhaseName>,

    /// Search a peer, too, first: phase 1 with a server in Go, whose image `make peer`
    /// makes. It answers a rush only.
    #[arg(long)]
    peer: bool,

    /// What the participants do.
    #[arg(long, value_enum, default_value = "rush")]
    scenario: Scenario,

    /// How often each phase is searched: the median is quoted, with the range.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,

    /// Seconds of each run.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    window: u32,

    /// Go on with a campaign that was broken off: its id, the beginning of it, or `latest`. It asks what it
    /// asked before.
    #[arg(long, value_name = "ID", conflicts_with_all = ["phases", "peer", "scenario", "repeats", "window"])]
    resume: Option<String>,

    /// Take down a phase that is up, with its data, instead of refusing.
    #[arg(long)]
    replace: bool,
}

/// Searches, and says what was found, also when it was broken off.
pub(super) async fn capacity(root: &Path, options: &CapacityOptions) -> anyhow::Result<ExitCode> {
    ensure!(
        !options.peer || options.scenario == Scenario::Rush,
        "--peer: the server in Go answers a rush only"
    );
    let _lock = Lock::take("lab capacity")?;
    make_room(root, options.replace, None).await?;
    let stop = stop_on_interrupt()?;
    let mut campaign = match &options.resume {
        Some(name) => Written::<Capacity>::find(root, KIND, name)?,
        None => Written::begin(root, KIND, |id| options.asked(id))?,
    };
    note!("{}", announcement(&campaign.record));
    let reporter = Reporter::new();
    let setting = setting(root, &reporter, stop);
    let result = campaign.go_on(&setting).await;
    reporter.finish();
    let found = &campaign.record;
    if !found.is_over() {
        note!("lab: `lab capacity --resume {}` goes on with it", found.id);
    }
    out!("{}", capacity::table(found, colours_wanted()));
    out!("{}", capacity::sentence(found));
    let figure = campaign.folder.join(capacity::FIGURE);
    match capacity::figure(found).and_then(|drawn| store::write(&figure, &drawn)) {
        Ok(()) => out!("figure: {}", figure.display()),
        Err(error) => note!("lab: no figure: {error:#}"),
    }
    ended(result)
}

/// What will be done, and how long it takes.
fn announcement(capacity: &Capacity) -> String {
    let systems: Vec<String> = capacity.systems.iter().map(System::to_string).collect();
    let left = capacity
        .turns()
        .filter(|(system, repeat)| !capacity.is_searched(system, *repeat));
    let runs: u64 = left
        .map(|(_, repeat)| if repeat == 1 { RUNS.0 } else { RUNS.1 })
        .sum();
    let seconds = runs * (u64::from(capacity.window_s) + AROUND_S);
    format!(
        "searching how much {} carry: about {} min",
        systems.join(", "),
        seconds.div_ceil(60)
    )
}

impl CapacityOptions {
    fn asked(&self, id: String) -> Capacity {
        let mut phases = self.phases.clone();
        phases.sort_unstable();
        phases.dedup();
        if phases.is_empty() {
            phases = PhaseName::value_variants().to_vec();
        }
        let peer = self.peer.then(|| System {
            phase: PhaseName::Phase1,
            with: [Other::GoServer].into(),
        });
        let phases = phases.into_iter().map(System::from);
        Capacity {
            id,
            command: crate::run::command(),
            git_sha: String::new(),
            window_s: self.window,
            scenario: self.scenario,
            systems: peer.into_iter().chain(phases).collect(),
            repeats: self.repeats,
            searches: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: CapacityOptions,
    }

    #[test]
    fn without_a_phase_all_are_searched_and_each_once() {
        let asked = |line: &str| {
            let systems = Line::parse_from(line.split(' '))
                .options
                .asked(String::new())
                .systems;
            let systems = systems.iter().map(System::to_string);
            systems.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(asked("lab"), "phase1, phase2, phase3");
        assert_eq!(asked("lab phase3 phase1 phase3"), "phase1, phase3");
        assert_eq!(asked("lab --peer phase3"), "phase1 with go-server, phase3");
        assert!(Line::try_parse_from(["lab", "phase1", "--resume", "latest"]).is_err());
    }

    #[test]
    fn it_is_said_how_long_it_takes() {
        let asked = Line::parse_from(["lab"]).options.asked(String::new());
        let said = announcement(&asked);
        assert_eq!(
            said,
            "searching how much phase1, phase2, phase3 carry: about 59 min"
        );
    }
}
