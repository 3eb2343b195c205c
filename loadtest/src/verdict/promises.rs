//! What broken promises of the contract say about a run.

use super::MAX_SCHEDULE_LAG_MS;
use crate::record::{Run, Verdict};

/// Each kind of promise that was broken, and what that makes of the run. Nothing for a run from
/// before they were counted.
pub(super) fn broken(run: &Run) -> Vec<(Verdict, String)> {
    let Some(broken) = &run.broken_promises else {
        return Vec::new();
    };
    let faultless = run.fault.is_none();
    let refused = answered(run, &["429", "503"]) > 0;
    let queued = answered(run, &["202"]) > 0;
    let convicts_if = |sure: bool| {
        if sure {
            Verdict::Invalid
        } else {
            Verdict::Suspect
        }
    };
    // A generator that was late itself is no witness for what took long.
    let punctual = run.load.schedule_lag_p99_ms <= MAX_SCHEDULE_LAG_MS;
    let mut found = vec![
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
            convicts_if(faultless),
            "checks of receipts that were given were answered 404",
        ),
    ];
    // With a fault, or too much load, a visit may run out of checks and a read may fail.
    if faultless {
        // A signup that is committed when it is answered is recorded for every check answered.
        let sure = !refused && !queued && broken.failed_reads == 0;
        found.push((
            broken.never_recorded,
            convicts_if(sure),
            "visits never saw their receipt recorded",
        ));
    }
    if faultless && !refused {
        found.push((broken.failed_reads, Verdict::Suspect, "reads failed"));
    }
    let found = found.into_iter().filter(|(number, ..)| *number > 0);
    found
        .map(|(number, weight, what)| (weight, format!("{number} {what}")))
        .collect()
}

/// Requests of any route with one of these answers.
fn answered(run: &Run, answers: &[&str]) -> u64 {
    let routes = run.answers.values();
    routes
        .flat_map(|route| answers.iter().filter_map(|answer| route.get(*answer)))
        .sum()
}
