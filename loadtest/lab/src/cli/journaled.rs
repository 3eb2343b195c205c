//! `lab matrix`, `lab noise` and `lab ablate`: lists of runs, each of which can be gone on with.

use super::colour::colours_wanted;
use super::exit::INVALID;
use super::progress::Reporter;
use super::runs::{make_room, setting, stop_on_interrupt};
use crate::campaign::journal::AROUND_S;
use crate::campaign::lists::{self, Scale};
use crate::campaign::written::Written;
use crate::output::{note, out};
use crate::run::{Lock, command};
use clap::Args;
use lab_publish::{ablation, tables};
use lab_truth::journal::{Journal, interleaved};
use lab_truth::record::{Run, Verdict};
use lab_truth::spec::{PUBLISHED_WINDOW_S, PhaseName, RunSpec, Scenario};
use std::path::Path;
use std::process::ExitCode;

/// What all lists of runs take.
#[derive(Debug, Args)]
pub(super) struct ListOptions {
    /// Go on with a list that was broken off: its id, the beginning of it, or `latest`. It asks what it asked
    /// before, whatever else is said here.
    #[arg(long, value_name = "ID")]
    resume: Option<String>,

    /// Take down a phase that is up, with its data, instead of refusing.
    #[arg(long)]
    replace: bool,
}

/// Which cells.
#[derive(Debug, Args)]
pub(super) struct MatrixOptions {
    /// Of each window only this share, with as many fewer participants: the same rates for a shorter time,
    /// to try the machine; not for publication.
    #[arg(long, default_value = "1", value_name = "SHARE")]
    scale: Scale,

    #[command(flatten)]
    list: ListOptions,
}

/// The load that is repeated.
#[derive(Debug, Args)]
pub(super) struct RepeatOptions {
    /// The phase.
    #[arg(required_unless_present = "resume")]
    phase: Option<PhaseName>,

    /// What the participants do.
    #[arg(long, value_enum, default_value = "rush")]
    scenario: Scenario,

    /// Participants who come in each run.
    #[arg(long, default_value_t = 30_000)]
    users: u32,

    /// Seconds within which they come.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    window: u32,

    /// How often each is run; of `noise` how many pairs.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,

    #[command(flatten)]
    list: ListOptions,
}

/// Every phase at every scale.
pub(super) async fn matrix(root: &Path, options: &MatrixOptions) -> anyhow::Result<ExitCode> {
    let specs = || lists::matrix(options.scale);
    in_a_list(root, "matrix", &options.list, specs, |runs| {
        out!("{}", tables::summary(runs, colours_wanted()));
        if runs
            .iter()
            .any(|run| run.spec.window_s < PUBLISHED_WINDOW_S)
        {
            out!("Shortened windows: to try the machine, not for publication.");
        }
    })
    .await
}

/// By how much two runs of one question differ.
pub(super) async fn noise(root: &Path, options: &RepeatOptions) -> anyhow::Result<ExitCode> {
    let specs = || vec![options.spec(); 2 * options.repeats as usize];
    in_a_list(root, "noise", &options.list, specs, |runs| {
        out!("{}", tables::summary(runs, colours_wanted()));
        out!("{}", ablation::band(runs));
    })
    .await
}

/// What each part of a phase buys.
pub(super) async fn ablate(root: &Path, options: &RepeatOptions) -> anyhow::Result<ExitCode> {
    let specs = || interleaved(&lists::ablation(&options.spec()), options.repeats);
    in_a_list(root, "ablate", &options.list, specs, |runs| {
        out!("{}", ablation::table(runs, colours_wanted()));
    })
    .await
}

impl RepeatOptions {
    fn spec(&self) -> RunSpec {
        RunSpec {
            scenario: self.scenario,
            users: self.users,
            window_s: self.window,
            // Without one, clap has seen to it that there is a list to go on with.
            ..RunSpec::of(self.phase.unwrap_or(PhaseName::Phase1))
        }
    }
}

/// Makes the runs of a list, and shows what came of it, also when it was broken off.
async fn in_a_list(
    root: &Path,
    kind: &str,
    options: &ListOptions,
    specs: impl FnOnce() -> Vec<RunSpec>,
    show: impl FnOnce(&[Run]),
) -> anyhow::Result<ExitCode> {
    let _lock = Lock::take(&format!("lab {kind}"))?;
    make_room(root, options.replace, None).await?;
    let stop = stop_on_interrupt()?;
    let mut list = match &options.resume {
        Some(name) => Written::<Journal>::find(root, kind, name)?,
        None => Written::begin(root, kind, |id| Journal {
            id,
            command: command(),
            specs: specs(),
            runs: Vec::new(),
        })?,
    };
    note!(
        "{} runs, about {} min",
        list.record.specs.len() - list.record.runs.len(),
        list.record.left_s(AROUND_S).div_ceil(60)
    );
    let reporter = Reporter::new();
    let setting = setting(root, &reporter, stop);
    let result = list.go_on(&setting).await;
    reporter.finish();
    if result.is_err() && list.record.next().is_some() {
        note!(
            "lab: `lab {kind} --resume {}` goes on with it",
            list.record.id
        );
    }
    match list.runs() {
        Ok(runs) if runs.is_empty() => {}
        Ok(runs) => {
            show(&runs);
            out!("records: {}", list.folder.display());
        }
        Err(error) => note!("lab: {error:#}"),
    }
    ended(result)
}

/// A run that is INVALID is told by the exit code from what could not be done.
pub(super) fn ended(result: anyhow::Result<Verdict>) -> anyhow::Result<ExitCode> {
    Ok(match result? {
        Verdict::Invalid => ExitCode::from(INVALID),
        Verdict::Valid | Verdict::Suspect => ExitCode::SUCCESS,
    })
}
