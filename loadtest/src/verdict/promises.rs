//! What broken promises of the contract say about a run.

use super::MAX_SCHEDULE_LAG_MS;
use crate::record::{BrokenPromises, Run, Verdict};

/// How often, what that makes of the run, and what it is.
type Finding = (u64, Verdict, &'static str);

/// Each kind of promise that was broken, and what that makes of the run. Nothing for a run from
/// before they were counted.
pub(super) fn broken(run: &Run) -> Vec<(Verdict, String)> {
    let Some(broken) = &run.broken_promises else {
        return Vec::new();
    };
    let found = always(run, broken).into_iter();
    found
        .chain(without_fault(run, broken))
        .filter(|(number, ..)| *number > 0)
        .map(|(number, weight, what)| (weight, format!("{number} {what}")))
        .collect()
}

/// What holds whatever is broken.
fn always(run: &Run, broken: &BrokenPromises) -> [Finding; 3] {
    // A generator that was late itself is no witness for what took long. And where a process was
    // killed, for a moment nobody may be there to answer: it is said, but convicts nobody.
    let punctual = run.load.schedule_lag_p99_ms <= MAX_SCHEDULE_LAG_MS && run.fault.is_none();
    [
        (
            broken.over_2_s,
            convicts_if(punctual),
            "requests were not answered within 2 s",
        ),
        (
            broken.without_receipt,
            Verdict::Invalid,
            "signups were acknowledged without a receipt",
        ),
        (
            broken.receipts_denied,
            convicts_if(run.fault.is_none()),
            "checks of receipts that were given were answered 404",
        ),
    ]
}

/// With a fault, a visit may run out of checks and a read may fail; under too much load too.
fn without_fault(run: &Run, broken: &BrokenPromises) -> Vec<Finding> {
    if run.fault.is_some() {
        return Vec::new();
    }
    let refused = answered(run, &["429", "503"]) > 0;
    let queued = answered(run, &["202"]) > 0;
    // A signup that is committed when it is answered is recorded for every check answered.
    let sure = !refused && !queued && broken.failed_reads == 0;
    let mut found = vec![(
        broken.never_recorded,
        convicts_if(sure),
        "visits never saw their receipt recorded",
    )];
    if !refused {
        found.push((broken.failed_reads, Verdict::Suspect, "reads failed"));
    }
    found
}

fn convicts_if(sure: bool) -> Verdict {
    if sure {
        Verdict::Invalid
    } else {
        Verdict::Suspect
    }
}

/// Requests of any route with one of these answers.
fn answered(run: &Run, answers: &[&str]) -> u64 {
    let routes = run.answers.values();
    routes
        .flat_map(|route| answers.iter().filter_map(|answer| route.get(*answer)))
        .sum()
}
