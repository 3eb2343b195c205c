//! The charts of a run, as SVG: rate, latency, backlog, CPU and memory over time. They are drawn from
//! `run.json` alone and carry the run's id and verdict, so that a copied picture still says what
//! it is worth.

mod axis;
mod backlog;
mod canvas;
mod containers;

use crate::format::{count, number, setting};
use crate::words;
use anyhow::Result;
use axis::Axis;
use canvas::{Chart, Line, Stroke};
use lab_truth::record::{Run, Second};
use lab_truth::spec::Budget;
use plotters::style::RGBColor;

/// The answer time a run is judged by: 99 % of the signups below this, from the intended start.
pub const GOAL_P99_MS: f64 = 250.0;

// Okabe and Ito's palette, told apart with every common kind of colour blindness; its yellow is
// too pale on white.
const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
const ORANGE: RGBColor = RGBColor(0xE6, 0x9F, 0x00);
const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
const PURPLE: RGBColor = RGBColor(0xCC, 0x79, 0xA7);
const SKY: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
const BLACK: RGBColor = RGBColor(0x00, 0x00, 0x00);
const GREY: RGBColor = RGBColor(0xAF, 0xB8, 0xC1);

/// A drawn chart.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Name of its file in the run's folder.
    pub file: &'static str,
    /// What it shows, for those who cannot see it.
    pub alt: &'static str,
    /// The SVG.
    pub svg: String,
}

const RATE: Names = (
    "rate.svg",
    "Signups asked for, acknowledged, refused and failed, a second",
);
const LATENCY: Names = (
    "latency.svg",
    "Answer time of signups over time, from the intended start and from the send",
);
const BACKLOG: Names = (
    "backlog.svg",
    "Signups accepted and recorded so far, and the backlog between them, over time",
);
const CPU: Names = ("cpu.svg", "CPU of each container against its cap");
const MEMORY: Names = ("memory.svg", "Memory of each container against its cap");

/// A chart's file name, and what it shows.
type Names = (&'static str, &'static str);

/// How a chart is made from a run.
type Drawn = fn(&Run) -> Chart;

/// File name and description of each chart of a run, in the order they are shown.
#[must_use]
pub fn files(run: &Run) -> Vec<(&'static str, &'static str)> {
    all(run).into_iter().map(|(names, _)| names).collect()
}

/// Draws all charts of a run.
///
/// # Errors
/// When plotters cannot draw one. Strange data (no second at all, not a number) is no reason.
pub fn draw(run: &Run) -> Result<Vec<Picture>> {
    let picture = |((file, alt), chart): (Names, Drawn)| {
        Ok(Picture {
            file,
            alt,
            svg: canvas::draw(&chart(run))?,
        })
    };
    all(run).into_iter().map(picture).collect()
}

/// Where the answer follows the commit, there is no backlog.
fn all(run: &Run) -> Vec<(Names, Drawn)> {
    let mut all: Vec<(Names, Drawn)> = vec![(RATE, rate), (LATENCY, latency)];
    if run.backlog.is_some() {
        all.push((BACKLOG, backlog::backlog));
    }
    all.push((CPU, containers::cpu));
    all.push((MEMORY, containers::memory));
    all
}

fn rate(run: &Run) -> Chart {
    let total = |of: fn(&Second) -> u64| run.timeline.iter().map(of).fold(0, u64::saturating_add);
    let line = |label: &str, what: &str, colour, stroke, of: fn(&Second) -> u64| Line {
        label: label.to_owned(),
        detail: format!("{} {what}", count(total(of))),
        colour,
        stroke,
        // A line of zeros would only hide the axis; the legend says 0.
        points: if total(of) == 0 {
            Vec::new()
        } else {
            points(run, |s| of(s) as f64)
        },
    };
    let mut lines = vec![
        line("asked", "arrivals", GREY, Stroke::Area, |s| s.asked),
        line("acknowledged", "answers", BLUE, Stroke::Thin, |s| s.acked),
    ];
    if run.backlog.is_some() {
        let recorded = |s: &Second| s.recorded.unwrap_or(0);
        lines.push(line("recorded", "rows", GREEN, Stroke::Thin, recorded));
    }
    lines.extend([
        line("refused", "answers", ORANGE, Stroke::Thin, |s| s.refused),
        line("failed", "answers", VERMILION, Stroke::Dashed, |s| s.failed),
    ]);
    let y = Axis::linear_rounded(highest(&lines), 5.0);
    chart(run, "Signups a second", "signups a second", y, lines)
}

