//! What stands in the text, and that it stands in one order.

use super::*;
use lab_truth::fixtures;

fn lines<'t>(text: &'t str, metric: &str) -> Vec<&'t str> {
    let start = format!("{metric}{{");
    text.lines()
        .filter(|line| line.starts_with(&start))
        .collect()
}

#[test]
fn every_run_begins_at_the_same_instant_and_keeps_its_own_name() {
    let runs = [fixtures::rush(), fixtures::lost()];
    let text = openmetrics(&runs);
    let kept = lines(&text, "run_kept");
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|line| line.ends_with(" 946684800")));
    let asked = lines(&text, "run_asked");
    let seconds: usize = runs.iter().map(|run| run.timeline.len()).sum();
    assert_eq!(asked.len(), seconds);
    assert!(
        asked[0].starts_with("run_asked{run=\"phase1 rush 1k, "),
        "{}",
        asked[0]
    );
    assert!(asked[1].ends_with(" 946684801"), "{}", asked[1]);
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_samples_of_a_metric_stand_together_below_its_type() {
    let text = openmetrics(&[fixtures::rush(), fixtures::overloaded()]);
    let mut current = "";
    let mut seen = Vec::new();
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            current = family.strip_suffix(" gauge").unwrap();
            assert!(!seen.contains(&current), "{current} comes twice");
            seen.push(current);
        } else {
            assert!(line.starts_with(&format!("{current}{{")), "{line}");
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
}

#[test]
fn what_was_not_measured_is_left_out_and_no_zero() {
    let mut run = fixtures::rush();
    run.floor = None;
    run.outcome = None;
    run.timeline[1].p99_ms = 0.0;
    let text = openmetrics(std::slice::from_ref(&run));
    for metric in ["run_times_floor", "run_carried", "run_recorded"] {
        assert!(lines(&text, metric).is_empty(), "{metric}");
    }
    assert_eq!(lines(&text, "run_p99_ms").len(), run.timeline.len() - 1);
}

#[test]
fn a_label_holds_whatever_a_machine_is_called() {
    let mut run = fixtures::rush();
    run.environment.cpu_model = "a \"fast\" \\ one\n".to_owned();
    let text = openmetrics(&[run]);
    assert!(
        text.contains(r#"cpu_model="a \"fast\" \\ one\n""#),
        "{}",
        lines(&text, "run_kept")[0]
    );
}

#[test]
fn a_fault_is_1_in_each_second_it_is_on() {
    use lab_truth::record::FaultSeen;
    use lab_truth::spec::FaultKind;
    let mut run = fixtures::rush();
    run.faults = vec![FaultSeen {
        kind: FaultKind::Pause,
        target: "phase1-server".to_owned(),
        begin_s: 3.2,
        end_s: 5.1,
        exit_code: None,
    }];
    let text = openmetrics(&[run]);
    let on = lines(&text, "run_fault");
    assert_eq!(on.len(), 3);
    assert!(
        on[0].contains("fault=\"pause phase1-server at 3.2 s for 1.9 s\"")
            && on[0].ends_with("} 1 946684803"),
        "{}",
        on[0]
    );
}
