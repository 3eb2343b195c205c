//! What was accepted and what was recorded of it, both since the load began: the distance from one
//! line to the other is the backlog upwards, and sideways the time a signup waited.

use super::axis::Axis;
use super::canvas::{Chart, Line, Stroke};
use super::parts::{BLACK, BLUE, GREY, VERMILION};
use super::parts::{chart, highest};
use crate::format::{count, number, setting};
use lab_truth::record::{Run, Second};

pub(super) fn backlog(run: &Run) -> Chart {
    let mut recorded = 0_u64;
    let so_far = run.timeline.iter().map(|second| {
        recorded = recorded.saturating_add(second.recorded.unwrap_or(0));
        (second, recorded)
    });
    let so_far: Vec<(&Second, u64)> = so_far.collect();
    let line = |label: &str, detail: String, colour, stroke, of: fn(&Second, u64) -> u64| Line {
        label: label.to_owned(),
        detail,
        colour,
        stroke,
        points: ends(&so_far, of),
    };
    let accepted = |s: &Second, recorded: u64| recorded.saturating_add(s.backlog);
    let detail = run.backlog.clone().unwrap_or_default();
    let mut lines = vec![
        line(
            "accepted so far",
            format!("{} signups", count(run.ledger.acked)),
            GREY,
            Stroke::Area,
            accepted,
        ),
        line(
            "recorded so far",
            format!("drained in {} s", number(run.drain_s)),
            BLUE,
            Stroke::Thin,
            |_, recorded| recorded,
        ),
        line(
            "backlog",
            format!("at most {}", count(detail.peak)),
            VERMILION,
            Stroke::Thin,
            |s, _| s.backlog,
        ),
    ];
    let y = Axis::linear_rounded(highest(&lines), 5.0);
    lines.push(end_of_load(run, highest(&lines)));
    let unit = "signups since the load began";
    chart(run, "Accepted and recorded", unit, y, lines)
}

/// A value for the end of each second, and none at the start.
fn ends(so_far: &[(&Second, u64)], of: fn(&Second, u64) -> u64) -> Vec<(f64, f64)> {
    let ends = so_far.iter().map(|(second, recorded)| {
        let value = of(second, *recorded) as f64;
        (f64::from(second.t_s) + 1.0, value)
    });
    if so_far.is_empty() {
        return Vec::new();
    }
    [(0.0, 0.0)].into_iter().chain(ends).collect()
}

/// A vertical dashed line where the window ends in which participants came.
fn end_of_load(run: &Run, top: f64) -> Line {
    let points = if run.timeline.is_empty() {
        Vec::new()
    } else {
        vec![(run.window_s(), 0.0), (run.window_s(), top)]
    };
    Line {
        label: "end of the load".to_owned(),
        detail: format!("{} s", setting(run.window_s())),
        colour: BLACK,
        stroke: Stroke::Dashed,
        points,
    }
}
