//! Three questions about a run, answered apart: may its numbers be believed, did the phase carry the
//! load, and what was in the way. From the record alone, so that any stored run can be judged again.

mod believed;
mod bottleneck;
mod carried;
pub mod claims;
mod counts;
mod generator;
mod loaded;

use crate::record::{FirstJudgement, Reason, Run, Verdict};
pub use loaded::judge_load;

/// Answers the three questions, and writes the answers into the run.
pub fn judge(run: &mut Run) {
    let invalid = believed::why_invalid(run);
    let suspect = believed::why_suspect(run);
    run.verdict = match (invalid.is_empty(), suspect.is_empty()) {
        (false, _) => Verdict::Invalid,
        (true, false) => Verdict::Suspect,
        (true, true) => Verdict::Valid,
    };
    run.reasons = invalid.into_iter().chain(suspect).collect();
    run.outcome = Some(carried::outcome(run));
    run.bottleneck = bottleneck::bottleneck(run);
}

/// Judges a stored run again. What was said of it when it was made stays beside it. Whether anything
/// of the answers has changed.
pub fn judge_again(run: &mut Run) -> bool {
    let said = |run: &Run| {
        (
            run.verdict,
            run.reasons.clone(),
            run.outcome.clone(),
            run.bottleneck.clone(),
        )
    };
    let before = said(run);
    let words = |reason: &Reason| match reason {
        Reason::Stated { text } => text.clone(),
        typed => serde_json::to_string(typed).unwrap_or_default(),
    };
    let first = FirstJudgement {
        verdict: run.verdict,
        reasons: run.reasons.iter().map(words).collect(),
    };
    judge(run);
    let changed = said(run) != before;
    if changed && run.judged_first.is_none() {
        run.judged_first = Some(first);
    }
    changed
}

#[cfg(test)]
mod tests;
