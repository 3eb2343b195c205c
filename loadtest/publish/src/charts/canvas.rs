//! Draws one chart as SVG: heading, verdict, axes, lines, and a legend beside the plot, where it
//! covers no data. What is drawn is decided in the parent module.

mod heading;
mod ink;
mod legend;
mod model;

use super::axis::Axis;
use anyhow::{Result, anyhow};
use ink::{AXIS, BAND, GRID, GUTTER, MARGIN, MUTED, SHOWN, Svg, ZOOM};
use ink::{drawing, plain, top, unsigned, write};
pub(super) use model::{Chart, Line, Stroke};
use plotters::backend::SVGBackend;
use plotters::chart::ChartContext;
use plotters::coord::ranged1d::Ranged;
use plotters::element::{Circle, Rectangle};
use plotters::prelude::{Cartesian2d, ChartBuilder, IntoDrawingArea};
use plotters::series::{AreaSeries, DashedLineSeries, LineSeries};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, IntoFont, WHITE};

type Plot<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

/// The chart as the text of an SVG file.
///
/// # Errors
/// When plotters cannot draw it.
pub(super) fn draw(chart: &Chart) -> Result<String> {
    let mut svg = String::new();
    let size = (unsigned(SHOWN.0 * ZOOM), unsigned(SHOWN.1 * ZOOM));
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        paint(&root, chart).map_err(|error| anyhow!("drawing {}: {error}", chart.heading))?;
    }
    let drawn = format!("width=\"{}\" height=\"{}\"", size.0, size.1);
    let shown = format!("width=\"{}\" height=\"{}\"", SHOWN.0, SHOWN.1);
    Ok(svg.replacen(&drawn, &shown, 1))
}

fn paint(root: &Svg<'_>, chart: &Chart) -> Result<()> {
    // Opaque, so that dark text stays readable on a dark page.
    root.fill(&WHITE).map_err(drawing)?;
    heading::paint_heading(root, chart)?;
    heading::paint_watermark(root, chart)?;
    let mut plot = paint_axes(root, chart)?;
    paint_bands(&mut plot, chart)?;
    for line in &chart.lines {
        paint_line(&mut plot, line)?;
    }
    if chart.lines.iter().all(|line| line.points.is_empty()) {
        let middle = ((MARGIN + SHOWN.0 - GUTTER) / 2, (top(chart) + SHOWN.1) / 2);
        write(
            root,
            "nothing was sampled",
            middle,
            &plain(16, MUTED, HPos::Center),
        )?;
    }
    legend::paint_legend(root, chart)?;
    root.present().map_err(drawing)
}

fn paint_axes<'a, 'b>(root: &'a Svg<'b>, chart: &Chart) -> Result<Plot<'a, 'b>> {
    let mut plot = ChartBuilder::on(root)
        .margin_top(top(chart) * ZOOM)
        .margin_right((GUTTER + MARGIN) * ZOOM)
        .margin_left(MARGIN * ZOOM)
        .margin_bottom(14 * ZOOM)
        .x_label_area_size(46 * ZOOM)
        .y_label_area_size(56 * ZOOM)
        .build_cartesian_2d(chart.x.clone(), chart.y.clone())
        .map_err(drawing)?;
    plot.configure_mesh()
        .light_line_style(GRID)
        .bold_line_style(GRID.stroke_width(unsigned(ZOOM)))
        .axis_style(AXIS.stroke_width(unsigned(ZOOM)))
        .x_desc(chart.x_unit)
        .axis_desc_style(("sans-serif", 13 * ZOOM).into_font().color(&MUTED))
        .label_style(("sans-serif", 13 * ZOOM).into_font().color(&MUTED))
        .draw()
        .map_err(drawing)?;
    Ok(plot)
}

fn paint_bands(plot: &mut Plot<'_, '_>, chart: &Chart) -> Result<()> {
    let (low, high) = (chart.y.range().start, chart.y.range().end);
    let end = chart.x.range().end;
    // A fault of a moment still has to be seen.
    let least = end / 300.0;
    let seen = chart.bands.iter().filter(|(from, _)| *from < end);
    let bands = seen.map(|(from, to)| {
        let to = to.max(from + least).min(end);
        Rectangle::new([(*from, low), (to, high)], BAND.mix(0.35).filled())
    });
    plot.draw_series(bands).map_err(drawing)?;
    Ok(())
}

fn paint_line(plot: &mut Plot<'_, '_>, line: &Line) -> Result<()> {
    for points in line.points.split(|(_, value)| !value.is_finite()) {
        // A line through one point is invisible.
        if let [point] = points {
            let dot = Circle::new(*point, 3 * ZOOM, line.colour.filled());
            plot.draw_series([dot]).map_err(drawing)?;
            continue;
        }
        let thin = line.colour.stroke_width(unsigned(2 * ZOOM));
        match line.stroke {
            Stroke::Thin => plot.draw_series(LineSeries::new(points.iter().copied(), thin)),
            Stroke::Broad => {
                let broad = line.colour.mix(0.45).stroke_width(unsigned(5 * ZOOM));
                plot.draw_series(LineSeries::new(points.iter().copied(), broad))
            }
            Stroke::Dashed => plot.draw_series(DashedLineSeries::new(
                points.iter().copied(),
                7 * ZOOM,
                5 * ZOOM,
                thin,
            )),
            Stroke::Area => {
                let area = AreaSeries::new(points.iter().copied(), 0.0, line.colour.mix(0.45));
                plot.draw_series(area.border_style(line.colour.stroke_width(unsigned(ZOOM))))
            }
        }
        .map_err(drawing)?;
    }
    Ok(())
}
