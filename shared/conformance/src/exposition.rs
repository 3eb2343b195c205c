//! Prometheus' text format, read: the one parser for whatever asks a `/metrics` for a figure.
//!
//! The crates that there are for it do not fit: `prometheus-parse` folds the lines of a histogram into one and
//! skips what it cannot read, `prometheus-scrape` is of 2018, and both bring regex and chrono.

use crate::Result;
use anyhow::{Context, ensure};
use std::iter::Sum;
use std::str::FromStr;

/// One line with a value.
#[derive(Debug, PartialEq)]
pub struct Sample<'a> {
    /// The metric and its kind, by the `# TYPE` line above: of a histogram all lines have one. Empty
    /// when there is no such line.
    pub family: &'a str,
    /// See `family`.
    pub kind: &'a str,
    series: Series<'a>,
    value: &'a str,
}

/// A name and labels, unescaped.
#[derive(Debug, PartialEq)]
struct Series<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
}

impl Series<'_> {
    /// Whether it has this name and at least these labels.
    fn is_one_of(&self, selector: &Self) -> bool {
        let has = |label| self.labels.contains(label);
        self.name == selector.name && selector.labels.iter().all(has)
    }
}

/// All samples in `text`.
///
/// # Errors
/// Names the first line that is none, and no comment.
pub fn samples(text: &str) -> Result<Vec<Sample<'_>>> {
    let (mut family, mut kind) = ("", "");
    let mut samples = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            (family, kind) = typed.split_once(' ').unwrap_or((typed, ""));
        } else if !line.is_empty() && !line.starts_with('#') {
            let (series, value) = sample(line).with_context(|| format!("no sample: {line}"))?;
            samples.push(Sample {
                family,
                kind,
                series,
                value,
            });
        }
    }
    Ok(samples)
}

/// The samples that `selector` means: `name`, or `name{label="value"}`, whatever other labels they have.
///
/// # Errors
/// As [`samples`], and when `selector` is none.
pub fn select<'a>(text: &'a str, selector: &str) -> Result<Vec<Sample<'a>>> {
    let read = series(selector).filter(|(_, rest)| rest.is_empty());
    let (selector, _) = read.with_context(|| format!("no selector: {selector}"))?;
    let mut samples = samples(text)?;
    samples.retain(|sample| sample.series.is_one_of(&selector));
    Ok(samples)
}

/// The sum of what `selector` means.
///
/// # Errors
/// As [`select`], when there is no such sample, and when one has a value that is no `T`.
pub fn sum<T: FromStr + Sum>(text: &str, selector: &str) -> Result<T> {
    let samples = select(text, selector)?;
    ensure!(!samples.is_empty(), "it says nothing of {selector}");
    let values = samples.iter().map(|sample| {
        let value = sample.value.parse().ok();
        value.with_context(|| format!("no number of this kind: {sample:?}"))
    });
    values.sum()
}

/// A line: the series, its value, and perhaps the time it is of, which nobody here asks for.
fn sample(line: &str) -> Option<(Series<'_>, &str)> {
    let (series, rest) = series(line)?;
    let mut rest = rest.split_ascii_whitespace();
    let value = rest.next().filter(|value| value.parse::<f64>().is_ok())?;
    let is_time = |time: &str| time.parse::<i64>().is_ok();
    (rest.next().is_none_or(is_time) && rest.next().is_none()).then_some((series, value))
}

/// A series at the start of `text`, and what follows it.
fn series(text: &str) -> Option<(Series<'_>, &str)> {
    let (name, mut rest) = text.split_at(text.find(['{', ' ', '\t']).unwrap_or(text.len()));
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            rest = rest.trim_start_matches([',', ' ']);
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, quoted) = rest.split_once("=\"")?;
            let (value, after) = unquoted(quoted)?;
            labels.push((label, value));
            rest = after;
        }
    }
    (!name.is_empty()).then_some((Series { name, labels }, rest))
}

/// The value of a label up to its closing quote, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => match chars.next()? {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            char => value.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP h Not a TYPE
# TYPE h histogram
h_bucket{le="1"} 2
h_bucket{le="+Inf"} 3
h_sum 4.5
h_count 3 1700000000000

# TYPE g gauge
g{path="C:\\ {\"a, b\"}=\n",shard="0",} +Inf
g{shard="1"} 1e3
g_not 7
"#;

    #[test]
    fn a_sample_is_of_its_family() {
        let samples = samples(TEXT).unwrap();
        let families: Vec<_> = samples.iter().map(|of| (of.family, of.kind)).collect();
        let (h, g) = (("h", "histogram"), ("g", "gauge"));
        assert_eq!(families, [h, h, h, h, g, g, g]);
    }

    #[test]
    fn what_a_label_holds_is_unescaped() {
        let samples = samples(TEXT).unwrap();
        let labels = &samples[4].series.labels;
        assert_eq!(labels[0], ("path", "C:\\ {\"a, b\"}=\n".to_owned()));
        assert_eq!(labels[1], ("shard", "0".to_owned()));
    }

    #[test]
    fn a_selector_is_a_name_and_some_of_the_labels() {
        let sum = |selector| sum::<f64>(TEXT, selector).unwrap();
        assert_eq!(sum("h_sum"), 4.5);
        assert_eq!(sum("h_count"), 3.0);
        assert_eq!(sum("h_bucket"), 5.0);
        assert_eq!(sum("h_bucket{le=\"+Inf\"}"), 3.0);
        assert_eq!(sum("g"), f64::INFINITY);
        assert_eq!(sum("g{shard=\"1\"}"), 1000.0);
    }

    #[test]
    fn what_cannot_be_summed_is_an_error() {
        for (text, selector, error) in [
            (TEXT, "h", "it says nothing of h"),
            (TEXT, "h_bucket{le=\"1\"", "no selector"),
            ("h 1 2 3\n", "h", "no sample: h 1 2 3"),
            ("h{a=\"b} 1\n", "h", "no sample: h{a="),
            ("h\n", "h", "no sample: h"),
            ("h one\n", "h", "no sample: h one"),
            ("h NaN\n", "h", "no number of this kind"),
            ("h -1\n", "h", "no number of this kind"),
        ] {
            let said = sum::<u64>(text, selector).unwrap_err().to_string();
            assert!(said.starts_with(error), "{said}");
        }
    }
}
