//! The course of the load: how many signups were answered, and how soon.

use super::axis::Axis;
use super::canvas::{Chart, Line, Stroke};
use super::parts::{
    BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION, chart, highest, level, lowest, points,
};
use crate::format::{count, number, setting};
use lab_truth::record::{Run, Second};

pub(super) fn rate(run: &Run) -> Chart {
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

pub(super) fn latency(run: &Run) -> Chart {
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
    let goal_ms = run.goal.p99_ms;
    if y.low < goal_ms.log10() && goal_ms.log10() <= y.high {
        let detail = format!("{} ms", setting(goal_ms));
        lines.push(level(run, "goal for p99", detail, BLACK, goal_ms));
    }
    chart(
        run,
        "Answer time of signups",
        "milliseconds, logarithmic",
        y,
        lines,
    )
}
