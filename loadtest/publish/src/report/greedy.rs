//! The section of a report on the greedy clients beside a load.

use crate::format::{NONE, count, number};
use crate::markdown::{section, table};
use lab_truth::record::{Held, Run};

/// The options of `lab run` that a run to compare with is made without.
const OPTIONS: [&str; 3] = ["--slow-headers", "--slow-bodies", "--stalled-readers"];

/// `None` for a run without any.
pub(super) fn greedy(run: &Run) -> Option<String> {
    let (seen, asked) = (run.greedy.as_ref()?, run.spec.greedy);
    let kinds = [
        ("slow header", asked.slow_headers, &seen.slow_headers),
        ("slow body", asked.slow_bodies, &seen.slow_bodies),
        (
            "stalled reader",
            asked.stalled_readers,
            &seen.stalled_readers,
        ),
    ];
    let rows = kinds
        .into_iter()
        .filter(|(_, asked, _)| *asked > 0)
        .map(|(kind, asked, held)| {
            [
                kind.to_owned(),
                count(asked.into()),
                number(held.open_mean),
                count(held.open_max),
                count(held.connections),
                endings(held),
            ]
        });
    let head = [
        "Kind",
        "Clients",
        "Open, mean",
        "Open, most",
        "Connections made",
        "Ended by the service (its first answer)",
    ];
    let align = ["---", "---:", "---:", "---:", "---:", "---"];
    let text = format!(
        "They held connections from the begin of the load to its end, and came again 1 s after one had \
         ended: a *slow header* sends a request head that never ends, and a *slow body* the body of a \
         signup, one byte every 2 s; a *stalled reader* asks 200 times for the event and reads nothing. \
         They are in no figure of this report but the cost and, slow bodies, the service's own count of \
         signup requests. The addresses of slow bodies belong to nobody in the ledger: a row of one would \
         be unexpected. Holding them took {} s of CPU, which is not the generator's.\n\n{}\n\n{}",
        number(seen.cpu_s),
        table(head, &align, rows),
        promise(run),
    );
    Some(section("Greedy clients", &text))
}

/// How connections ended, the commonest first.
fn endings(held: &Held) -> String {
    let mut endings: Vec<_> = held.endings.iter().collect();
    endings.sort_by_key(|(how, number)| (std::cmp::Reverse(**number), (*how).clone()));
    let endings: Vec<String> = endings
        .into_iter()
        .map(|(how, number)| format!("{} {}", how.replace('_', " "), count(*number)))
        .collect();
    match endings.is_empty() {
        true => NONE.to_owned(),
        false => endings.join(", "),
    }
}

/// What honest participants are owed, and what to hold this run against.
fn promise(run: &Run) -> String {
    let ledger = &run.ledger;
    format!(
        "Of {} signup requests of honest participants {} were acknowledged, with a p99 of {} ms. They are \
         owed that at least 99.9 % are, and a p99 at most twice that of the same run without greedy \
         clients: `{}`.",
        count(ledger.attempted),
        count(ledger.acked_requests),
        number(run.latency_ms.answer.p99),
        without(&run.command),
    )
}

/// The command without these options and their values.
fn without(command: &str) -> String {
    let mut kept = Vec::new();
    let mut words = command.split(' ');
    while let Some(word) = words.next() {
        let name = word.split('=').next().unwrap_or_default();
        if !OPTIONS.contains(&name) {
            kept.push(word);
        } else if name == word {
            words.next();
        }
    }
    kept.join(" ")
}
