//! Runs to test with, read from `fixtures/`, in schema 1 as they were written: a clean rush, one that
//! lost acknowledged signups when its database was killed, and one of a machine too slow for its load.
//! Tests only.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

use crate::capacity::{Capacity, Search, Tried};
use crate::record::{
    Backlog, Bottleneck, GreedySeen, Held, LOAD_SCHEMA, Load, Loaded, Outcome, Percentiles,
    Receipts, Run, Second, Step, Verdict,
};
use crate::spec::{Arrivals, Goal, GreedyClients, PhaseName, Scenario};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// 1,000 users in 100 s, clean.
#[must_use]
pub fn rush() -> Run {
    read("20251121T081500Z-phase1-rush-1000")
}

/// The same load with the database killed on the way; two acknowledged signups are gone.
#[must_use]
pub fn lost() -> Run {
    read("20251121T093000Z-phase1-rush-1000")
}

/// 1,000,000 users in 100 s on a machine 2.8 times slower than the published one: every slot was held by
/// a service at its cap.
#[must_use]
pub fn overloaded() -> Run {
    read("20261128T052141Z-phase3-rush-1000000")
}

/// Two steps of a load at a stranger's URL, with every receipt found; not judged yet.
#[must_use]
pub fn loaded() -> Loaded {
    let step = |begin_s, users: u32| Step {
        begin_s,
        window_s: 10.0,
        users,
        asked_per_s: f64::from(users) / 10.0,
        acknowledged_per_s: f64::from(users) / 10.0,
        acknowledged: users.into(),
        answer: Percentiles {
            count: users.into(),
            p50: 2.0,
            p99: 9.5,
            ..Percentiles::default()
        },
        outcome: Some(Outcome::default()),
        ..Step::default()
    };
    Loaded {
        schema: LOAD_SCHEMA,
        id: "20261128T120000Z-load-rush-6000".to_owned(),
        started_at: "2026-11-28T12:00:00Z".to_owned(),
        command: "lab load --rate 100,500 --each 10".to_owned(),
        url: "http://192.0.2.7:8080/".to_owned(),
        event: "00000000-0000-7000-8000-000000000001".to_owned(),
        phase: None,
        scenario: Scenario::Rush,
        arrivals: Arrivals::Flat,
        seed: 1,
        stopped: false,
        load: Load {
            generator_lag_p99_ms: Some(0.3),
            ..Load::default()
        },
        cpu_steal_share: 0.0,
        steps: vec![step(0, 1_000), step(10, 5_000)],
        answers: BTreeMap::new(),
        receipts: Receipts {
            found: 6_000,
            ..Receipts::default()
        },
        databases: None,
        databases_unread: None,
        cost: BTreeMap::new(),
        timeline: Vec::new(),
        verdict: Verdict::Invalid,
        reasons: Vec::new(),
        goal: Goal::default(),
    }
}

/// The clean rush as it could have been with a queue: each signup recorded in the second after its
/// answer, the last 3 s after the load.
#[must_use]
pub fn buffered() -> Run {
    let mut run = rush();
    run.spec.phase = PhaseName::Phase3;
    run.id = run.id.replace("phase1", "phase3");
    let last = run.timeline.len().try_into().unwrap();
    run.timeline.extend((last..last + 3_u32).map(|t_s| Second {
        t_s,
        ..Second::default()
    }));
    let mut waiting = 0;
    for second in &mut run.timeline {
        second.recorded = Some(waiting);
        waiting = second.acked;
        second.backlog = waiting;
    }
    run.drain_s = 3.2;
    run.backlog = Some(Backlog {
        peak: 19,
        peak_t_s: 4,
        at_window_end: 14,
    });
    let durable = &mut run.latency_ms.durable;
    (durable.p50, durable.p99, durable.count) = (310.0, 1_020.0, 1_000);
    run
}

/// The clean rush as it could have been beside greedy clients that the service does not put up with.
#[must_use]
pub fn greedy() -> Run {
    let mut run = rush();
    run.id += "-greedy";
    run.command += " --slow-headers 2000 --stalled-readers=500";
    run.spec.greedy = GreedyClients {
        slow_headers: 2_000,
        slow_bodies: 0,
        stalled_readers: 500,
    };
    let held = |open_mean, open_max, connections, endings: &[(&str, u64)]| Held {
        open_mean,
        open_max,
        connections,
        endings: endings
            .iter()
            .map(|(how, number)| ((*how).to_owned(), *number))
            .collect(),
    };
    run.greedy = Some(GreedySeen {
        slow_headers: held(1_561.4, 2_000, 38_112, &[("closed", 36_518), ("408", 21)]),
        slow_bodies: Held::default(),
        stalled_readers: held(498.7, 500, 500, &[("not_connected", 3)]),
        cpu_s: 2.31,
    });
    run
}

/// Three searches each of two phases, all over.
#[must_use]
pub fn capacity() -> Capacity {
    let tried = |service: &str, (rung, carried): (i32, bool)| {
        let mut tried = Tried::of(rung, &rush());
        tried.verdict = Verdict::Valid;
        tried.carried = carried;
        tried.acknowledged_per_s = 1.06 * crate::capacity::rate(rung);
        tried.p99_ms = if carried { 40.0 } else { 1_800.0 };
        tried.bottleneck = Some(Bottleneck {
            service: service.to_owned(),
            resource: "cpu cap".to_owned(),
            evidence: "throttled in 80 % of its periods".to_owned(),
        });
        tried
    };
    let search = |phase: PhaseName, repeat, rung: i32| Search {
        system: phase.into(),
        repeat,
        tried: [(rung, true), (rung + 1, false)]
            .map(|one| tried(&format!("{phase}-server"), one))
            .into(),
    };
    let (one, three) = (PhaseName::Phase1, PhaseName::Phase3);
    Capacity {
        id: "20261128T120000Z-capacity".to_owned(),
        command: "lab capacity phase1 phase3 --repeats 3".to_owned(),
        git_sha: "4f0c2b7d9a51".to_owned(),
        window_s: 20,
        scenario: Scenario::Rush,
        systems: vec![one.into(), three.into()],
        repeats: 3,
        searches: vec![
            search(one, 1, 148),
            search(three, 1, 203),
            search(one, 2, 147),
            search(three, 2, 200),
            search(one, 3, 148),
            search(three, 3, 201),
        ],
    }
}

/// The folder of the sample runs.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn read(id: &str) -> Run {
    crate::store::read_run(&folder().join(id)).unwrap()
}
