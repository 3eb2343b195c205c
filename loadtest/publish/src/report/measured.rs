//! The sections of a report on what was sent, answered and found again: load, answers, latency,
//! ledger and counts.

use crate::format::{NONE, count, number, percent};
use crate::markdown::{section, table};
use lab_truth::record::{Percentiles, Run};

pub(super) fn load(run: &Run) -> String {
    let load = &run.load;
    let mut rows = vec![
        ["Arrivals scheduled".to_owned(), count(load.arrivals)],
        [
            "Signup requests asked for, a second".to_owned(),
            number(load.asked_per_s),
        ],
        [
            "Of them acknowledged, a second".to_owned(),
            number(load.achieved_per_s),
        ],
        [
            "HTTP requests sent, all routes".to_owned(),
            count(load.requests),
        ],
        [
            "Arrivals sent more than 1 ms late".to_owned(),
            count(load.late),
        ],
        [
            "Arrivals never sent (no free slot)".to_owned(),
            count(load.dropped),
        ],
        [
            "Schedule lag, p99".to_owned(),
            number(load.schedule_lag_p99_ms) + " ms",
        ],
        ["In-flight slots".to_owned(), count(load.slots.into())],
        [
            "Requests in flight, mean, sampled".to_owned(),
            number(load.in_flight_mean),
        ],
        [
            "… as rate × mean latency predicts".to_owned(),
            number(load.in_flight_expected),
        ],
        [
            "CPU of the generator".to_owned(),
            format!(
                "{} s, {} of what it could have had",
                number(load.generator_cpu_s),
                percent(load.generator_cpu_share)
            ),
        ],
        [
            "Drain after the last answer".to_owned(),
            number(run.drain_s) + " s",
        ],
    ];
    if let Some(ms) = load.generator_lag_p99_ms {
        let figure = "… of requests that found a free slot: the generator's own";
        rows.insert(7, [figure.to_owned(), number(ms) + " ms"]);
    }
    if let Some(waited) = load.waited_for_slot {
        let figure = "Arrivals that found every slot taken";
        rows.insert(5, [figure.to_owned(), count(waited)]);
    }
    if let Some(seconds) = run.replica_catch_up_s {
        let figure = "Until the replica had caught up after that";
        rows.push([figure.to_owned(), number(seconds) + " s"]);
    }
    section("Load", &table(["Figure", "Value"], &["---", "---:"], rows))
}

pub(super) fn answers(run: &Run) -> String {
    let rows = run.answers.iter().flat_map(|(route, answers)| {
        answers
            .iter()
            .map(move |(status, n)| [format!("`{route}`"), status.clone(), count(*n)])
    });
    section(
        "Answers",
        &table(
            ["Route", "Answer", "Requests"],
            &["---", "---", "---:"],
            rows,
        ),
    )
}

pub(super) fn latency(run: &Run) -> String {
    let l = &run.latency_ms;
    let rows = [
        ("Signups acknowledged", "intended start", &l.answer),
        ("Signups acknowledged", "send", &l.answer_from_send),
        ("Signups until durable", "intended start", &l.durable),
        ("Signups refused", "intended start", &l.refused),
        ("Signups failed", "intended start", &l.failed),
        ("Reads", "send", &l.read),
    ]
    .map(|(what, clock, p)| {
        let ms = |x: f64| {
            if p.count == 0 {
                NONE.to_owned()
            } else {
                number(x)
            }
        };
        let Percentiles {
            count: n,
            p50,
            p95,
            p99,
            p999,
            max,
        } = *p;
        let head = [what.to_owned(), clock.to_owned(), count(n)];
        let [what, clock, n] = head;
        [what, clock, n, ms(p50), ms(p95), ms(p99), ms(p999), ms(max)]
    });
    let head = [
        "Class",
        "Clock starts at",
        "Requests",
        "p50",
        "p95",
        "p99",
        "p99.9",
        "Longest",
    ];
    let align = ["---", "---", "---:", "---:", "---:", "---:", "---:", "---:"];
    section("Latency, in ms", &table(head, &align, rows))
}

