//! The section of a report on where reads were answered from.

use crate::format::{NONE, count};
use crate::markdown::{section, table};
use lab_truth::figures::hit_rate;
use lab_truth::record::Run;

/// `None` when no read said where it came from: a load without reads, or a run from before they
/// were counted.
pub(super) fn reads(run: &Run) -> Option<String> {
    if run.reads.is_empty() {
        return None;
    }
    let rows = run.reads.iter().flat_map(|(route, sources)| {
        let all: u64 = sources.values().sum();
        sources.iter().map(move |(source, number)| {
            let (served_by, cache) = source.split_once('/').unwrap_or((source, NONE));
            [
                format!("`{route}`"),
                served_by.to_owned(),
                cache.to_owned(),
                count(*number),
                share(*number as f64 / all as f64),
            ]
        })
    });
    let head = ["Route", "Served by", "Cache", "Requests", "Share"];
    let body = table(head, &["---", "---", "---", "---:", "---:"], rows);
    let rates = run.reads.iter().filter_map(|(route, sources)| {
        let rate = hit_rate(sources)?;
        Some(format!("{route} {}", share(rate)))
    });
    let rates: Vec<String> = rates.collect();
    let text = format!("{body}\n\nAnswered from a cache: {}.", rates.join(", "));
    Some(section("Reads", &text))
}

/// With a decimal always: a goal of 99 % must not be met by rounding.
fn share(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
