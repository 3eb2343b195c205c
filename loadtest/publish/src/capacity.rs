//! What was found of how much phases carry: a table, a sentence to quote, a figure.

use crate::charts;
use crate::format::{count, number, percent};
use crate::tables::plain;
use anyhow::Result;
use comfy_table::{CellAlignment, Table};
use lab_truth::capacity::{Capacity, System, Tried, rate};
use lab_truth::record::{Bottleneck, Verdict};

/// The name of the figure's file.
pub const FIGURE: &str = "capacity.svg";

/// One row a system. Its last line has no line break.
#[must_use]
pub fn table(capacity: &Capacity, colours: bool) -> String {
    let names = [
        "phase",
        "carries\n/s",
        "range",
        "of",
        "p99\nms",
        "CPU-µs\n/signup",
        "missed above it: nearest to its limit",
    ];
    let mut table: Table = plain(colours);
    table.set_header(names);
    for (column, name) in table.column_iter_mut().zip(names) {
        column.set_padding((0, 1));
        if name != "phase" && !name.starts_with("missed") {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for system in &capacity.systems {
        table.add_row(row(capacity, system));
    }
    table.trim_fmt()
}

fn row(capacity: &Capacity, system: &System) -> Vec<String> {
    let found = capacity.found(system);
    let mut row = vec![system.to_string()];
    let ends = (found.first(), found.last());
    let (Some(median), (Some(lowest), Some(highest))) = (capacity.median(system), ends) else {
        row.push("not found".to_owned());
        return row;
    };
    row.extend([
        per_s(median),
        format!("{} to {}", per_s(lowest), per_s(highest)),
        found.len().to_string(),
        number(median.p99_ms),
        number(median.cpu_us_per_signup),
        in_the_way(capacity, system, median),
    ]);
    row
}

/// What was at its limit at the lowest rate above the median that was missed.
fn in_the_way(capacity: &Capacity, system: &System, median: &Tried) -> String {
    let tried = capacity
        .searches_of(system)
        .flat_map(|search| &search.tried);
    let missed =
        tried.filter(|one| one.verdict == Verdict::Valid && !one.carried && one.rung > median.rung);
    let first = missed.min_by_key(|one| one.rung);
    let words =
        |bottleneck: &Bottleneck| format!("{}: {}", bottleneck.service, bottleneck.evidence);
    let bottleneck = first.and_then(|one| one.bottleneck.as_ref());
    bottleneck.map_or_else(String::new, words)
}

/// Participants a second.
fn per_s(tried: &Tried) -> String {
    number(rate(tried.rung))
}

/// What a person can quote: how much each carries and what a signup costs there, in multiples of the first.
#[must_use]
pub fn sentence(capacity: &Capacity) -> String {
    let Some(first) = capacity.systems.first() else {
        return String::new();
    };
    let Some(least) = capacity.median(first) else {
        return format!("What {first} carries was not found: there is nothing to compare with.");
    };
    let mut sentence = format!(
        "On 1.25 CPU of this machine {first} carries {} participants a second{} ({})",
        per_s(least),
        range(capacity, first),
        capacity.scenario
    );
    for system in &capacity.systems[1..] {
        match capacity.median(system) {
            None => sentence += &format!(", {system} was not found"),
            Some(tried) => {
                sentence += &format!(
                    ", {system} {}{} ({} times as many, at {} of the cost)",
                    per_s(tried),
                    range(capacity, system),
                    number(rate(tried.rung) / rate(least.rung)),
                    percent(tried.cpu_us_per_signup / least.cpu_us_per_signup)
                );
            }
        }
    }
    match capacity.is_over() {
        true => sentence + ".",
        false => sentence + " (not finished).",
    }
}

/// ` (1,302 to 1,368)`, where repeats differ.
fn range(capacity: &Capacity, system: &System) -> String {
    match &capacity.found(system)[..] {
        [lowest, .., highest] if lowest.rung < highest.rung => {
            format!(" ({} to {})", per_s(lowest), per_s(highest))
        }
        _ => String::new(),
    }
}

/// The 99th percentile against the rate, a line a system: where it turns up is the knee.
///
/// # Errors
/// When it cannot be drawn.
pub fn figure(capacity: &Capacity) -> Result<String> {
    charts::capacity(capacity, &subtitle(capacity))
}

fn subtitle(capacity: &Capacity) -> String {
    let runs: usize = capacity.searches.iter().map(|one| one.tried.len()).sum();
    format!(
        "campaign {} · commit {} · {} runs of {} s, each from empty databases · dashed: missed",
        capacity.id,
        capacity.git_sha,
        count(runs as u64),
        capacity.window_s
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;

    #[test]
    fn what_was_found_is_said_in_a_row_and_in_a_sentence() {
        let capacity = fixtures::capacity();
        insta::assert_snapshot!(table(&capacity, false));
        insta::assert_snapshot!(sentence(&capacity));
    }

    #[test]
    fn what_was_not_found_is_not_made_up() {
        let mut capacity = fixtures::capacity();
        capacity.searches.clear();
        assert!(table(&capacity, false).contains("not found"));
        assert!(sentence(&capacity).contains("nothing to compare with"));
        assert!(figure(&capacity).unwrap().contains("nothing was sampled"));
    }

    #[test]
    fn the_figure_has_a_line_a_system() {
        let svg = figure(&fixtures::capacity()).unwrap();
        for part in [
            "phase1",
            "phase3",
            "20261128T120000Z-capacity",
            "participants a second",
        ] {
            assert!(svg.contains(part), "{part}");
        }
    }
}
