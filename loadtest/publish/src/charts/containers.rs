//! CPU and memory of each container, against its cap.

use super::axis::{Axis, Scale};
use super::canvas::{Chart, Line, Stroke};
use super::parts::{BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION};
use super::parts::{chart, highest, level, lowest, points};
use crate::format::{as_mib, number};
use lab_truth::record::{Run, Second};
use plotters::style::RGBColor;

/// With more containers than this, each with a cap of its own, nobody finds the cap of a line: then
/// every line is a share of its cap, and there is one cap for all.
const MOST_WITH_CAPS_OF_THEIR_OWN: usize = 3;

const CONTAINERS: [RGBColor; 7] = [BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, BLACK];

pub(super) fn cpu(run: &Run) -> Chart {
    let cap = |service: &str| {
        run.caps
            .iter()
            .find(|c| c.service == service)
            .map(|c| c.cpus)
    };
    let used = |second: &Second, service: &str| second.cpus.get(service).copied();
    if services(run).len() > MOST_WITH_CAPS_OF_THEIR_OWN {
        return shares(run, "CPU of each container", "CPU in use", used, cap);
    }
    let lines = containers(run, used, cap);
    let caps = run
        .caps
        .iter()
        .map(|c| c.cpus)
        .filter(|c| c.is_finite())
        .fold(0.0, f64::max);
    let peak = highest(solid(&lines));
    // A system far below its caps would be a line along the bottom of a linear axis.
    let y = if peak > 0.0 && peak < caps / 10.0 {
        Axis::log(lowest(&lines).max(peak / 1000.0), caps)
    } else {
        Axis::linear_rounded(highest(&lines), 5.0)
    };
    let unit = if y.scale == Scale::Log {
        "CPUs in use, logarithmic"
    } else {
        "CPUs in use"
    };
    chart(run, "CPU of each container, and its cap", unit, y, lines)
}

pub(super) fn memory(run: &Run) -> Chart {
    let cap = |service: &str| {
        run.caps
            .iter()
            .find(|c| c.service == service)
            .map(|c| as_mib(c.memory_bytes))
    };
    let used = |s: &Second, service: &str| s.memory_bytes.get(service).map(|b| as_mib(*b));
    if services(run).len() > MOST_WITH_CAPS_OF_THEIR_OWN {
        let what = "Memory of each container";
        let unit = "memory in use without the page cache";
        return shares(run, what, unit, used, cap);
    }
    let lines = containers(run, used, cap);
    let y = Axis::linear_rounded(highest(&lines), 5.0);
    let unit = "MiB in use, without the page cache";
    chart(run, "Memory of each container, and its cap", unit, y, lines)
}

/// A chart of what each container used in per cent of its cap, and one line for all caps. The
/// legend has the absolute figures.
fn shares(
    run: &Run,
    what: &str,
    unit: &str,
    used: impl Fn(&Second, &str) -> Option<f64>,
    cap: impl Fn(&str) -> Option<f64>,
) -> Chart {
    let mut lines = uses(run, used, &cap);
    for line in &mut lines {
        let cap = cap(&line.label)
            .filter(|cap| *cap > 0.0)
            .unwrap_or(f64::NAN);
        for (_, value) in &mut line.points {
            *value *= 100.0 / cap;
        }
    }
    lines.push(level(run, "cap of each", String::new(), BLACK, 100.0));
    let y = Axis::linear_rounded(highest(&lines), 5.0);
    let unit = format!("{unit}, per cent of its cap");
    chart(run, what, &unit, y, lines)
}

/// A line of use and, in the same colour, a dashed one of the cap, for each container.
fn containers(
    run: &Run,
    used: impl Fn(&Second, &str) -> Option<f64>,
    cap: impl Fn(&str) -> Option<f64>,
) -> Vec<Line> {
    let mut lines = uses(run, used, &cap);
    let caps: Vec<Line> = lines
        .iter()
        .filter_map(|line| {
            let cap = cap(&line.label).filter(|cap| *cap > 0.0)?;
            Some(level(run, "", String::new(), line.colour, cap))
        })
        .collect();
    lines.extend(caps);
    // One entry in the legend, without a line of its own, explains all dashed lines.
    let label = "cap of each".to_owned();
    let detail = "in its colour".to_owned();
    lines.push(Line {
        label,
        detail,
        colour: GREY,
        stroke: Stroke::Dashed,
        points: Vec::new(),
    });
    lines
}

/// A line of use for each container; its detail also says the cap.
fn uses(
    run: &Run,
    used: impl Fn(&Second, &str) -> Option<f64>,
    cap: impl Fn(&str) -> Option<f64>,
) -> Vec<Line> {
    let coloured = services(run)
        .into_iter()
        .zip(CONTAINERS.into_iter().cycle());
    let line = |(service, colour): (&str, RGBColor)| {
        let points = points(run, |s| used(s, service).unwrap_or(f64::NAN));
        let sampled = points.iter().map(|(_, x)| *x).filter(|x| x.is_finite());
        let mut detail = format!("at most {}", number(sampled.fold(0.0, f64::max)));
        if let Some(cap) = cap(service).filter(|cap| *cap > 0.0) {
            detail.push_str(&format!(" of {}", number(cap)));
        }
        Line {
            label: service.to_owned(),
            detail,
            colour,
            stroke: Stroke::Thin,
            points,
        }
    };
    coloured.map(line).collect()
}

/// Every container that has a cap or was sampled, in the order of the caps.
fn services(run: &Run) -> Vec<&str> {
    let mut services: Vec<&str> = run.caps.iter().map(|cap| cap.service.as_str()).collect();
    let sampled = run
        .timeline
        .iter()
        .flat_map(|s| s.cpus.keys().chain(s.memory_bytes.keys()));
    for service in sampled {
        if !services.contains(&service.as_str()) {
            services.push(service);
        }
    }
    services
}

fn solid(lines: &[Line]) -> impl IntoIterator<Item = &Line> {
    lines.iter().filter(|line| line.stroke != Stroke::Dashed)
}
