//! What every chart carries, and that no data, however strange, stops one from being drawn.

use super::*;
use lab_truth::fixtures;
use lab_truth::record::Second;

fn svg(run: &Run, file: &str) -> String {
    draw(run)
        .unwrap()
        .into_iter()
        .find(|picture| picture.file == file)
        .unwrap()
        .svg
}

#[test]
fn every_chart_carries_the_run_and_its_verdict() {
    for run in [fixtures::rush(), fixtures::lost()] {
        for picture in draw(&run).unwrap() {
            assert!(picture.svg.contains(&run.id), "{}", picture.file);
            assert!(picture.svg.contains(crate::words::verdict(run.verdict)));
            assert!(picture.svg.starts_with("<svg width=\"960\" height=\"450\""));
        }
    }
    assert!(svg(&fixtures::lost(), "rate.svg").contains("2 acknowledged signups"));
}

#[test]
fn a_run_with_a_queue_shows_what_waited_and_no_other_does() {
    let run = fixtures::buffered();
    let drawn = svg(&run, "backlog.svg");
    for shown in [
        "accepted so far",
        "recorded so far",
        "at most 19",
        "end of the load",
        "drained in 3.20 s",
    ] {
        assert!(drawn.contains(shown), "{shown}");
    }
    assert!(svg(&run, "rate.svg").contains(">\nrecorded\n<"));
    assert!(!svg(&fixtures::rush(), "rate.svg").contains(">\nrecorded\n<"));
    assert!(
        files(&fixtures::rush())
            .iter()
            .all(|(file, _)| *file != "backlog.svg")
    );
}

/// What a fault did is seen where it lasted.
#[test]
fn a_fault_is_a_band_behind_the_lines() {
    let band = "fill=\"#FFD8B5\"";
    for file in ["rate.svg", "latency.svg"] {
        let drawn = svg(&fixtures::lost(), file);
        assert_eq!(drawn.matches(band).count(), 1, "{file}");
        assert!(!svg(&fixtures::rush(), file).contains(band));
    }
}

#[test]
fn the_goal_is_drawn_when_it_is_in_range() {
    let mut run = fixtures::rush();
    assert!(!svg(&run, "latency.svg").contains("goal for p99"));
    run.timeline[50].p99_ms = 240.0;
    assert!(svg(&run, "latency.svg").contains("goal for p99"));
}

/// With six caps of their own the lines could not be told apart.
#[test]
fn many_containers_are_drawn_as_shares_of_their_caps_and_few_are_not() {
    let mut run = fixtures::rush();
    for file in ["cpu.svg", "memory.svg"] {
        assert!(!svg(&run, file).contains("per cent of its cap"), "{file}");
    }
    let caps = run.caps.clone();
    run.caps
        .extend(caps.into_iter().map(|cap| lab_truth::record::Cap {
            service: format!("{}-2", cap.service),
            ..cap
        }));
    for file in ["cpu.svg", "memory.svg"] {
        let drawn = svg(&run, file);
        assert!(drawn.contains("per cent of its cap"), "{file}");
        assert!(drawn.contains("of 0.25") || drawn.contains("of 128"));
    }
}

#[test]
fn strange_data_is_drawn_without_a_panic() {
    for timeline in strange_timelines() {
        let mut run = fixtures::buffered();
        run.timeline = timeline;
        for picture in draw(&run).unwrap() {
            assert!(
                picture.svg.trim_end().ends_with("</svg>"),
                "{}",
                picture.file
            );
            assert!(!picture.svg.contains("NaN"), "{}", picture.file);
        }
        run.caps.clear();
        draw(&run).unwrap();
    }
}

fn strange_timelines() -> Vec<Vec<Second>> {
    let sampled = fixtures::rush().timeline;
    let one = sampled[..1].to_vec();
    let zero = (0..100)
        .map(|t_s| Second {
            t_s,
            ..Second::default()
        })
        .collect();
    let mut huge = sampled.clone();
    for second in &mut huge {
        second.asked = u64::MAX;
        second.acked = u64::MAX;
        second.backlog = u64::MAX;
        second.recorded = Some(u64::MAX);
        second.p99_ms = 1e300;
        second.memory_bytes.values_mut().for_each(|b| *b = u64::MAX);
        second.cpus.values_mut().for_each(|c| *c = f64::MAX);
    }
    let mut broken = sampled.clone();
    for second in &mut broken {
        second.p99_ms = f64::NAN;
        second.p50_ms = f64::INFINITY;
        second.p99_from_send_ms = -1.0;
        second.cpus.values_mut().for_each(|c| *c = f64::NAN);
    }
    let late = vec![Second {
        t_s: u32::MAX,
        p99_ms: 1.0,
        ..Second::default()
    }];
    vec![Vec::new(), one, zero, huge, broken, late]
}
