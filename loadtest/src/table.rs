//! Tables over several runs: `results/README.md`, the phase table in `README.md`, and the summary
//! that `lab` prints on a terminal.

mod terminal;

use crate::figures::{count, number, verdict};
use crate::quotes;
use crate::record::{Percentiles, Run, Verdict};
use crate::report::table;
use anyhow::{Result, ensure};
use std::collections::BTreeMap;
pub use terminal::summary;

/// The line in `README.md` after which the phase table begins.
pub const BEGIN: &str = "<!-- runs:begin -->";
/// The line in `README.md` before which the phase table ends.
pub const END: &str = "<!-- runs:end -->";

const NO_RUNS: &str = "No run is published yet.";

/// `results/README.md`: how to read and quote runs, and a table of all of them, by phase and
/// scenario, oldest first.
#[must_use]
pub fn results_readme(runs: &[Run]) -> String {
    let mut groups: BTreeMap<(String, &str, u32), Vec<&Run>> = BTreeMap::new();
    for run in runs {
        groups
            .entry((run.system(), &run.scenario, run.users))
            .or_default()
            .push(run);
    }
    let mut text = String::from(
        "# Results\n\n\
         One folder a run: `run.json` is what was measured ([schema](schema.json)), `report.md` and the \
         charts are made from it. This file is generated; `lab report --all` writes it again.\n\n\
         Only the numbers of a **VALID** run may be quoted. A SUSPECT run may be looked at, with its \
         reasons beside it. An INVALID run may not be used: some are kept because they show what \
         goes wrong. p50 and p99 are in ms, from the intended start to the answer, and durable p99 from \
         there to the commit, which phase 3 answers before; drain is the time from the last answer \
         to the last commit, in s; CPU-µs are those of all containers of the phase for one durable \
         signup, and × floor how many times that is what an answer of a server that does nothing and a \
         row of a large insert cost together in the same run; idle is the CPU they used before the \
         load.\n",
    );
    if runs.is_empty() {
        text.push_str(&format!("\n{NO_RUNS}\n"));
    }
    for ((system, scenario, users), runs) in groups {
        let users = count(users.into());
        text.push_str(&format!("\n## {system}, {scenario}, {users} users\n\n"));
        text.push_str(&run_table(&runs));
        text.push('\n');
    }
    text + "\n## Quoting a number\n\n" + quotes::CONVENTION
}

fn run_table(runs: &[&Run]) -> String {
    let rows = runs.iter().map(|run| {
        let [asked, acked, p50, p99, durable, cost, idle, lost] = figures(run);
        let mut kind = format!(
            "{}, {} s",
            run.arrivals,
            crate::figures::setting(run.window_s)
        );
        if run.budget != "same" {
            kind.push_str(&format!(", budget {}", run.budget));
        }
        if let Some(fault) = &run.fault {
            kind.push_str(&format!(", fault: {fault}"));
        }
        let word = verdict(run.verdict);
        let word = match run.verdict {
            Verdict::Valid => format!("**{word}**"),
            Verdict::Suspect | Verdict::Invalid => format!("{word}: {}", run.reasons.join("; ")),
        };
        let link = format!("[{}]({}/report.md)", run.started_at, run.id);
        let drain = number(run.drain_s);
        [
            link,
            kind,
            machine(run),
            asked,
            acked,
            p50,
            p99,
            durable,
            drain,
            cost,
            times_floor(run),
            idle,
            lost,
            word,
        ]
    });
    let head = [
        "Run",
        "Load",
        "Machine",
        "Asked/s",
        "Acknowledged/s",
        "p50",
        "p99",
        "Durable p99",
        "Drain",
        "CPU-µs/signup",
        "× floor",
        "Idle CPU",
        "Lost",
        "Verdict",
    ];
    let align = [
        "---", "---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:",
        "---:", "---:", "---",
    ];
    table(head, &align, rows)
}

