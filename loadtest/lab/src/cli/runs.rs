//! `lab run` and `lab main`: runs, one after the other, with one table at the end.

use super::colour::colours_wanted;
use super::exit::{INVALID, MISSED, SUSPECT};
use super::options::RunOptions;
use super::progress::Reporter;
use crate::campaign::{Made, main_job, make};
use crate::load;
use crate::output::note;
use crate::run::{Lock, Setting, left_up};
use crate::stack::compose::Stack;
use crate::stack::phases::phase;
use anyhow::ensure;
use clap::{Args, ValueEnum};
use lab_truth::record::Verdict;
use lab_truth::spec::{PhaseName, Slowdown};
use std::path::Path;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// How to run the main job.
#[derive(Debug, Args)]
pub(super) struct MainOptions {
    /// Divide every CPU cap of a phase by this, to stand in for a slower machine.
    #[arg(long, default_value = "1", value_name = "FACTOR")]
    slower: Slowdown,

    /// End with an error when a run is SUSPECT or has MISSED its goal: for continuous integration.
    #[arg(long)]
    strict: bool,

    /// Take down a phase that is up, with its data, instead of refusing.
    #[arg(long)]
    replace: bool,
}

/// One run.
pub(super) async fn run(root: &Path, options: &RunOptions) -> anyhow::Result<ExitCode> {
    let spec = options.spec();
    let _lock = Lock::take(&format!("lab run {}", spec.phase))?;
    make_room(root, options.replace, None).await?;
    let stop = stop_on_interrupt()?;
    let reporter = Reporter::new();
    note!(
        "measuring {}: about {} min",
        spec.system(),
        options.minutes()
    );
    let setting = Setting {
        keep: options.keep,
        ..setting(root, &reporter, stop)
    };
    let run = make(&spec, &setting).await;
    reporter.finish();
    let made = Made { runs: vec![run?] };
    made.print(colours_wanted());
    Ok(ends_with(&made, options.strict))
}

/// Every phase at its own scale.
pub(super) async fn main_job(root: &Path, options: &MainOptions) -> anyhow::Result<ExitCode> {
    let _lock = Lock::take("lab main")?;
    make_room(root, options.replace, None).await?;
    let stop = stop_on_interrupt()?;
    let specs = main_job::specs(options.slower);
    note!("{}", main_job::announcement(&specs));
    let reporter = Reporter::new();
    let setting = setting(root, &reporter, stop);
    let (made, result) = main_job::run_all(&specs, &setting).await;
    reporter.finish();
    made.print(colours_wanted());
    result?;
    Ok(ends_with(&made, options.strict))
}

/// Runs that take their phase down again.
pub(super) fn setting<'a>(
    root: &'a Path,
    reporter: &'a Reporter,
    stop: CancellationToken,
) -> Setting<'a> {
    Setting {
        root,
        variables: &[],
        keep: false,
        steps: reporter,
        stop,
    }
}

/// A phase that somebody has left up is kept, and named, unless it may be taken down. `but` may stay.
pub(super) async fn make_room(
    root: &Path,
    replace: bool,
    but: Option<PhaseName>,
) -> anyhow::Result<()> {
    let kept = but.map(|phase| phase.to_string());
    for name in left_up().await? {
        if Some(&name) == kept.as_ref() {
            continue;
        }
        ensure!(
            replace,
            "{name} is up and would be in the way. Take it down with `lab down {name}`, which removes its \
             data, or say --replace"
        );
        if let Ok(name) = PhaseName::from_str(&name, false) {
            Stack::new(phase(name), root).down().await?;
        }
    }
    Ok(())
}

/// Not Tokio's: goose installs a handler of its own, which would replace it.
pub(super) fn stop_on_interrupt() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    load::stop_on_interrupt(vec![stop.clone()])?;
    Ok(stop)
}

/// An INVALID run is an error whoever asks; SUSPECT and MISSED are results, unless they must not be.
fn ends_with(made: &Made, strict: bool) -> ExitCode {
    code(made.worst(), made.all_carried(), strict).map_or(ExitCode::SUCCESS, ExitCode::from)
}

fn code(worst: Verdict, carried: bool, strict: bool) -> Option<u8> {
    match worst {
        Verdict::Invalid => Some(INVALID),
        Verdict::Suspect if strict => Some(SUSPECT),
        Verdict::Suspect | Verdict::Valid => (strict && !carried).then_some(MISSED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_measured_is_no_error_unless_it_must_be_better() {
        use Verdict::{Invalid, Suspect, Valid};
        for (worst, carried, relaxed, strict) in [
            (Valid, true, None, None),
            (Valid, false, None, Some(12)),
            (Suspect, true, None, Some(10)),
            (Suspect, false, None, Some(10)),
            (Invalid, true, Some(11), Some(11)),
        ] {
            assert_eq!(code(worst, carried, false), relaxed, "{worst:?} {carried}");
            assert_eq!(code(worst, carried, true), strict, "{worst:?} {carried}");
        }
    }
}
