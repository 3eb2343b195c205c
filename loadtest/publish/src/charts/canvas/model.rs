//! A chart before it is drawn.

use crate::charts::axis::Axis;
use lab_truth::record::Verdict;
use plotters::style::RGBColor;

/// One chart, ready to be drawn.
pub(crate) struct Chart {
    pub(crate) heading: String,
    pub(crate) subtitle: String,
    pub(crate) verdict: Verdict,
    /// Why the verdict is not `VALID`.
    pub(crate) reasons: Vec<String>,
    /// What the vertical axis shows, with its unit.
    pub(crate) unit: String,
    /// What the horizontal axis shows.
    pub(crate) x_unit: &'static str,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
    /// Seconds from and to which a fault lasted: drawn as bands behind the lines.
    pub(crate) bands: Vec<(f64, f64)>,
}

/// One line, and its entry in the legend.
pub(crate) struct Line {
    /// Empty for a line without an entry in the legend.
    pub(crate) label: String,
    /// The figure of the whole run, below the label.
    pub(crate) detail: String,
    pub(crate) colour: RGBColor,
    pub(crate) stroke: Stroke,
    /// Seconds and values; a value that is not a number leaves a gap.
    pub(crate) points: Vec<(f64, f64)>,
}

/// How a line is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stroke {
    Thin,
    /// Broad and pale, so that a thin line above it stays visible where both agree.
    Broad,
    Dashed,
    Area,
}
