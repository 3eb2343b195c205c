//! The summary that `lab` prints on a terminal.

use super::figures;
use crate::format::count;
use crate::words;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle,
};
use lab_truth::record::{Run, Verdict};
use lab_truth::spec::{Budget, Scenario};

/// The table printed last, one row a run, at most 80 columns wide. Its last line has no line break.
#[must_use]
pub fn summary(runs: &[Run], colours: bool) -> String {
    let mut table = plain(colours);
    let names = [
        "phase",
        "users",
        "asked\n/s",
        "ack\n/s",
        "p50\nms",
        "p99\nms",
        "durable\np99 ms",
        "CPU-µs\n/signup",
        "lost",
        "believed",
        "carried",
    ];
    table.set_header(names);
    for (column, name) in table.column_iter_mut().zip(names) {
        // One blank between columns: a row fits into 80.
        column.set_padding((0, u16::from(name != "carried")));
        if !["phase", "believed", "carried"].contains(&name) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for run in runs {
        table.add_row(row(run));
    }
    table.trim_fmt()
}

/// A table without lines but one below its head.
pub(crate) fn plain(colours: bool) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    // A wrapped row cannot be read across; some terminals claim to have no width at all.
    table.set_content_arrangement(ContentArrangement::Disabled);
    if colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

fn row(run: &Run) -> Vec<Cell> {
    let [asked, acked, p50, p99, durable, cost, _, lost] = figures(run);
    let users = count(run.spec.users.into());
    let mut row = vec![Cell::new(system(run))];
    let numbers = [users, asked, acked, p50, p99, durable, cost];
    row.extend(numbers.map(Cell::new_owned));
    let lost = Cell::new(lost);
    row.push(match run.ledger.lost {
        0 => lost,
        _ => lost.fg(Color::Red),
    });
    let colour = match run.verdict {
        Verdict::Valid => Color::Green,
        Verdict::Suspect => Color::Yellow,
        Verdict::Invalid => Color::Red,
    };
    let believed = Cell::new(words::verdict(run.verdict));
    row.push(believed.add_attribute(Attribute::Bold).fg(colour));
    let carried = Cell::new(words::outcome(run));
    row.push(match words::usable_outcome(run) {
        Some(outcome) if outcome.carried => carried.fg(Color::Green),
        Some(_) => carried.fg(Color::Yellow),
        None => carried,
    });
    row
}

/// What was measured, in a column: the phase, and below it what makes the run another than the
/// phase's own.
fn system(run: &Run) -> String {
    let mut lines = vec![run.spec.phase.to_string()];
    if run.spec.scenario != Scenario::Rush {
        lines.push(run.spec.scenario.to_string());
    }
    if !run.spec.with.is_empty() {
        lines.push("with".to_owned());
        lines.extend(run.spec.with.iter().map(ToString::to_string));
    }
    if !run.spec.without.is_empty() {
        lines.push("without".to_owned());
        lines.extend(run.spec.without.iter().map(ToString::to_string));
    }
    if run.spec.budget != Budget::Same {
        lines.push(run.spec.budget.to_string());
    }
    if !run.spec.slower.is_none() {
        lines.push(format!("{} × slower", run.spec.slower));
    }
    if !run.spec.greedy.is_none() {
        lines.push("greedy".to_owned());
    }
    if run.has_faults() {
        lines.push("fault".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;
    use lab_truth::record::Outcome;
    use lab_truth::spec::{Part, PhaseName};

    #[test]
    fn the_summary_has_colours_only_when_wanted() {
        let runs = [fixtures::rush(), fixtures::lost()];
        let plain = summary(&runs, false);
        assert!(!plain.contains('\u{1b}'), "{plain}");
        for word in ["phase1", "1,000", "10.5", "11.8", "968", "VALID", "INVALID"] {
            assert!(plain.contains(word), "{word}\n{plain}");
        }
        let buffered = summary(&[fixtures::buffered()], false);
        assert!(buffered.contains("11.8   1,020"), "{buffered}");
        assert!(summary(&runs, true).contains('\u{1b}'));
    }

    #[test]
    fn a_run_with_a_part_left_out_says_so_and_the_table_still_fits() {
        let mut run = fixtures::rush();
        run.spec.phase = PhaseName::Phase2;
        run.spec.without = [Part::Batch, Part::Replica].into();
        run.spec.budget = Budget::Grown;
        run.spec.users = 1_000_000;
        run.spec.scenario = Scenario::Visit;
        (run.load.asked_per_s, run.spec.window_s) = (10_600.0, 1);
        run.outcome = Some(Outcome::default());
        (run.latency_ms.answer.p99, run.latency_ms.durable.p99) = (12_345.6, 123_456.7);
        run.verdict = Verdict::Suspect;
        let table = summary(&[run], false);
        for word in [
            "phase2", "visit", "without", "batch", "replica", "grown", "123,457", "MISSED",
        ] {
            assert!(table.contains(word), "{word}\n{table}");
        }
        let widest = table.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{widest:?}\n{table}");
    }
}
