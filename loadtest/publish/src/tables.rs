//! Tables over several runs: the long one in `results/README.md`, the curated one in `README.md`, and
//! the summary that `lab` prints on a terminal.

mod curated;
mod steps;
mod terminal;

use crate::format::{NONE, count, number};
use crate::markdown::table;
use crate::{quotes, words};
pub(crate) use curated::curated_ids;
pub use curated::with_curated_table;
use lab_truth::record::{Percentiles, Run, Verdict};
use std::collections::{BTreeMap, BTreeSet};
pub use steps::steps;
pub(crate) use terminal::plain;
pub use terminal::summary;

const NO_RUNS: &str = "No run is published yet.";

const HEAD: &str = "\
# Results

One folder a run: `run.json` is what was measured ([schema](schema.json)); where a report is linked, it \
and the charts in it are made from that. `lab report RUN` prints the report of any other. This file is \
generated; `lab report --all` writes it again.

Two questions are asked of a run, apart. **Believed?** Only the numbers of a VALID run may be quoted. A \
SUSPECT run may be looked at, with its reasons beside it. An INVALID run may not be used: some are kept \
because they show what goes wrong. **Carried?** CARRIED when the phase reached its goal: 99.9 % of the \
signups acknowledged in time, fewer than 0.1 % turned away, 99 % answered within 250 ms, every answer \
within 2 s, the backlog empty 10 s after the last acknowledgement. MISSED is a result like any other.

p50 and p99 are in ms, from the intended start to the answer, and durable p99 from there to the commit, \
which phase 3 answers before; drain is the time from the last answer to the last commit, in s; CPU-µs are \
those of all containers of the phase for one durable signup, and × floor how many times that is what an \
answer of a server that does nothing and a row of a large insert cost together in the same run; idle is \
the CPU they used before the load.
";

/// `results/README.md`: how to read and quote runs, and a table of all of them by campaign, the newest
/// first: the runs of one day on one machine, in the order they were made. A run in `reported` links
/// to its report, any other to its record.
#[must_use]
pub fn results_readme(runs: &[Run], reported: &BTreeSet<String>) -> String {
    let mut campaigns: BTreeMap<(&str, String), Vec<&Run>> = BTreeMap::new();
    for run in runs {
        let day = run.started_at.split('T').next().unwrap_or_default();
        campaigns.entry((day, machine(run))).or_default().push(run);
    }
    let mut text = HEAD.to_owned();
    if runs.is_empty() {
        text.push_str(&format!("\n{NO_RUNS}\n"));
    }
    for ((day, machine), runs) in campaigns.iter().rev() {
        text.push_str(&format!("\n## {day}, {machine}\n\n"));
        text.push_str(&campaign(runs, reported));
        text.push('\n');
    }
    text + "\n## Quoting a number\n\n" + quotes::CONVENTION
}

fn campaign(runs: &[&Run], reported: &BTreeSet<String>) -> String {
    let rows = runs.iter().map(|run| {
        let [asked, acked, p50, p99, durable, cost, idle, lost] = figures(run);
        let time = run.started_at.get(11..16).unwrap_or_default();
        let file = match reported.contains(&run.id) {
            true => "report.md",
            false => "run.json",
        };
        let mut load = run.spec.load();
        if let Some(fault) = run.fault_text() {
            load.push_str(&format!(", fault: {fault}"));
        }
        [
            format!("[{time}]({}/{file})", run.id),
            run.system(),
            count(run.spec.users.into()),
            load,
            asked,
            acked,
            p50,
            p99,
            durable,
            number(run.drain_s),
            cost,
            times_floor(run),
            idle,
            lost,
            believed(run),
            carried(run),
        ]
    });
    let head = [
        "Run",
        "System",
        "Users",
        "Load",
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
        "Believed?",
        "Carried?",
    ];
    let align = [
        "---", "---", "---:", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:",
        "---:", "---:", "---:", "---", "---",
    ];
    table(head, &align, rows)
}

/// The verdict, with its reasons when it is not VALID.
fn believed(run: &Run) -> String {
    let word = words::verdict(run.verdict);
    match run.verdict {
        Verdict::Valid => format!("**{word}**"),
        Verdict::Suspect | Verdict::Invalid => {
            format!("{word}: {}", words::reasons(run).join("; "))
        }
    }
}

/// Whether the load was carried, with what was missed.
fn carried(run: &Run) -> String {
    let missed = words::missed(run);
    match missed.is_empty() {
        true => words::outcome(run).to_owned(),
        false => format!("{}: {}", words::outcome(run), missed.join("; ")),
    }
}

/// Asked/s, acknowledged/s, p50, p99, p99 until durable, CPU-µs a signup, idle CPU, lost.
fn figures(run: &Run) -> [String; 8] {
    let (answer, durable) = (&run.latency_ms.answer, &run.latency_ms.durable);
    let ms = |of: &Percentiles, x: f64| if of.count == 0 { f64::NAN } else { x };
    // Acknowledged, not answered: a refusal is an answer too.
    let acked_per_s = run.ledger.acked_requests as f64 / run.window_s();
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
    run.times_floor().map_or_else(|| NONE.to_owned(), number)
}

#[cfg(test)]
mod tests;
