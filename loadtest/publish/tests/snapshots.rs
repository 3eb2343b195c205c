//! What a person reads, as it is: a change of a word shows in the diff of a snapshot. After a change on
//! purpose, `INSTA_UPDATE=always cargo test -p lab-publish` writes them again; read the diff.

use lab_publish::{charts, report, tables, words};
use lab_truth::record::Run;
use lab_truth::{fixtures, verdict};
use std::collections::BTreeSet;

/// The sample runs, judged as they would be today.
fn runs() -> [(&'static str, Run); 5] {
    [
        ("rush", fixtures::rush()),
        ("lost", fixtures::lost()),
        ("buffered", fixtures::buffered()),
        ("overloaded", fixtures::overloaded()),
        ("greedy", fixtures::greedy()),
    ]
    .map(|(name, mut run)| {
        verdict::judge_again(&mut run);
        (name, run)
    })
}

#[test]
fn reports() {
    for (name, run) in runs() {
        insta::assert_snapshot!(format!("report-{name}"), report::markdown(&run));
    }
}

#[test]
fn tables_of_results_and_on_a_terminal() {
    let runs = runs().map(|(_, run)| run);
    insta::assert_snapshot!("results", tables::results_readme(&runs, &BTreeSet::new()));
    insta::assert_snapshot!("terminal", tables::summary(&runs, false));
}

#[test]
fn the_steps_of_a_load_and_why_its_numbers_are_not_for_publication() {
    let mut loaded = fixtures::loaded();
    loaded.steps[1].acknowledged_per_s = 400.0;
    loaded.steps[1].refused = 1_000;
    loaded.receipts.not_known = 3;
    loaded.stopped = true;
    verdict::judge_load(&mut loaded);
    let text = tables::steps(&loaded, false) + "\n" + &words::reasons_of_load(&loaded).join("\n");
    insta::assert_snapshot!("steps", text);
}

/// One with a fault, drawn small enough to be read: its latency.
#[test]
fn a_chart() {
    let [_, (_, lost), ..] = runs();
    let mut short = lost;
    short.timeline.truncate(3);
    let drawn =
        charts::draw(&short).map(|all| all.into_iter().find(|one| one.file == "latency.svg"));
    insta::assert_snapshot!(
        "latency",
        drawn.ok().flatten().map(|one| one.svg).unwrap_or_default()
    );
}
