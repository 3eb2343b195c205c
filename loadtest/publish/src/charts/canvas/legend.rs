//! The legend beside the plot: for each line a sample of it, its label, and a figure of the run.

use super::ink::{GUTTER, INK, MARGIN, MUTED, SHOWN, Svg, ZOOM};
use super::ink::{at, drawing, plain, top, unsigned, write};
use super::model::{Chart, Line, Stroke};
use anyhow::Result;
use plotters::element::{PathElement, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

pub(super) fn paint_legend(root: &Svg<'_>, chart: &Chart) -> Result<()> {
    let x = SHOWN.0 - GUTTER - MARGIN + 20;
    let room = SHOWN.1 - top(chart) - 60;
    let lines = || chart.lines.iter().filter(|line| !line.label.is_empty());
    let entries = i32::try_from(lines().count()).unwrap_or(i32::MAX).max(1);
    let pitch = (room / entries).min(44);
    for (line, row) in lines().zip(0..) {
        let y = top(chart) + 8 + pitch * row;
        paint_sample(root, line, (x, y))?;
        write(root, &line.label, (x + 34, y), &plain(13, INK, HPos::Left))?;
        // Too many lines for two rows each: the label is worth more than the detail.
        if pitch >= 30 {
            write(
                root,
                &line.detail,
                (x + 34, y + 17),
                &plain(12, MUTED, HPos::Left),
            )?;
        }
    }
    Ok(())
}

/// A short piece of the line, as it looks in the plot.
fn paint_sample(root: &Svg<'_>, line: &Line, (x, y): (i32, i32)) -> Result<()> {
    let solid = line.colour.stroke_width(unsigned(2 * ZOOM));
    let stroke = |from: i32, to: i32| PathElement::new([at((x + from, y)), at((x + to, y))], solid);
    match line.stroke {
        Stroke::Thin => root.draw(&stroke(0, 24)),
        Stroke::Broad => {
            let broad = line.colour.mix(0.45).stroke_width(unsigned(5 * ZOOM));
            root.draw(&PathElement::new([at((x, y)), at((x + 24, y))], broad))
        }
        Stroke::Dashed => root
            .draw(&stroke(0, 9))
            .and_then(|()| root.draw(&stroke(15, 24))),
        Stroke::Area => {
            let corners = [at((x, y - 6)), at((x + 24, y + 6))];
            root.draw(&Rectangle::new(corners, line.colour.mix(0.45).filled()))
        }
    }
    .map_err(drawing)
}
