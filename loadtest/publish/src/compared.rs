//! A comparison of two sets of runs in Markdown, for a terminal, a pull request or an article.

use crate::format::{NONE, number, percent};
use crate::words;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use lab_truth::compare::{Compared, Figure, Spread, Told, compare, differences};
use lab_truth::record::{Run, Verdict};

/// `b` against `a`: which runs, in what they differ, figure by figure, and how to read it.
#[must_use]
pub fn markdown(a: &[Run], b: &[Run]) -> String {
    let mut parts = vec![side("A", a), side("B", b)];
    let differences = differences(a, b);
    parts.push(match differences.is_empty() {
        true => "One question twice: question, commit and machine are the same.".to_owned(),
        false => format!("They differ in:\n- {}", differences.join("\n- ")),
    });
    let rows = compare(a, b);
    parts.push(figures(&rows));
    parts.push(reading(&rows).to_owned());
    parts.join("\n\n") + "\n"
}

fn side(name: &str, runs: &[Run]) -> String {
    let each = runs.iter().map(|run| {
        let doubt = match run.verdict {
            Verdict::Valid => "",
            _ => ": not to be quoted",
        };
        format!("\n- {}, {}{doubt}", run.id, words::in_a_line(run))
    });
    let what = runs.first().map(|run| {
        let users = crate::format::count(run.spec.users.into());
        format!("{}, {users} users, {}", run.system(), run.spec.load())
    });
    format!("**{name}**: {}", what.unwrap_or_default()) + &each.collect::<String>()
}

fn figures(rows: &[Compared]) -> String {
    let mut table = Table::new();
    // Markdown that is also read on a terminal.
    table.load_style(ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.force_no_tty();
    table.set_header(["", "A", "B", "B against A", ""]);
    for row in rows.iter().filter(|row| row.a.is_some() || row.b.is_some()) {
        table.add_row([
            unit(row.figure).to_owned(),
            spread(row.figure, row.a),
            spread(row.figure, row.b),
            row.change.map_or(NONE.to_owned(), against),
            match row.told {
                Told::Apart => "apart",
                Told::Within => "within the noise",
                Told::Unknown => "noise not known",
            }
            .to_owned(),
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

fn unit(figure: Figure) -> &'static str {
    match figure {
        Figure::Rate => "acknowledged/s",
        Figure::P50 => "p50, ms",
        Figure::P99 => "p99, ms",
        Figure::DurableP99 => "durable p99, ms",
        Figure::Cost => "CPU-µs a signup",
        Figure::TimesFloor => "× floor",
        Figure::Memory => "memory, MiB",
    }
}

/// The median, and the range where there are several: `193 (186 to 198)`.
fn spread(figure: Figure, spread: Option<Spread>) -> String {
    let value = |x: f64| match figure {
        Figure::Memory => number(x / f64::from(1 << 20)),
        _ => number(x),
    };
    match spread {
        None => NONE.to_owned(),
        Some(spread) if spread.runs == 1 => value(spread.median),
        Some(Spread {
            median, min, max, ..
        }) => format!("{} ({} to {})", value(median), value(min), value(max)),
    }
}

/// A change as it is said: `+4.1 %`, `−12 %`, and from twice and half on `× 2.14`.
fn against(change: f64) -> String {
    let times = change + 1.0;
    let share = percent(change.abs());
    match share.as_str() {
        _ if !(0.5..2.0).contains(&times) => format!("× {}", number(times)),
        "0 %" | "0.0 %" => share,
        _ if change < 0.0 => format!("−{share}"),
        _ => format!("+{share}"),
    }
}

fn reading(rows: &[Compared]) -> &'static str {
    if rows.iter().all(|row| row.told == Told::Unknown) {
        "One run a side says nothing about the noise: repeat both, in turns (A, B, B, A), and name them \
         all, separated by commas."
    } else {
        "Medians, with the range of the repeats. \"Apart\": every run of one side lies on the same side of \
         every run of the other. Only that is a difference; and of two repeats a side, chance makes one \
         in three."
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;

    fn repeats(costs: [f64; 2]) -> Vec<Run> {
        let run = |cost| {
            let mut run = fixtures::rush();
            run.cost.cpu_us_per_signup = cost;
            run
        };
        costs.map(run).into()
    }

    #[test]
    fn a_comparison_says_what_differs_by_how_much_and_whether_it_is_told_from_noise() {
        let (a, mut b) = (repeats([100.0, 110.0]), repeats([220.0, 230.0]));
        for run in &mut b {
            run.git_sha = "other".into();
        }
        insta::assert_snapshot!("compared", markdown(&a, &b));
    }

    #[test]
    fn one_run_a_side_is_told_to_be_repeated() {
        let one = [fixtures::rush()];
        let text = markdown(&one, &one);
        assert!(text.contains("noise not known"), "{text}");
        assert!(text.contains("repeat both"), "{text}");
        assert!(text.contains("One question twice"), "{text}");
    }
}
