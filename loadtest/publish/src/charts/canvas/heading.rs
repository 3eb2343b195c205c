//! What stands above a plot and behind it: heading, run, and what the numbers are worth.

use super::ink::{GUTTER, INK, MARGIN, MUTED, SHOWN, Svg};
use super::ink::{at, bold, drawing, plain, top, verdict_colour, write};
use super::model::Chart;
use crate::words;
use anyhow::Result;
use lab_truth::record::Verdict;
use plotters::element::Rectangle;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, WHITE};

/// A heading of more characters than this would run into the verdict.
const LONG_HEADING: usize = 72;
/// Characters that fit into the width of the picture below the heading.
const LONGEST_LINE: usize = 135;

pub(super) fn paint_heading(root: &Svg<'_>, chart: &Chart) -> Result<()> {
    let right = SHOWN.0 - MARGIN;
    let colour = verdict_colour(chart.verdict);
    let size = if chart.heading.chars().count() > LONG_HEADING {
        15
    } else {
        19
    };
    write(
        root,
        &chart.heading,
        (MARGIN, 28),
        &bold(size, INK, HPos::Left),
    )?;
    write(
        root,
        &shortened(&chart.subtitle, LONGEST_LINE),
        (MARGIN, 52),
        &plain(13, MUTED, HPos::Left),
    )?;
    let badge = [at((right - 96, 16)), at((right, 42))];
    root.draw(&Rectangle::new(badge, colour.filled()))
        .map_err(drawing)?;
    let word = words::verdict(chart.verdict);
    write(root, word, (right - 48, 29), &bold(14, WHITE, HPos::Center))?;
    if let Some(why) = why(chart) {
        write(root, &why, (MARGIN, 74), &plain(13, colour, HPos::Left))?;
    }
    write(
        root,
        &chart.unit,
        (MARGIN, top(chart) - 16),
        &plain(13, MUTED, HPos::Left),
    )
}

/// The first reason, short enough for one line.
fn why(chart: &Chart) -> Option<String> {
    let first = chart.reasons.first()?;
    let others = chart.reasons.len() - 1;
    let mut why = shortened(first, 110);
    if others > 0 {
        why.push_str(&format!(" (and {others} more)"));
    }
    Some(why)
}

/// The start of a text that does not fit.
fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let start: String = text.chars().take(longest).collect();
    start + "…"
}

/// Numbers that may not be used must not be taken from the picture either.
pub(super) fn paint_watermark(root: &Svg<'_>, chart: &Chart) -> Result<()> {
    let verdict = chart.verdict;
    if verdict == Verdict::Valid {
        return Ok(());
    }
    let style = bold(110, verdict_colour(verdict).mix(0.13), HPos::Center);
    let middle = (
        (MARGIN + SHOWN.0 - GUTTER) / 2 + 16,
        (top(chart) + SHOWN.1 - 56) / 2,
    );
    write(root, words::verdict(verdict), middle, &style)
}
