//! What charts are put together from: colours, levels, and the frame that says which run it is.

use super::axis::Axis;
use super::canvas::{Chart, Line, Stroke};
use crate::format::count;
use crate::words;
use lab_truth::record::{Run, Second};
use lab_truth::spec::Budget;
use plotters::style::RGBColor;

// Okabe and Ito's palette, told apart with every common kind of colour blindness; its yellow is
// too pale on white.
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub(super) const ORANGE: RGBColor = RGBColor(0xE6, 0x9F, 0x00);
pub(super) const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
pub(super) const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
pub(super) const PURPLE: RGBColor = RGBColor(0xCC, 0x79, 0xA7);
pub(super) const SKY: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
pub(super) const BLACK: RGBColor = RGBColor(0x00, 0x00, 0x00);
pub(super) const GREY: RGBColor = RGBColor(0xAF, 0xB8, 0xC1);

pub(super) fn chart(run: &Run, what: &str, unit: &str, y: Axis, lines: Vec<Line>) -> Chart {
    let mut subtitle = format!("run {} · {} arrivals", run.id, run.spec.arrivals);
    if run.spec.budget != Budget::Same {
        subtitle.push_str(&format!(" · budget {}", run.spec.budget));
    }
    if !run.spec.greedy.is_none() {
        subtitle.push_str(&format!(" · beside {}", run.spec.greedy));
    }
    if let Some(fault) = run.fault_text() {
        subtitle.push_str(&format!(" · fault: {fault}"));
    }
    let users = count(run.spec.users.into());
    Chart {
        heading: format!(
            "{what}: {}, {}, {users} users",
            run.system(),
            run.spec.scenario
        ),
        subtitle,
        verdict: run.verdict,
        reasons: words::reasons(run),
        unit: unit.to_owned(),
        x_unit: "seconds since the load began",
        x: Axis::linear(end(run), 8.0),
        y,
        lines,
        bands: run.faults.iter().map(|f| (f.begin_s, f.end_s)).collect(),
    }
}

/// A value for each second, in the middle of it.
pub(super) fn points(run: &Run, of: impl Fn(&Second) -> f64) -> Vec<(f64, f64)> {
    run.timeline
        .iter()
        .map(|second| (f64::from(second.t_s) + 0.5, of(second)))
        .collect()
}

/// Where the last second of the run ends.
pub(super) fn end(run: &Run) -> f64 {
    run.timeline
        .iter()
        .map(|s| f64::from(s.t_s) + 1.0)
        .fold(1.0, f64::max)
}

/// A horizontal dashed line over the whole load; none when there was no load.
pub(super) fn level(run: &Run, label: &str, detail: String, colour: RGBColor, value: f64) -> Line {
    let load = [(0.0, value), (end(run), value)];
    let points = if run.timeline.is_empty() {
        Vec::new()
    } else {
        load.to_vec()
    };
    Line {
        label: label.to_owned(),
        detail,
        colour,
        stroke: Stroke::Dashed,
        points,
    }
}

pub(super) fn highest<'a>(lines: impl IntoIterator<Item = &'a Line>) -> f64 {
    values(lines).fold(0.0, f64::max)
}

pub(super) fn lowest<'a>(lines: impl IntoIterator<Item = &'a Line>) -> f64 {
    values(lines)
        .filter(|x| *x > 0.0)
        .fold(f64::INFINITY, f64::min)
}

pub(super) fn values<'a>(lines: impl IntoIterator<Item = &'a Line>) -> impl Iterator<Item = f64> {
    lines
        .into_iter()
        .flat_map(|line| &line.points)
        .map(|(_, x)| *x)
        .filter(|x| x.is_finite())
}
