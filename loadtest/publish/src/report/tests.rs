//! What a report says, and what only some do.

use super::*;
use lab_truth::fixtures;
use lab_truth::record::BrokenPromises;
use lab_truth::spec::Part;

#[test]
fn the_verdict_comes_before_any_figure() {
    let report = markdown(&fixtures::lost());
    let verdict = report.find("**INVALID.**").unwrap();
    assert!(
        report
            .find("- 2 acknowledged signups are in no database")
            .unwrap()
            > verdict
    );
    assert!(report.find("## Load").unwrap() > verdict);
    assert!(markdown(&fixtures::rush()).contains("**VALID.** The numbers below may be quoted."));
}

#[test]
fn the_figures_of_the_run_are_in_the_report() {
    let report = markdown(&fixtures::rush());
    for figure in [
        "| Arrivals scheduled | 1,000 |",
        "| Signups acknowledged | intended start | 1,047 | 2.51 | 4.90 | 11.8 |",
        "| lost | acknowledged, in no database | 0 | 0 |",
        "| **all** | **968** | 1.01 |",
        "| phase1-server | 0.25 | 0.25 | – | 128 | 128 | – | yes |",
        "| `fsync` | on |",
        "lab run phase1 --users 1000",
        "![CPU of each container against its cap](cpu.svg)",
    ] {
        assert!(report.contains(figure), "{figure}\n{report}");
    }
}

#[test]
fn what_must_be_zero_and_is_not_stands_out() {
    let mut run = fixtures::lost();
    run.caps[0].inspected_cpus = 2.0;
    let report = markdown(&run);
    for figure in [
        "| lost | acknowledged, in no database | **2** | 0 |",
        "**3** apart",
        "| phase1-server | 0.25 | 2 | – | 128 | 128 | – | **no** |",
        "had changes that were not committed",
    ] {
        assert!(report.contains(figure), "{figure}\n{report}");
    }
}

#[test]
fn a_run_that_measured_nothing_has_a_report() {
    let mut run = fixtures::rush();
    run.latency_ms = Default::default();
    run.answers.clear();
    run.cost = Default::default();
    run.caps.clear();
    run.timeline.clear();
    let report = markdown(&run);
    assert!(report.contains("No signup was acknowledged"), "{report}");
    assert!(!report.contains("NaN"));
}

#[test]
fn what_only_some_runs_have_is_shown_only_there() {
    let mut run = fixtures::rush();
    let report = markdown(&run);
    for absent in [
        "## Reads",
        "## Promises",
        "## Recording",
        "reedy clients",
        "replica",
        "without",
    ] {
        assert!(!report.contains(absent), "{absent}\n{report}");
    }
    run.spec.without = [Part::Batch].into();
    run.replica_catch_up_s = Some(0.25);
    run.ledger.replica_differs = 3;
    run.broken_promises = Some(BrokenPromises {
        receipts_denied: 2,
        ..BrokenPromises::default()
    });
    let sources = [("cache/HIT", 995), ("replica/MISS", 5)];
    let sources = sources.map(|(source, number)| (source.to_owned(), number));
    run.reads.insert("count".to_owned(), sources.into());
    let report = markdown(&run);
    for figure in [
        "# phase1 without batch, rush",
        "users came to phase1 without batch in",
        "| Until the replica had caught up after that | 0.25 s |",
        "| replica differs | row not the same on the replica | **3** | 0 |",
        "| `count` | replica | MISS | 5 | 0.5 % |",
        "Answered from a cache: count 99.5 %.",
        "| Requests not answered within 2 s | 0 |",
        "| Receipts that were given, answered 404 | **2** |",
    ] {
        assert!(report.contains(figure), "{figure}\n{report}");
    }
}

#[test]
fn a_run_beside_greedy_clients_tells_what_became_of_them_and_what_to_compare_it_with() {
    let report = markdown(&fixtures::greedy());
    for figure in [
        "Greedy clients held connections beside them: 2,000 slow headers, 500 stalled readers.",
        "| slow header | 2,000 | 1,561 | 2,000 | 38,112 | closed 36,518, 408 21 |",
        "| stalled reader | 500 | 499 | 500 | 500 | not connected 3 |",
        "Of 1,047 signup requests of honest participants",
        "without greedy clients: `lab run phase1 --users 1000 --window 100 --scenario rush --arrivals \
         flat --seed 7`.",
    ] {
        assert!(report.contains(figure), "{figure}\n{report}");
    }
    assert!(!report.contains("| slow body |"), "{report}");
}

#[test]
fn a_run_with_a_queue_tells_when_its_signups_were_recorded() {
    let mut run = fixtures::buffered();
    run.ledger.dead_lettered = 2;
    let report = markdown(&run);
    for figure in [
        "99 % of the signups were recorded within 1,020 ms, at most 19 waited, and the last was \
         recorded 3.20 s after the last answer.",
        "](backlog.svg)",
        "## Recording",
        "| Until durable, p99 | 1,020 ms |",
        "| Largest backlog | 19 signups, in second 4 |",
        "| Backlog when the last participants came | 14 signups |",
        "| dead-lettered | acknowledged, only in the dead-letter queue | **2** | 0 |",
        "| unreadable dead letters | messages there that are no readable signup | 0 | reported |",
        "| Signups kept | participants acknowledged: 1,000 | rows: 1,000 | agree |",
    ] {
        assert!(report.contains(figure), "{figure}\n{report}");
    }
}
