//! Axes: where the ticks go and how a value maps onto a linear or logarithmic scale, for any
//! range, also an empty one or one of many orders of magnitude.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use std::ops::Range;

/// How a value becomes a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// Position = value.
    Linear,
    /// Position = log10 of the value; what is below the axis lies on its lower end.
    Log,
}

/// One axis: its scale, its ends in positions, and its ticks.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) scale: Scale,
    pub(super) low: f64,
    pub(super) high: f64,
    /// Value of each tick, ascending.
    pub(super) ticks: Vec<f64>,
}

/// A chart of more than this is not one a person reads, and adding a margin to it would overflow.
const LARGEST: f64 = 1e15;
/// Nothing worth a chart is smaller: a microsecond in ms, a thousandth of a CPU.
const SMALLEST: f64 = 0.001;

impl Axis {
    /// From 0 to just above `max`, with about `wanted` round ticks.
    pub(super) fn linear(max: f64, wanted: f64) -> Self {
        let max = drawable(max);
        let step = round_step(max / wanted);
        let mut ticks = Vec::new();
        let mut tick = 0.0;
        while tick <= max * 1.000_001 {
            ticks.push(tick);
            tick += step;
        }
        Self {
            scale: Scale::Linear,
            low: 0.0,
            high: max,
            ticks,
        }
    }

    /// From 0 to a tick at or above `max`, so that no line touches the upper edge.
    pub(super) fn linear_rounded(max: f64, wanted: f64) -> Self {
        let max = drawable(max);
        let step = round_step(max / wanted);
        let top = (max * 1.04 / step).ceil() * step;
        Self::linear(top, top / step)
    }

    /// Logarithmic, over all positive values from `min` to `max`, at least one decade.
    pub(super) fn log(min: f64, max: f64) -> Self {
        let min = if min.is_finite() && min > 0.0 {
            min.clamp(SMALLEST, LARGEST)
        } else {
            1.0
        };
        let max = if max.is_finite() {
            max.clamp(min, LARGEST)
        } else {
            LARGEST
        };
        let low = round_down(min / 1.1);
        let high = round_up((max * 1.15).max(low * 10.0));
        let decades = (high / low).log10();
        let mantissas: &[f64] = if decades > 4.5 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let mut ticks = Vec::new();
        let mut decade = 10f64.powf(low.log10().floor());
        while decade <= high * 1.000_001 {
            for mantissa in mantissas {
                let tick = decade * mantissa;
                if tick >= low * 0.999_999 && tick <= high * 1.000_001 {
                    ticks.push(tick);
                }
            }
            decade *= 10.0;
        }
        Self {
            scale: Scale::Log,
            low: low.log10(),
            high: high.log10(),
            ticks,
        }
    }

    /// The position of a value, never outside the axis.
    pub(super) fn position(&self, value: f64) -> f64 {
        let position = match self.scale {
            Scale::Linear => value,
            Scale::Log if value > 0.0 => value.log10(),
            Scale::Log => self.low,
        };
        position.clamp(self.low, self.high)
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.low..self.high).map(&self.position(*value), limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        match self.scale {
            Scale::Linear => self.low..self.high,
            Scale::Log => 10f64.powf(self.low)..10f64.powf(self.high),
        }
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(value: &f64) -> String {
        label(*value)
    }
}

/// The end of a linear axis: 1 where there is nothing to show.
fn drawable(max: f64) -> f64 {
    if max.is_finite() && max > 0.0 {
        max.clamp(SMALLEST, LARGEST)
    } else {
        1.0
    }
}

/// The 1, 2 or 5 times a power of ten nearest above a step.
fn round_step(step: f64) -> f64 {
    round_up(step)
}

fn round_up(x: f64) -> f64 {
    let decade = 10f64.powf(x.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|mantissa| mantissa * decade)
        .find(|rounded| *rounded >= x * 0.999_999)
        .unwrap_or(10.0 * decade)
}

fn round_down(x: f64) -> f64 {
    let decade = 10f64.powf(x.log10().floor());
    [5.0, 2.0, 1.0]
        .into_iter()
        .map(|mantissa| mantissa * decade)
        .find(|rounded| *rounded <= x * 1.000_001)
        .unwrap_or(decade)
}

/// A short tick label: `0.05`, `20`, `15,000`, `5M`.
fn label(x: f64) -> String {
    let with = |scaled: f64, suffix: &str| {
        let text = format!("{scaled:.4}");
        format!(
            "{}{suffix}",
            text.trim_end_matches('0').trim_end_matches('.')
        )
    };
    match x {
        _ if x >= 1e12 => with(x / 1e12, "T"),
        _ if x >= 1e9 => with(x / 1e9, "G"),
        _ if x >= 1e6 => with(x / 1e6, "M"),
        _ if x >= 1e3 => crate::format::setting(x),
        _ => with(x, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| label(*tick)).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            labels(&Axis::linear(100.0, 5.0)),
            ["0", "20", "40", "60", "80", "100"]
        );
        assert_eq!(
            labels(&Axis::linear_rounded(17.0, 5.0)),
            ["0", "5", "10", "15", "20"]
        );
        assert_eq!(
            labels(&Axis::log(1.3, 40.0)),
            ["1", "2", "5", "10", "20", "50"]
        );
        assert_eq!(
            labels(&Axis::linear(24_000.0, 3.0)),
            ["0", "10,000", "20,000"]
        );
    }

    #[test]
    fn an_axis_survives_any_range() {
        for max in [
            0.0,
            -1.0,
            1e-12,
            0.3,
            1.0,
            1e9,
            1e300,
            f64::NAN,
            f64::INFINITY,
        ] {
            for axis in [
                Axis::linear(max, 5.0),
                Axis::linear_rounded(max, 5.0),
                Axis::log(max, max),
                Axis::log(0.001, max),
            ] {
                assert!(axis.low < axis.high, "{max}: {axis:?}");
                assert!(
                    axis.low.is_finite() && axis.high.is_finite(),
                    "{max}: {axis:?}"
                );
                assert!((2..=40).contains(&axis.ticks.len()), "{max}: {axis:?}");
                let position = axis.position(max);
                assert!(position.is_nan() || (axis.low..=axis.high).contains(&position));
            }
        }
    }
}
