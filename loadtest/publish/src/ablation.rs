//! What leaving a part out changes, beside what repeats of one question differ by.

use crate::format::{NONE, number};
use crate::tables::plain;
use comfy_table::{CellAlignment, Table};
use lab_truth::compare::{Compared, Figure, Told, compare};
use lab_truth::record::{Run, Verdict};

/// The figures of the table, in its order.
const FIGURES: [Figure; 3] = [Figure::Cost, Figure::P50, Figure::P99];

/// What is compared: the system, and whether monitoring ran beside it.
fn question(run: &Run) -> String {
    match run.spec.monitoring {
        true => run.spec.system(),
        false => format!("{} without monitoring", run.spec.system()),
    }
}

/// One row a system, each against the first one. Its last line has no line break.
#[must_use]
pub fn table(runs: &[Run], colours: bool) -> String {
    let mut systems: Vec<(String, Vec<Run>)> = Vec::new();
    for run in runs {
        let name = question(run);
        match systems.iter_mut().find(|(other, _)| *other == name) {
            Some((_, repeats)) => repeats.push(run.clone()),
            None => systems.push((name, vec![run.clone()])),
        }
    }
    let Some((_, whole)) = systems.first() else {
        return String::new();
    };
    let mut table: Table = plain(colours);
    let names = [
        "",
        "runs",
        "not\nVALID",
        "CPU-µs\n/signup",
        "against\nthe whole",
        "p50\nms",
        "against\nthe whole",
        "p99\nms",
        "against\nthe whole",
    ];
    table.set_header(names);
    for (column, name) in table.column_iter_mut().zip(names) {
        column.set_padding((0, 2));
        if !name.is_empty() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for (number, (name, repeats)) in systems.iter().enumerate() {
        let rows = compare(whole, repeats);
        let doubtful = repeats
            .iter()
            .filter(|run| run.verdict != Verdict::Valid)
            .count();
        let mut row = vec![
            name.clone(),
            repeats.len().to_string(),
            doubtful.to_string(),
        ];
        for figure in FIGURES {
            let [median, against] = cells(rows.iter().find(|row| row.figure == figure));
            // The whole is not compared with itself.
            let against = if number == 0 {
                NONE.to_owned()
            } else {
                against
            };
            row.extend([median, against]);
        }
        table.add_row(row);
    }
    table.trim_fmt()
}

/// The median, and by how much it is above that of the whole: in brackets where repeats differ by as much.
fn cells(row: Option<&Compared>) -> [String; 2] {
    let median = row.and_then(|row| row.b).map(|b| number(b.median));
    let against = row.and_then(|row| {
        let change = row.change?;
        let change = match change.abs() < 0.1 {
            true => format!("{:+.1} %", change * 100.0),
            false => format!("{:+.0} %", change * 100.0),
        };
        Some(match row.told {
            Told::Apart => change,
            Told::Within | Told::Unknown => format!("({change})"),
        })
    });
    [median, against].map(|cell| cell.unwrap_or_else(|| NONE.to_owned()))
}

/// The band of an A/A: how far apart the two runs of each pair of neighbours are, at most and in the middle.
#[must_use]
pub fn band(runs: &[Run]) -> String {
    let mut lines = Vec::new();
    for figure in FIGURES {
        let value = |run: &Run| figure.of(run);
        let pairs = runs.chunks_exact(2);
        let apart = pairs.filter_map(|pair| {
            let (a, b) = (value(&pair[0])?, value(&pair[1])?);
            Some((a / b).max(b / a) - 1.0)
        });
        let mut apart: Vec<f64> = apart.collect();
        apart.sort_by(f64::total_cmp);
        let Some(most) = apart.last() else { continue };
        lines.push(format!(
            "{}: the runs of a pair are {:.1} % apart in the middle, {:.1} % at most ({} pairs)",
            figure.name(),
            apart[(apart.len() - 1) / 2] * 100.0,
            most * 100.0,
            apart.len()
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;
    use lab_truth::spec::Part;

    /// Runs that cost so much.
    fn runs(costs: &[f64]) -> Vec<Run> {
        let run = |cost: &f64| {
            let mut run = fixtures::rush();
            run.cost.cpu_us_per_signup = *cost;
            run
        };
        costs.iter().map(run).collect()
    }

    #[test]
    fn a_part_is_told_from_the_noise_or_stands_in_brackets() {
        let mut all = runs(&[100.0, 104.0]);
        for mut run in runs(&[130.0, 132.0]) {
            run.spec.without = [Part::Batch].into();
            all.push(run);
        }
        for mut run in runs(&[103.0, 101.0]) {
            run.spec.monitoring = false;
            all.push(run);
        }
        insta::assert_snapshot!(table(&all, false));
    }

    #[test]
    fn the_band_is_how_far_apart_pairs_are() {
        let said = band(&runs(&[100.0, 110.0, 103.0, 100.0, 100.0, 101.0]));
        let cost =
            "cost: the runs of a pair are 3.0 % apart in the middle, 10.0 % at most (3 pairs)";
        assert!(said.starts_with(cost), "{said}");
        assert!(band(&runs(&[100.0])).is_empty());
    }
}
