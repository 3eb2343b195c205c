//! A chart before it is drawn.

use crate::charts::axis::Axis;
use lab_truth::record::Verdict;
use plotters::style::RGBColor;

/// One chart, ready to be drawn.
pub(in crate::charts) struct Chart {
    pub(in crate::charts) heading: String,
    pub(in crate::charts) subtitle: String,
    pub(in crate::charts) verdict: Verdict,
    /// Why the verdict is not `VALID`.
    pub(in crate::charts) reasons: Vec<String>,
    /// What the vertical axis shows, with its unit.
    pub(in crate::charts) unit: String,
    pub(in crate::charts) x: Axis,
    pub(in crate::charts) y: Axis,
    pub(in crate::charts) lines: Vec<Line>,
    /// Seconds from and to which a fault lasted: drawn as bands behind the lines.
    pub(in crate::charts) bands: Vec<(f64, f64)>,
}

/// One line, and its entry in the legend.
pub(in crate::charts) struct Line {
    /// Empty for a line without an entry in the legend.
    pub(in crate::charts) label: String,
    /// The figure of the whole run, below the label.
    pub(in crate::charts) detail: String,
    pub(in crate::charts) colour: RGBColor,
    pub(in crate::charts) stroke: Stroke,
    /// Seconds and values; a value that is not a number leaves a gap.
    pub(in crate::charts) points: Vec<(f64, f64)>,
}

/// How a line is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::charts) enum Stroke {
    Thin,
    /// Broad and pale, so that a thin line above it stays visible where both agree.
    Broad,
    Dashed,
    Area,
}
