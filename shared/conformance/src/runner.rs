//! Runs cases one after another and says how each ended, for `lab conformance`.

use crate::{Result, Target, cases};
use anyhow::bail;
use futures::future::BoxFuture;
use std::time::{Duration, Instant};

/// No case may take longer: a hanging service must fail a case, not stop the run.
const CASE_DEADLINE: Duration = Duration::from_secs(120);

/// One claim of the contract.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// `module::claim`.
    pub name: &'static str,
    /// Whether it looks at the operations port.
    pub needs_operations_port: bool,
    pub(crate) run: for<'t> fn(&'t Target) -> BoxFuture<'t, Result>,
}

/// How one case ended.
#[derive(Debug)]
pub struct Outcome {
    /// `module::claim`.
    pub name: &'static str,
    /// What the case said.
    pub verdict: Verdict,
    /// How long it took.
    pub elapsed: Duration,
}

/// What a case says of the service.
#[derive(Debug)]
pub enum Verdict {
    /// The claim holds.
    Passed,
    /// It does not; the error says what was sent, expected and got.
    Failed(anyhow::Error),
    /// Not tried: the case needs the operations port, and its URL is not known.
    Skipped,
}

/// How many cases ended how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Claims that hold.
    pub passed: usize,
    /// Claims that do not.
    pub failed: usize,
    /// Claims not tried.
    pub skipped: usize,
}

impl Case {
    /// Tries the claim.
    ///
    /// # Errors
    /// When it does not hold, or has not been decided within 120 s.
    pub async fn run(&self, target: &Target) -> Result {
        check(target, (self.run)(target)).await
    }
}

/// Waits for a case, but not for ever.
///
/// # Errors
/// The case's own, and when it has not ended within 120 s.
pub async fn check(target: &Target, case: impl Future<Output = Result>) -> Result {
    let within = CASE_DEADLINE + target.patience;
    match tokio::time::timeout(within, case).await {
        Ok(result) => result,
        Err(_elapsed) => bail!("not decided within {within:?}"),
    }
}

/// Runs the cases whose name contains `filter` (all for `None`), one at a time so that they do not
/// disturb each other's clocks, and calls `report` after each.
pub async fn run(
    target: &Target,
    filter: Option<&str>,
    mut report: impl FnMut(&Outcome),
) -> Summary {
    let mut summary = Summary::default();
    let chosen = |case: &Case| filter.is_none_or(|filter| case.name.contains(filter));
    for case in cases().into_iter().filter(chosen) {
        let start = Instant::now();
        let verdict = if case.needs_operations_port && target.operations_url.is_none() {
            Verdict::Skipped
        } else {
            match case.run(target).await {
                Ok(()) => Verdict::Passed,
                Err(error) => Verdict::Failed(error),
            }
        };
        match verdict {
            Verdict::Passed => summary.passed += 1,
            Verdict::Failed(_) => summary.failed += 1,
            Verdict::Skipped => summary.skipped += 1,
        }
        report(&Outcome {
            name: case.name,
            verdict,
            elapsed: start.elapsed(),
        });
    }
    summary
}
