//! The charts of a run, as SVG: rate, latency, backlog, CPU and memory over time. They are drawn from
//! `run.json` alone and carry the run's id and verdict, so that a copied picture still says what
//! it is worth.

mod axis;
mod backlog;
mod canvas;
mod capacity;
mod containers;
mod course;
mod parts;

use anyhow::Result;
use canvas::Chart;
use lab_truth::capacity::Capacity;
use lab_truth::record::Run;

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

/// Draws what was found of how much phases carry.
///
/// # Errors
/// When plotters cannot draw it.
pub(crate) fn capacity(found: &Capacity, subtitle: &str) -> Result<String> {
    canvas::draw(&capacity::capacity(found, subtitle))
}

/// Where the answer follows the commit, there is no backlog.
fn all(run: &Run) -> Vec<(Names, Drawn)> {
    let mut all: Vec<(Names, Drawn)> = vec![(RATE, course::rate), (LATENCY, course::latency)];
    if run.backlog.is_some() {
        all.push((BACKLOG, backlog::backlog));
    }
    all.push((CPU, containers::cpu));
    all.push((MEMORY, containers::memory));
    all
}

#[cfg(test)]
mod tests;