pub(super) fn ledger(run: &Run) -> String {
    let must_be_none = |n: u64| match n {
        0 => count(n),
        _ => format!("**{}**", count(n)),
    };
    let row = |(class, is, n): Class, shown: fn(u64) -> String, must_be: &str| {
        [
            class.to_owned(),
            is.to_owned(),
            shown(n),
            must_be.to_owned(),
        ]
    };
    let forbidden = forbidden(run).into_iter();
    let forbidden = forbidden.map(|class| row(class, must_be_none, "0"));
    let reported = reported(run).into_iter();
    let reported = reported.map(|class| row(class, count, "reported"));
    let head = ["Class", "Is", "Count", "Must be"];
    let rows = forbidden.chain(reported);
    section(
        "Ledger",
        &table(head, &["---", "---", "---:", "---:"], rows),
    )
}

/// A class of the ledger, what is in it, and how much.
type Class = (&'static str, &'static str, u64);

/// What makes a run INVALID.
fn forbidden(run: &Run) -> Vec<Class> {
    let l = &run.ledger;
    let mut classes = vec![
        ("lost", "acknowledged, in no database", l.lost),
        ("duplicated", "more than one row", l.duplicated),
        (
            "unexpected",
            "stored although refused, or never sent",
            l.unexpected,
        ),
        (
            "mutated",
            "stored with other content than was sent",
            l.mutated,
        ),
        ("misrouted", "in a shard the map does not name", l.misrouted),
        (
            "receipt conflict",
            "one participant, two receipts",
            l.receipt_conflicts,
        ),
    ];
    if run.replica_catch_up_s.is_some() {
        let is = "row not the same on the replica";
        classes.push(("replica differs", is, l.replica_differs));
    }
    if run.backlog.is_some() {
        let is = "acknowledged, only in the dead-letter queue";
        classes.push(("dead-lettered", is, l.dead_lettered));
    }
    classes
}

fn reported(run: &Run) -> Vec<Class> {
    let l = &run.ledger;
    let mut classes = vec![
        ("attempted", "signup requests sent", l.attempted),
        (
            "acknowledged requests",
            "signup requests answered 2xx",
            l.acked_requests,
        ),
        (
            "acknowledged",
            "participants with at least one 2xx",
            l.acked,
        ),
        ("kept", "rows found in the databases", l.kept),
        ("recovered", "unknown answer, row present", l.recovered),
        ("refused", "requests answered 429 or 503", l.refused),
        (
            "unknown",
            "requests whose answer left the outcome open",
            l.unknown,
        ),
    ];
    if run.backlog.is_some() {
        let is = "messages there that are no readable signup";
        classes.push(("unreadable dead letters", is, l.unreadable_dead_letters));
    }
    classes
}

pub(super) fn counts(run: &Run) -> String {
    let c = &run.counts;
    // Behind a queue a repeat is not known as one when it is answered.
    let (kept, by) = match run.backlog {
        Some(_) => (run.ledger.acked, "participants acknowledged"),
        None => (c.generator_acked.saturating_sub(c.repeats), "2xx − repeats"),
    };
    let rows = [
        (
            "Signup requests",
            "generator",
            c.generator_answers,
            "service",
            c.service_requests,
        ),
        (
            "Signups answered 2xx",
            "generator",
            c.generator_acked,
            "service",
            c.service_acked,
        ),
        ("Signups kept", by, kept, "rows", c.rows),
    ]
    .map(|(what, one, a, other, b)| {
        let [a_text, b_text] =
            [(one, a), (other, b)].map(|(who, n)| format!("{who}: {}", count(n)));
        let difference = if a == b {
            "agree".to_owned()
        } else {
            format!("**{}** apart", count(a.abs_diff(b)))
        };
        [what.to_owned(), a_text, b_text, difference]
    });
    let head = ["Counted", "By one", "By the other", "They"];
    section("Counts", &table(head, &["---", "---", "---", "---"], rows))
}
