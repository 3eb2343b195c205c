//! The section of a report on what the contract promises a participant.

use crate::format::count;
use crate::markdown::{section, table};
use lab_truth::record::Run;

/// `None` for a run from before they were counted.
pub(super) fn broken(run: &Run) -> Option<String> {
    let broken = run.broken_promises.as_ref()?;
    let rows = [
        ("Requests not answered within 2 s", broken.over_2_s),
        (
            "Signups acknowledged without a receipt",
            broken.without_receipt,
        ),
        (
            "Receipts that were given, answered 404",
            broken.receipts_denied,
        ),
        (
            "Visits that never saw their receipt recorded",
            broken.never_recorded,
        ),
        ("Reads that failed", broken.failed_reads),
    ]
    .map(|(what, number)| match number {
        0 => [what.to_owned(), count(0)],
        _ => [what.to_owned(), format!("**{}**", count(number))],
    });
    let body = table(["Promise not kept", "Times"], &["---", "---:"], rows);
    Some(section("Promises", &body))
}