/// `README.md` with the phase table between its two markers replaced.
///
/// # Errors
/// When the markers are not there, once each and in order.
pub fn with_phase_table(readme: &str, runs: &[Run]) -> Result<String> {
    let once = |marker: &str| readme.matches(marker).count() == 1;
    ensure!(
        once(BEGIN) && once(END),
        "README.md must have {BEGIN} and {END} once each"
    );
    let (before, rest) = readme.split_at(readme.find(BEGIN).unwrap_or_default() + BEGIN.len());
    let after = rest.find(END).map(|end| &rest[end..]);
    ensure!(after.is_some(), "README.md must have {BEGIN} before {END}");
    Ok(format!(
        "{before}\n{}\n{}",
        phase_table(runs),
        after.unwrap_or_default()
    ))
}

/// One row for each load a phase was measured with: its newest valid run, or, if none is valid,
/// its newest. Runs with a fault are not among them. Newest, because best-of would flatter.
fn phase_table(runs: &[Run]) -> String {
    let mut newest: BTreeMap<_, &Run> = BTreeMap::new();
    let mut ordered: Vec<&Run> = runs.iter().filter(|run| run.fault.is_none()).collect();
    ordered.sort_by(|a, b| a.id.cmp(&b.id));
    for run in ordered {
        let load = (
            run.system(),
            run.users,
            &*run.scenario,
            &*run.arrivals,
            &*run.budget,
            seconds(run),
        );
        let shown = newest.entry(load).or_insert(run);
        if run.verdict == Verdict::Valid || shown.verdict != Verdict::Valid {
            *shown = run;
        }
    }
    if newest.is_empty() {
        return NO_RUNS.to_owned();
    }
    let rows = newest.values().map(|run| {
        let [asked, acked, p50, p99, durable, cost, _, lost] = figures(run);
        let mut load = format!("{}, {}", run.scenario, run.arrivals);
        if seconds(run) != 100 {
            load += &format!(", {} s", seconds(run));
        }
        if run.budget != "same" {
            load += &format!(", budget {}", run.budget);
        }
        let link = format!("[{}](results/{}/report.md)", verdict(run.verdict), run.id);
        [
            run.system(),
            count(run.users.into()),
            load,
            machine(run),
            asked,
            acked,
            p50,
            p99,
            durable,
            cost,
            times_floor(run),
            lost,
            link,
        ]
    });
    let head = [
        "Phase",
        "Users",
        "Load",
        "Machine",
        "Asked/s",
        "Acknowledged/s",
        "p50, ms",
        "p99, ms",
        "Durable p99, ms",
        "CPU-µs/signup",
        "× floor",
        "Lost",
        "Verdict",
    ];
    let align = [
        "---", "---:", "---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:",
        "---:", "---",
    ];
    table(head, &align, rows)
}

/// The window in which the participants came, in whole seconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is given in whole seconds"
)]
fn seconds(run: &Run) -> u32 {
    run.window_s as u32
}

/// Asked/s, acknowledged/s, p50, p99, p99 until durable, CPU-µs a signup, idle CPU, lost.
fn figures(run: &Run) -> [String; 8] {
    let (answer, durable) = (&run.latency_ms.answer, &run.latency_ms.durable);
    let ms = |of: &Percentiles, x: f64| if of.count == 0 { f64::NAN } else { x };
    // Acknowledged, not answered: a refusal is an answer too.
    let acked_per_s = run.ledger.acked_requests as f64 / run.window_s;
    [
        number(run.load.asked_per_s),
        number(acked_per_s),
        number(ms(answer, answer.p50)),
        number(ms(answer, answer.p99)),
        number(ms(durable, durable.p99)),
        number(run.cost.cpu_us_per_signup),
        number(run.cost.idle_cpus),
        count(run.ledger.lost),
    ]
}

/// The CPU's maker and family, without what every model's name has in it.
fn machine(run: &Run) -> String {
    let model = run
        .environment
        .cpu_model
        .replace("(R)", "")
        .replace("(TM)", "");
    let model = model.split('@').next().unwrap_or_default();
    let words = model.split_whitespace();
    let telling = words.filter(|word| !matches!(*word, "CPU" | "Processor"));
    telling.collect::<Vec<_>>().join(" ")
}

/// The cost as a multiple of the floor; a dash in a run from before that was measured.
fn times_floor(run: &Run) -> String {
    number(run.times_floor().unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests;
