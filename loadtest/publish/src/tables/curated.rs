//! The table in `README.md`: a few runs, chosen by hand. Their ids stand in the comment that begins it:
//! `<!-- runs:begin ID ID … -->`.

use super::{figures, machine, times_floor};
use crate::format::count;
use crate::markdown::table;
use crate::words;
use anyhow::{Context, Result, ensure};
use lab_truth::record::Run;

/// How the line begins after which the table does.
pub(super) const BEGIN: &str = "<!-- runs:begin";
/// The line before which it ends.
pub(super) const END: &str = "<!-- runs:end -->";

/// More rows than these are read by nobody; all runs are in `results/README.md`.
const MOST_ROWS: usize = 10;

/// The ids of the runs that a text's table shows; none when it has no table.
pub(crate) fn curated_ids(text: &str) -> impl Iterator<Item = &str> {
    let ids = text
        .split(BEGIN)
        .nth(1)
        .and_then(|rest| rest.split("-->").next());
    ids.unwrap_or_default().split_whitespace()
}

/// `README.md` with the table between its two markers made again, of the runs that are named there.
///
/// # Errors
/// When the markers are not there, once each and in order, or a run that is named is not published.
pub fn with_curated_table(readme: &str, runs: &[Run]) -> Result<String> {
    let once = |marker: &str| readme.matches(marker).count() == 1;
    ensure!(
        once(BEGIN) && once(END),
        "README.md must have {BEGIN} … --> and {END} once each"
    );
    let begin = readme.find(BEGIN).unwrap_or_default() + BEGIN.len();
    let rest = &readme[begin..];
    let (ids, rest) = rest.split_once("-->").context("the marker has no end")?;
    let end = rest.find(END);
    let after = end.with_context(|| format!("README.md must have {BEGIN} before {END}"))?;
    let chosen = chosen(ids, runs)?;
    Ok(format!(
        "{}{ids}-->\n{}\n{}",
        &readme[..begin],
        rows(&chosen),
        &rest[after..]
    ))
}

fn chosen<'a>(ids: &str, runs: &'a [Run]) -> Result<Vec<&'a Run>> {
    let chosen: Result<Vec<&Run>> = ids
        .split_whitespace()
        .map(|id| {
            let run = runs.iter().find(|run| run.id == id);
            run.with_context(|| format!("README.md names {id}, which is no published run"))
        })
        .collect();
    let chosen = chosen?;
    ensure!(
        chosen.len() <= MOST_ROWS,
        "README.md shows {} runs, more than {MOST_ROWS}",
        chosen.len()
    );
    Ok(chosen)
}

fn rows(runs: &[&Run]) -> String {
    let rows = runs.iter().map(|run| {
        let [asked, acked, p50, p99, durable, cost, _, lost] = figures(run);
        let mut load = run.spec.load();
        if let Some(fault) = run.fault_text() {
            load += &format!(", {fault}");
        }
        let believed = words::verdict(run.verdict);
        [
            run.system(),
            count(run.spec.users.into()),
            load,
            machine(run),
            asked,
            acked,
            p50,
            p99,
            durable,
            cost,
            times_floor(run),
            lost,
            format!("[{believed}](results/{}/report.md)", run.id),
            words::outcome(run).to_owned(),
        ]
    });
    let head = [
        "System",
        "Users",
        "Load",
        "Machine",
        "Asked/s",
        "Acknowledged/s",
        "p50, ms",
        "p99, ms",
        "Durable p99, ms",
        "CPU-µs/signup",
        "× floor",
        "Lost",
        "Believed?",
        "Carried?",
    ];
    let align = [
        "---", "---:", "---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:",
        "---:", "---", "---",
    ];
    table(head, &align, rows)
}
