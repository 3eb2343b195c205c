//! The steps of a load on what was up, for a terminal.

use super::terminal::plain;
use crate::format::{NONE, count, number};
use crate::words;
use comfy_table::{Cell, CellAlignment, Color, Table};
use lab_truth::record::{Loaded, Step};

/// One row a step, and what it missed in a line below the table. Its last line has no line break.
#[must_use]
pub fn steps(loaded: &Loaded, colours: bool) -> String {
    let names = [
        "from\ns",
        "users",
        "asked\n/s",
        "ack\n/s",
        "refused",
        "failed",
        "p50\nms",
        "p99\nms",
        "p99 from\nintended",
        "carried",
    ];
    let mut table: Table = plain(colours);
    table.set_header(names);
    for (column, name) in table.column_iter_mut().zip(names) {
        column.set_padding((0, u16::from(name != "carried")));
        if name != "carried" {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for step in &loaded.steps {
        table.add_row(row(step));
    }
    let mut text = table.trim_fmt();
    for step in &loaded.steps {
        let missed = words::missed_of_step(&loaded.goal, step);
        if !missed.is_empty() {
            text += &format!("\n{}/s: {missed}", number(step.asked_per_s));
        }
    }
    text
}

fn row(step: &Step) -> Vec<Cell> {
    let (answer, from_send) = (&step.answer, &step.answer_from_send);
    let ms = |ms: f64| match answer.count {
        0 => NONE.to_owned(),
        _ => number(ms),
    };
    let numbers = [
        step.begin_s.to_string(),
        count(step.users.into()),
        number(step.asked_per_s),
        number(step.acknowledged_per_s),
        count(step.refused),
        count(step.failed),
        ms(from_send.p50),
        ms(from_send.p99),
        ms(answer.p99),
    ];
    let mut row: Vec<Cell> = numbers.map(Cell::new_owned).into();
    row.push(match &step.outcome {
        Some(outcome) if outcome.carried => Cell::new("CARRIED").fg(Color::Green),
        Some(_) => Cell::new("MISSED").fg(Color::Yellow),
        None => Cell::new("stopped"),
    });
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;

    #[test]
    fn a_step_without_an_answer_or_an_end_has_dashes() {
        let mut loaded = fixtures::loaded();
        loaded.steps.truncate(1);
        loaded.steps[0].answer.count = 0;
        loaded.steps[0].outcome = None;
        let text = steps(&loaded, false);
        assert!(text.contains(NONE) && text.contains("stopped"), "{text}");
    }

    #[test]
    fn colours_are_for_terminals() {
        let loaded = fixtures::loaded();
        assert!(!steps(&loaded, false).contains('\x1b'));
        assert!(steps(&loaded, true).contains('\x1b'));
    }
}
