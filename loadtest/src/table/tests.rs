//! Which runs the tables show, and as what.

use super::*;
use crate::record::Floor;
use crate::sample;

#[test]
fn the_results_table_tells_valid_runs_from_others() {
    let text = results_readme(&[sample::rush(), sample::lost()]);
    let valid = text.lines().find(|l| l.contains("T081500Z")).unwrap();
    assert!(
        valid.ends_with(
            "| 10.0 | 10.5 | 2.51 | 11.8 | 11.8 | 0.40 | 968 | – | 0.0061 | 0 | **VALID** |"
        ),
        "{valid}"
    );
    let invalid = text.lines().find(|l| l.contains("T093000Z")).unwrap();
    assert!(
        invalid.contains("INVALID: 2 acknowledged signups"),
        "{invalid}"
    );
    assert!(results_readme(&[]).contains(NO_RUNS));
}

#[test]
fn the_phase_table_goes_between_its_markers_and_nowhere_else() {
    let readme = format!("# Lab\n\n{BEGIN}\nold\n{END}\n\nrest\n");
    let once = with_phase_table(&readme, &[sample::rush()]).unwrap();
    assert!(once.starts_with("# Lab\n") && once.ends_with(&format!("{END}\n\nrest\n")));
    assert!(
        once.contains("| phase1 | 1,000 | rush, flat | AMD EPYC 7B13 | 10.0 | 10.5 |")
            && !once.contains("old")
    );
    assert_eq!(with_phase_table(&once, &[sample::rush()]).unwrap(), once);
    for wrong in [
        "",
        BEGIN,
        END,
        &format!("{END}{BEGIN}"),
        &format!("{BEGIN}{BEGIN}{END}"),
    ] {
        assert!(with_phase_table(wrong, &[]).is_err(), "{wrong}");
    }
}

#[test]
fn a_newer_invalid_run_does_not_push_a_valid_one_out() {
    let mut broken = sample::lost();
    broken.fault = None;
    let shown = |runs: &[Run]| phase_table(runs);
    assert!(shown(&[sample::rush(), broken.clone()]).contains(&sample::rush().id));
    assert!(shown(&[broken.clone()]).contains("[INVALID]"));
    assert!(shown(&[sample::lost()]).contains(NO_RUNS));
    let mut newer = sample::rush();
    newer.id = "20261121T081500Z-phase1-rush-1000".to_owned();
    assert!(shown(&[newer.clone(), sample::rush()]).contains(&newer.id));
}

#[test]
fn a_run_with_a_part_left_out_never_stands_for_its_phase() {
    let mut without = sample::rush();
    without.id = "20261121T081500Z-phase1-rush-1000".to_owned();
    without.without = vec!["cache".to_owned()];
    let runs = [sample::rush(), without];
    let table = phase_table(&runs);
    assert!(table.contains("| phase1 |") && table.contains("| phase1 without cache |"));
    let readme = results_readme(&runs);
    assert!(readme.contains("## phase1, rush") && readme.contains("## phase1 without cache, rush"));
}

#[test]
fn a_cost_is_shown_as_a_multiple_of_the_floor_of_its_own_run() {
    let mut run = sample::rush();
    run.floor = Some(Floor {
        answer_cpu_us: 30.0,
        row_cpu_us: 18.4,
    });
    assert!(phase_table(&[run.clone()]).contains("| 968 | 20.0 |"));
    assert!(results_readme(&[run]).contains("| 968 | 20.0 |"));
}

/// One machine pays far more for the same load than another (NOTES.md), and a table must not hide which.
#[test]
fn a_run_says_on_what_machine_it_was() {
    let mut run = sample::rush();
    for (model, short) in [
        ("Intel(R) Xeon(R) Processor", "Intel Xeon"),
        (
            "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz",
            "Intel Core i7-8700",
        ),
        ("AMD EPYC", "AMD EPYC"),
    ] {
        run.environment.cpu_model = model.to_owned();
        assert!(phase_table(&[run.clone()]).contains(&format!("| {short} |")));
        assert!(results_readme(&[run.clone()]).contains(&format!("| {short} |")));
    }
}

/// A phase must not win by answering early.
#[test]
fn a_run_with_a_queue_shows_both_clocks() {
    let runs = [sample::buffered()];
    assert!(phase_table(&runs).contains("| 2.51 | 11.8 | 1,020 | 968 |"));
    let readme = results_readme(&runs);
    assert!(
        readme.contains("| 2.51 | 11.8 | 1,020 | 3.20 | 968 |"),
        "{readme}"
    );
}