fn latency(run: &Run) -> Chart {
    // 0 means that nothing was answered in this second: a gap, not a fast answer.
    let gap = |ms: f64| if ms > 0.0 { ms } else { f64::NAN };
    let whole = |ms: f64| format!("{} ms over the run", number(ms));
    let line = |label: &str, ms: f64, colour, stroke, of: fn(&Second) -> f64| Line {
        label: label.to_owned(),
        detail: whole(ms),
        colour,
        stroke,
        points: points(run, |s| gap(of(s))),
    };
    let answer = &run.latency_ms.answer;
    let from_send = &run.latency_ms.answer_from_send;
    let mut lines = vec![
        line(
            "p99, intended start",
            answer.p99,
            BLUE,
            Stroke::Broad,
            |s| s.p99_ms,
        ),
        line("p99, send", from_send.p99, VERMILION, Stroke::Thin, |s| {
            s.p99_from_send_ms
        }),
        line(
            "p50, intended start",
            answer.p50,
            GREEN,
            Stroke::Thin,
            |s| s.p50_ms,
        ),
    ];
    let y = Axis::log(lowest(&lines), highest(&lines));
    if y.low < GOAL_P99_MS.log10() && GOAL_P99_MS.log10() <= y.high {
        let detail = format!("{} ms", setting(GOAL_P99_MS));
        lines.push(level(run, "goal for p99", detail, BLACK, GOAL_P99_MS));
    }
    chart(
        run,
        "Answer time of signups",
        "milliseconds, logarithmic",
        y,
        lines,
    )
}

fn chart(run: &Run, what: &str, unit: &str, y: Axis, lines: Vec<Line>) -> Chart {
    let mut subtitle = format!("run {} · {} arrivals", run.id, run.spec.arrivals);
    if run.spec.budget != Budget::Same {
        subtitle.push_str(&format!(" · budget {}", run.spec.budget));
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
        x: Axis::linear(end(run), 8.0),
        y,
        lines,
        bands: run.faults.iter().map(|f| (f.begin_s, f.end_s)).collect(),
    }
}

/// A value for each second, in the middle of it.
fn points(run: &Run, of: impl Fn(&Second) -> f64) -> Vec<(f64, f64)> {
    run.timeline
        .iter()
        .map(|second| (f64::from(second.t_s) + 0.5, of(second)))
        .collect()
}

/// Where the last second of the run ends.
fn end(run: &Run) -> f64 {
    run.timeline
        .iter()
        .map(|s| f64::from(s.t_s) + 1.0)
        .fold(1.0, f64::max)
}

/// A horizontal dashed line over the whole load; none when there was no load.
fn level(run: &Run, label: &str, detail: String, colour: RGBColor, value: f64) -> Line {
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

fn highest<'a>(lines: impl IntoIterator<Item = &'a Line>) -> f64 {
    values(lines).fold(0.0, f64::max)
}

fn lowest<'a>(lines: impl IntoIterator<Item = &'a Line>) -> f64 {
    values(lines)
        .filter(|x| *x > 0.0)
        .fold(f64::INFINITY, f64::min)
}

fn values<'a>(lines: impl IntoIterator<Item = &'a Line>) -> impl Iterator<Item = f64> {
    lines
        .into_iter()
        .flat_map(|line| &line.points)
        .map(|(_, x)| *x)
        .filter(|x| x.is_finite())
}

#[cfg(test)]
mod tests;
