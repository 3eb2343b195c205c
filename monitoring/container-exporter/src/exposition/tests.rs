//! What Prometheus is told.

use std::collections::{BTreeMap, BTreeSet};

use signup_conformance::exposition::{select, sum};

use super::*;
use crate::sample::CpuLimit;

fn sample() -> Sample {
    Sample {
        id: "/docker/abc".to_owned(),
        name: "signup-lab-phase1-server-1".to_owned(),
        image: "signup-lab/phase1-monolith".to_owned(),
        project: "signup-lab".to_owned(),
        service: "phase1-server".to_owned(),
        cpu_seconds: 2.5,
        cpu_limit: Some(CpuLimit {
            quota: 25_000,
            period: 100_000,
        }),
        cpu_periods: 40,
        cpu_throttled_periods: 7,
        memory_usage: 100,
        memory_working_set: 70,
        memory_limit: 134_217_728,
        network: BTreeMap::from([("eth0".to_owned(), (10, 20))]),
        written: Some(15),
    }
}

fn text(samples: Vec<Sample>, failed: bool) -> String {
    encode(&Readings { samples, failed }).unwrap()
}

fn is_in(text: &str, name: &str) -> bool {
    !select(text, name).unwrap().is_empty()
}

#[test]
fn every_series_has_cadvisors_name_and_the_compose_labels() {
    let text = text(vec![sample()], false);
    for (name, expected) in [
        ("container_cpu_usage_seconds_total", 2.5),
        ("container_cpu_cfs_periods_total", 40.0),
        ("container_cpu_cfs_throttled_periods_total", 7.0),
        ("container_spec_cpu_quota", 25_000.0),
        ("container_spec_cpu_period", 100_000.0),
        ("container_memory_usage_bytes", 100.0),
        ("container_memory_working_set_bytes", 70.0),
        ("container_spec_memory_limit_bytes", 134_217_728.0),
        ("container_network_receive_bytes_total", 10.0),
        ("container_network_transmit_bytes_total", 20.0),
        ("container_fs_writes_bytes_total", 15.0),
    ] {
        let selector = format!(
            r#"{name}{{container_label_com_docker_compose_service="phase1-server",name="signup-lab-phase1-server-1"}}"#
        );
        assert_eq!(sum::<f64>(&text, &selector).unwrap(), expected, "{name}");
    }
}

/// What dashboards, rules and alerts ask for: the words that begin so and are no label.
fn asked_for() -> BTreeSet<&'static str> {
    let texts = [
        include_str!("../../../prometheus/rules/recording.yml"),
        include_str!("../../../prometheus/rules/alerts.yml"),
        include_str!("../../../grafana/dashboards/golden-signals.json"),
        include_str!("../../../grafana/dashboards/replicated.json"),
        include_str!("../../../grafana/dashboards/buffered.json"),
    ];
    let is_name =
        |word: &&str| word.starts_with("container_") && !word.starts_with("container_label_");
    let words = texts.into_iter().flat_map(|text| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
    });
    words.filter(is_name).collect()
}

#[test]
fn every_series_that_is_asked_for_is_served() {
    let text = text(vec![sample()], false);
    let asked_for = asked_for();
    assert!(asked_for.len() >= 8, "{asked_for:?}");
    for name in asked_for {
        assert!(is_in(&text, name), "{name}");
    }
}

#[test]
fn a_container_without_a_cap_or_a_disk_count_has_no_such_series() {
    let text = text(
        vec![Sample {
            cpu_limit: None,
            written: None,
            ..sample()
        }],
        false,
    );
    assert!(is_in(&text, "container_memory_usage_bytes"));
    for name in [
        "container_spec_cpu_quota",
        "container_cpu_cfs_periods_total",
        "container_fs_writes_bytes_total",
    ] {
        assert!(!is_in(&text, name), "{name}");
    }
}

#[test]
fn a_failed_reading_is_a_metric_and_not_a_failed_scrape() {
    let error = |text: String| sum::<u64>(&text, "container_scrape_error").unwrap();
    assert_eq!(error(text(Vec::new(), true)), 1);
    assert_eq!(error(text(vec![sample()], false)), 0);
}
