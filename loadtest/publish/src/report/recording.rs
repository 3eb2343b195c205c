//! The section of a report on what was between the answers and the rows.

use crate::format::{count, number};
use crate::markdown::{section, table};
use lab_truth::record::Run;

/// What the figures mean, and how exact they are.
const CLOCKS: &str = "\
A signup is durable when its row is committed, and accepted before that: what is between is the \
backlog. The time is counted for each participant, from the intended start of the first request that \
was acknowledged to the commit, on the database's clock, which is this machine's. PostgreSQL reads \
that clock just before it flushes the commit: add one flush.";

/// `None` where the answer follows the commit.
pub(super) fn recording(run: &Run) -> Option<String> {
    let backlog = run.backlog.as_ref()?;
    let durable = &run.latency_ms.durable;
    let rows = [
        ("Until durable, p50", number(durable.p50) + " ms"),
        ("Until durable, p99", number(durable.p99) + " ms"),
        ("Until durable, longest", number(durable.max) + " ms"),
        (
            "Largest backlog",
            format!(
                "{} signups, in second {}",
                count(backlog.peak),
                count(backlog.peak_t_s.into())
            ),
        ),
        (
            "Backlog when the last participants came",
            count(backlog.at_window_end) + " signups",
        ),
        (
            "Until it was empty, after the last answer",
            number(run.drain_s) + " s",
        ),
    ]
    .map(|(figure, value)| [figure.to_owned(), value]);
    let body = table(["Figure", "Value"], &["---", "---:"], rows);
    Some(section("Recording", &format!("{CLOCKS}\n\n{body}")))
}

/// What the summary says about it: after "Of … signups, none is lost."
pub(super) fn in_brief(run: &Run) -> Option<String> {
    let backlog = run.backlog.as_ref()?;
    Some(format!(
        " The answers left before the commits: 99 % of the signups were recorded within {} ms, at most \
         {} waited, and the last was recorded {} s after the last answer.",
        number(run.latency_ms.durable.p99),
        count(backlog.peak),
        number(run.drain_s),
    ))
}
