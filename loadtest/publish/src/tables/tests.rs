//! Which runs the tables show, and as what.

use super::curated::{BEGIN, END};
use super::*;
use lab_truth::fixtures;
use lab_truth::record::Floor;
use lab_truth::spec::Part;
use lab_truth::verdict;

fn judged(mut run: Run) -> Run {
    verdict::judge(&mut run);
    run
}

fn readme(runs: &[Run]) -> String {
    results_readme(runs, &BTreeSet::new())
}

fn curated(run: &Run) -> String {
    let text = format!("{BEGIN} {} -->\nold\n{END}\n", run.id);
    with_curated_table(&text, std::slice::from_ref(run)).unwrap()
}

#[test]
fn the_results_table_tells_whether_a_run_is_believed_from_whether_it_was_carried() {
    let runs = [fixtures::rush(), fixtures::lost(), fixtures::overloaded()].map(judged);
    let text = readme(&runs);
    let line = |id: &str| text.lines().find(|line| line.contains(id)).unwrap();
    let valid = line("T081500Z");
    assert!(
        valid.ends_with("| 968 | – | 0.0061 | 0 | **VALID** | CARRIED |"),
        "{valid}"
    );
    assert!(line("T093000Z").contains("| INVALID: the ledger is not clean: 2 lost"));
    assert!(line("T052141Z").contains("| **VALID** | MISSED: 8,754 signups a second"));
    assert!(readme(&[]).contains(NO_RUNS));
}

#[test]
fn runs_stand_under_the_day_and_the_machine_they_were_made_on() {
    let text = readme(&[fixtures::rush(), fixtures::overloaded()]);
    let newest = text.find("## 2026-11-28, AMD EPYC").unwrap();
    assert!(newest < text.find("## 2025-11-21, AMD EPYC 7B13").unwrap());
    let reported = [fixtures::rush().id].into();
    let text = results_readme(&[fixtures::rush(), fixtures::overloaded()], &reported);
    assert!(text.contains("rush-1000/report.md") && text.contains("rush-1000000/run.json"));
}

#[test]
fn the_curated_table_shows_the_runs_it_names_between_its_markers() {
    let run = judged(fixtures::rush());
    let text = format!("# Lab\n\n{BEGIN} {} -->\nold\n{END}\n\nrest\n", run.id);
    let runs = [run.clone(), judged(fixtures::lost())];
    let once = with_curated_table(&text, &runs).unwrap();
    assert!(once.starts_with("# Lab\n") && once.ends_with(&format!("{END}\n\nrest\n")));
    assert!(
        once.contains("| phase1 | 1,000 | rush, flat | AMD EPYC 7B13 | 10.0 | 10.5 |")
            && once.contains(&format!(
                "[VALID](results/{}/report.md) | CARRIED |",
                run.id
            ))
            && !once.contains("old")
            && !once.contains("T093000Z"),
        "{once}"
    );
    assert_eq!(with_curated_table(&once, &runs).unwrap(), once);
    for wrong in [
        "",
        &format!("{BEGIN} -->"),
        END,
        &format!("{END}{BEGIN} -->"),
        &format!("{BEGIN} -->{BEGIN} -->{END}"),
        &format!("{BEGIN} no-such-run -->{END}"),
        &format!("{BEGIN} {} -->{END}", format!("{} ", run.id).repeat(11)),
    ] {
        assert!(with_curated_table(wrong, &runs).is_err(), "{wrong}");
    }
}

#[test]
fn a_run_with_a_part_left_out_or_slowed_down_never_stands_for_its_phase() {
    let mut run = fixtures::rush();
    run.spec.without = [Part::Cache].into();
    run.spec.slower = "2.8".parse().unwrap();
    let system = "| phase1 without cache, 2.8 times slower |";
    assert!(curated(&run).contains(system) && readme(&[run]).contains(system));
}

#[test]
fn a_cost_is_shown_as_a_multiple_of_the_floor_of_its_own_run() {
    let mut run = fixtures::rush();
    run.floor = Some(Floor {
        answer_cpu_us: 30.0,
        row_cpu_us: 18.4,
    });
    assert!(curated(&run).contains("| 968 | 20.0 |") && readme(&[run]).contains("| 968 | 20.0 |"));
}

/// One machine pays far more for the same load than another (NOTES N39), and a table must not hide which.
#[test]
fn a_run_says_on_what_machine_it_was() {
    let mut run = fixtures::rush();
    for (model, short) in [
        ("Intel(R) Xeon(R) Processor", "Intel Xeon"),
        (
            "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz",
            "Intel Core i7-8700",
        ),
        ("AMD EPYC", "AMD EPYC"),
    ] {
        run.environment.cpu_model = model.to_owned();
        assert!(curated(&run).contains(&format!("| {short} |")));
        let runs = [run.clone()];
        assert!(readme(&runs).contains(&format!("## 2025-11-21, {short}\n")));
    }
}

/// A phase must not win by answering early.
#[test]
fn a_run_with_a_queue_shows_both_clocks() {
    let run = fixtures::buffered();
    assert!(curated(&run).contains("| 2.51 | 11.8 | 1,020 | 968 |"));
    let text = readme(&[run]);
    assert!(
        text.contains("| 2.51 | 11.8 | 1,020 | 3.20 | 968 |"),
        "{text}"
    );
}
