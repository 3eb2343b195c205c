//! Several runs, one after the other, with one table at the end.

use crate::phases::PhaseName;
use crate::record::{Run, Verdict};
use crate::run::Options;
use crate::{generator, results, run, table, terminal};
use clap::ValueEnum;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// The main job: every phase at its own scale.
#[must_use]
pub fn every_phase() -> Vec<Options> {
    let phases = PhaseName::value_variants().iter();
    phases.map(|phase| Options::of(*phase)).collect()
}

/// Makes the runs, writes them to `results/`, prints one table, and returns the worst verdict.
///
/// # Errors
/// When one could not be made; those before it are written and in the table.
pub async fn run_all(root: &Path, all: &[Options]) -> anyhow::Result<Verdict> {
    let stop = CancellationToken::new();
    // Not Tokio's: goose installs a handler of its own, which would replace it.
    generator::stop_on_interrupt(stop.clone())?;
    eprintln!("{}", announcement(all));
    let mut runs = Vec::new();
    let mut made = Ok(());
    for options in all {
        match run_one(root, options, &stop).await {
            Ok(run) => runs.push(run),
            Err(error) => {
                made = Err(error);
                break;
            }
        }
    }
    if !runs.is_empty() {
        println!("{}", table::summary(&runs, terminal::colours_wanted()));
    }
    for run in &runs {
        let reasons = run.reasons.iter();
        reasons.for_each(|reason| println!("{}: {reason}", run.id));
    }
    made.map(|()| worst(&runs))
}

async fn run_one(root: &Path, options: &Options, stop: &CancellationToken) -> anyhow::Result<Run> {
    let run = run::run(root, options, &[], stop.clone()).await?;
    let folder = results::write_run(&root.join("results"), &run)?;
    println!("report: {}", folder.join(results::REPORT_FILE).display());
    Ok(run)
}

/// What will be run, and how long one will have to wait.
fn announcement(all: &[Options]) -> String {
    let seconds: u64 = all.iter().map(|run| run.estimate().as_secs()).sum();
    let phases: Vec<_> = all.iter().map(|run| run.phase.phase().name).collect();
    let minutes = seconds.div_ceil(60);
    format!("measuring {}: about {minutes} min", phases.join(", then "))
}

fn worst(runs: &[Run]) -> Verdict {
    let is = |verdict| runs.iter().any(|run| run.verdict == verdict);
    if is(Verdict::Invalid) {
        Verdict::Invalid
    } else if is(Verdict::Suspect) {
        Verdict::Suspect
    } else {
        Verdict::Valid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_main_job_is_every_phase_and_says_how_long_it_takes() {
        let said = announcement(&every_phase());
        assert_eq!(
            said,
            "measuring phase1, then phase2, then phase3: about 8 min"
        );
    }

    #[test]
    fn the_worst_run_decides() {
        let (valid, invalid) = (sample::rush(), sample::lost());
        let mut suspect = sample::rush();
        suspect.verdict = Verdict::Suspect;
        assert_eq!(worst(std::slice::from_ref(&valid)), Verdict::Valid);
        assert_eq!(worst(&[suspect.clone(), valid]), Verdict::Suspect);
        assert_eq!(worst(&[suspect, invalid]), Verdict::Invalid);
    }
}
