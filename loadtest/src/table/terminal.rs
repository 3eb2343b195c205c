//! The summary that `lab` prints on a terminal.

use super::figures;
use crate::figures::{count, verdict};
use crate::record::{Run, Verdict};
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle,
};

/// The table printed last, one row a run, under 80 columns wide. Its last line has no line break.
#[must_use]
pub fn summary(runs: &[Run], colours: bool) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    // A wrapped row cannot be read across; some terminals claim to have no width at all.
    table.set_content_arrangement(ContentArrangement::Disabled);
    if colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let names = [
        "phase",
        "scenario",
        "users",
        "asked/s",
        "ack/s",
        "p50\nms",
        "p99\nms",
        "CPU-µs\n/signup",
        "idle\nCPU",
        "lost",
        "verdict",
    ];
    table.set_header(names);
    for (column, name) in table.column_iter_mut().zip(names) {
        // One blank between columns: a row fits into 80.
        column.set_padding((0, 1));
        if !["phase", "scenario", "verdict"].contains(&name) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for run in runs {
        let mut row = vec![Cell::new(&run.phase), Cell::new(&run.scenario)];
        let numbers = [count(run.users.into())].into_iter().chain(figures(run));
        row.extend(numbers.map(Cell::new_owned));
        if let Some(lost) = row.pop() {
            row.push(if run.ledger.lost > 0 {
                lost.fg(Color::Red)
            } else {
                lost
            });
        }
        row.push(
            Cell::new(verdict(run.verdict))
                .add_attribute(Attribute::Bold)
                .fg(match run.verdict {
                    Verdict::Valid => Color::Green,
                    Verdict::Suspect => Color::Yellow,
                    Verdict::Invalid => Color::Red,
                }),
        );
        table.add_row(row);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_summary_has_colours_only_when_wanted() {
        let runs = [sample::rush(), sample::lost()];
        let plain = summary(&runs, false);
        assert!(!plain.contains('\u{1b}'), "{plain}");
        for word in ["phase1", "1,000", "10.5", "11.8", "968", "VALID", "INVALID"] {
            assert!(plain.contains(word), "{word}\n{plain}");
        }
        assert!(summary(&runs, true).contains('\u{1b}'));
    }
}
