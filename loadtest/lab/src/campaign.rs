//! Programs over several runs.

pub mod capacity;
pub mod journal;
mod keep;
pub mod lists;
pub mod main_job;
pub mod written;

use crate::output::{note, out};
use crate::run::{self, Setting};
use crate::stack::monitoring::Monitoring;
use crate::stack::project::Project;
pub use keep::keep;
use lab_publish::{tables, words};
use lab_truth::record::{Run, Verdict};
use lab_truth::spec::RunSpec;
use std::path::Path;

/// What came of several runs, for whoever asked for them.
#[derive(Debug, Default)]
pub struct Made {
    /// In the order they were made.
    pub runs: Vec<Run>,
}

impl Made {
    /// The worst verdict.
    #[must_use]
    pub fn worst(&self) -> Verdict {
        let verdicts = self.runs.iter().map(|run| run.verdict);
        verdicts.max().unwrap_or(Verdict::Valid)
    }

    /// Whether every load was carried.
    #[must_use]
    pub fn all_carried(&self) -> bool {
        let outcomes = self.runs.iter().map(|run| run.outcome.as_ref());
        outcomes.flatten().all(|outcome| outcome.carried)
    }

    /// Prints one table, and below it a line a run that says more than the table.
    pub fn print(&self, colours: bool) {
        if self.runs.is_empty() {
            return;
        }
        out!("{}", tables::summary(&self.runs, colours));
        for run in &self.runs {
            out!("{}: {}", run.spec.system(), words::in_a_line(run));
            let reasons = words::reasons(run);
            reasons.iter().for_each(|reason| out!("  {reason}"));
        }
    }
}

/// Makes one run, keeps it, and says where its report is.
///
/// # Errors
/// When it could not be made or kept.
pub async fn make(spec: &RunSpec, setting: &Setting<'_>) -> anyhow::Result<Run> {
    let run = run::run(spec, setting).await?;
    let (report, run) = keep(&setting.root.join("results"), &run)?;
    setting.steps.note(&format!("report: {}", report.display()));
    if spec.monitoring
        && let Err(error) = show(setting.root).await
    {
        note!("lab: the run is kept, and Grafana does not show it yet: {error:#}");
    }
    Ok(run)
}

async fn show(root: &Path) -> anyhow::Result<()> {
    Monitoring::new(&Project::new(root))?.show_runs().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;
    use lab_truth::verdict;

    #[test]
    fn the_worst_run_decides_and_one_that_missed_is_told() {
        let valid = fixtures::rush();
        let mut suspect = fixtures::rush();
        suspect.verdict = Verdict::Suspect;
        let made = |runs: &[Run]| Made {
            runs: runs.to_vec(),
        };
        assert_eq!(made(std::slice::from_ref(&valid)).worst(), Verdict::Valid);
        assert_eq!(made(&[suspect.clone(), valid]).worst(), Verdict::Suspect);
        let mut missed = fixtures::overloaded();
        verdict::judge(&mut missed);
        assert!(!made(&[suspect, missed]).all_carried());
        assert!(made(&[]).all_carried());
    }
}
