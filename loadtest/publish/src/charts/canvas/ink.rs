//! Sizes, colours, and how text is put on a chart.

use super::model::Chart;
use anyhow::{Result, anyhow};
use lab_truth::record::Verdict;
use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::element::Text;
use plotters::prelude::DrawingArea;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, TextStyle};

// plotters places everything on whole pixels: a canvas of twice the size shown keeps slopes smooth.
pub(super) const ZOOM: i32 = 2;
pub(super) const SHOWN: (i32, i32) = (960, 450);
pub(super) const GUTTER: i32 = 196;
pub(super) const MARGIN: i32 = 24;

pub(super) const INK: RGBColor = RGBColor(0x1F, 0x23, 0x28);
pub(super) const MUTED: RGBColor = RGBColor(0x57, 0x60, 0x6A);
pub(super) const AXIS: RGBColor = RGBColor(0x8C, 0x95, 0x9F);
pub(super) const BAND: RGBColor = RGBColor(0xFF, 0xD8, 0xB5);
pub(super) const GRID: RGBColor = RGBColor(0xE4, 0xE8, 0xEC);

pub(super) type Svg<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Where the plot begins: a line lower when there is a reason to tell above it.
pub(super) fn top(chart: &Chart) -> i32 {
    if chart.reasons.is_empty() { 96 } else { 116 }
}

pub(super) fn verdict_colour(verdict: Verdict) -> RGBColor {
    match verdict {
        Verdict::Valid => RGBColor(0x1A, 0x7F, 0x37),
        Verdict::Suspect => RGBColor(0x9A, 0x67, 0x00),
        Verdict::Invalid => RGBColor(0xCF, 0x22, 0x2E),
    }
}

pub(super) fn plain(size: i32, colour: impl Color, side: HPos) -> TextStyle<'static> {
    let pos = Pos::new(side, VPos::Center);
    TextStyle {
        font: ("sans-serif", size * ZOOM).into_font(),
        color: colour.to_backend_color(),
        pos,
    }
}

pub(super) fn bold(size: i32, colour: impl Color, side: HPos) -> TextStyle<'static> {
    let style = plain(size, colour, side);
    TextStyle {
        font: style.font.style(FontStyle::Bold),
        ..style
    }
}

pub(super) fn write(
    root: &Svg<'_>,
    text: &str,
    place: (i32, i32),
    style: &TextStyle<'_>,
) -> Result<()> {
    root.draw(&Text::new(text.to_owned(), at(place), style.clone()))
        .map_err(drawing)
}

pub(super) fn at((x, y): (i32, i32)) -> (i32, i32) {
    (x * ZOOM, y * ZOOM)
}

pub(super) fn unsigned(n: i32) -> u32 {
    n.unsigned_abs()
}

/// plotters' error borrows nothing, but is not `Sync`: keep its text.
pub(super) fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("{error}")
}
