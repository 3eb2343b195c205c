//! Latency against rate: where it turns up is what a phase carries.

use super::axis::Axis;
use super::canvas::{Chart, Line, Stroke};
use super::parts::{BLACK, BLUE, GREEN, PURPLE, VERMILION, highest, lowest};
use crate::format::number;
use lab_truth::capacity::{Capacity, System, rate};
use lab_truth::record::Verdict;
use lab_truth::spec::{Goal, PhaseName};
use plotters::style::RGBColor;
use std::collections::BTreeMap;

pub(super) fn capacity(capacity: &Capacity, subtitle: &str) -> Chart {
    let lines = capacity
        .systems
        .iter()
        .map(|system| lines(capacity, system));
    let mut lines: Vec<Line> = lines.flatten().collect();
    let rates = lines.iter().flat_map(|line| &line.points);
    let (mut from, mut to) = (f64::INFINITY, 1.0_f64);
    for (per_s, _) in rates {
        (from, to) = (from.min(*per_s), to.max(*per_s));
    }
    let x = Axis::log(from, to);
    let goal = Goal::default().p99_ms;
    let y = Axis::log(lowest(&lines), highest(&lines).max(goal));
    if to > 1.0 {
        lines.push(Line {
            label: "goal".to_owned(),
            detail: format!("{} ms", number(goal)),
            colour: BLACK,
            stroke: Stroke::Dashed,
            points: vec![(from, goal), (to, goal)],
        });
    }
    Chart {
        heading: format!("Answer time against rate: {}", capacity.scenario),
        subtitle: subtitle.to_owned(),
        verdict: Verdict::Valid,
        reasons: Vec::new(),
        unit: "p99 of the answers, from the intended start, in ms (log)".to_owned(),
        x_unit: "participants a second (log)",
        x,
        y,
        lines,
        bands: Vec::new(),
    }
}

/// Of each rate the median over its runs; those that are not VALID are left out. What is above the rate that
/// is quoted is dashed: it was missed, by refusals as well as by slowness.
fn lines(capacity: &Capacity, system: &System) -> [Line; 2] {
    let mut by_rung: BTreeMap<i32, Vec<f64>> = BTreeMap::new();
    let searches = capacity.searches_of(system);
    let tried = searches.flat_map(|search| &search.tried);
    for one in tried.filter(|one| one.verdict == Verdict::Valid) {
        by_rung.entry(one.rung).or_default().push(one.p99_ms);
    }
    let points = by_rung.into_iter().map(|(rung, mut p99s)| {
        p99s.sort_by(f64::total_cmp);
        (rung, (rate(rung), p99s[(p99s.len() - 1) / 2]))
    });
    let points: Vec<(i32, (f64, f64))> = points.collect();
    let median = capacity.median(system);
    let limit = median.map_or(i32::MIN, |median| median.rung);
    let line = |label: String, detail: String, stroke, range: &dyn Fn(i32) -> bool| Line {
        label,
        detail,
        colour: colour(system),
        stroke,
        points: points
            .iter()
            .filter(|(rung, _)| range(*rung))
            .map(|(_, point)| *point)
            .collect(),
    };
    let detail = median.map_or_else(
        || "not found".to_owned(),
        |median| format!("{}/s carried", number(rate(median.rung))),
    );
    [
        line(system.to_string(), detail, Stroke::Thin, &|rung| {
            rung <= limit
        }),
        line(String::new(), String::new(), Stroke::Dashed, &|rung| {
            rung >= limit
        }),
    ]
}

fn colour(system: &System) -> RGBColor {
    match system.phase {
        _ if !system.with.is_empty() => PURPLE,
        PhaseName::Phase1 => VERMILION,
        PhaseName::Phase2 => BLUE,
        PhaseName::Phase3 => GREEN,
    }
}
