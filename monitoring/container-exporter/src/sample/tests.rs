//! What a container is counted as.

use std::collections::HashMap;

use bollard::models::{
    ContainerBlkioStatEntry, ContainerCpuStats, ContainerCpuUsage, ContainerNetworkStats,
    ContainerThrottlingData,
};

use super::*;

fn container() -> ContainerSummary {
    ContainerSummary {
        id: Some("abc".to_owned()),
        names: Some(vec!["/signup-lab-phase1-server-1".to_owned()]),
        image: Some("signup-lab/phase1-monolith".to_owned()),
        labels: Some(HashMap::from([
            (
                "com.docker.compose.project".to_owned(),
                "signup-lab".to_owned(),
            ),
            (
                "com.docker.compose.service".to_owned(),
                "phase1-server".to_owned(),
            ),
        ])),
        ..ContainerSummary::default()
    }
}

fn memory(usage: u64, statistics: &[(&str, u64)]) -> ContainerMemoryStats {
    let stats = statistics
        .iter()
        .map(|(key, value)| ((*key).to_owned(), *value))
        .collect();
    ContainerMemoryStats {
        usage: Some(usage),
        stats: Some(stats),
        ..Default::default()
    }
}

fn block(op: &str, value: u64) -> ContainerBlkioStatEntry {
    ContainerBlkioStatEntry {
        op: Some(op.to_owned()),
        value: Some(value),
        ..Default::default()
    }
}

#[test]
fn a_container_is_named_as_cadvisor_names_it() {
    let sample = Sample::new(&container(), None, &ContainerStatsResponse::default());
    assert_eq!(sample.id, "/docker/abc");
    assert_eq!(sample.name, "signup-lab-phase1-server-1");
    assert_eq!(sample.service, "phase1-server");
    assert_eq!(sample.project, "signup-lab");
}

#[test]
fn an_answer_without_statistics_is_all_zero_and_without_caps() {
    let sample = Sample::new(&container(), None, &ContainerStatsResponse::default());
    assert_eq!(
        (sample.cpu_seconds, sample.memory_usage, sample.memory_limit),
        (0.0, 0, 0)
    );
    assert_eq!((sample.cpu_limit, sample.written), (None, None));
}

#[test]
fn cpu_time_is_in_seconds_and_throttling_in_periods() {
    let stats = ContainerStatsResponse {
        cpu_stats: Some(ContainerCpuStats {
            cpu_usage: Some(ContainerCpuUsage {
                total_usage: Some(2_500_000_000),
                ..Default::default()
            }),
            throttling_data: Some(ContainerThrottlingData {
                periods: Some(40),
                throttled_periods: Some(7),
                throttled_time: None,
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let sample = Sample::new(&container(), None, &stats);
    assert_eq!(sample.cpu_seconds, 2.5);
    assert_eq!((sample.cpu_periods, sample.cpu_throttled_periods), (40, 7));
}

#[test]
fn a_cap_of_a_quarter_cpu_is_25_of_100_milliseconds() {
    let cpus = HostConfig {
        nano_cpus: Some(250_000_000),
        ..Default::default()
    };
    assert_eq!(
        cpu_limit(&cpus),
        Some(CpuLimit {
            quota: 25_000,
            period: 100_000
        })
    );
}

#[test]
fn a_cap_may_also_be_a_quota_and_zero_means_none() {
    let quota = HostConfig {
        cpu_quota: Some(5_000),
        cpu_period: Some(10_000),
        ..Default::default()
    };
    assert_eq!(
        cpu_limit(&quota),
        Some(CpuLimit {
            quota: 5_000,
            period: 10_000
        })
    );
    let none = HostConfig {
        nano_cpus: Some(0),
        cpu_quota: Some(0),
        ..Default::default()
    };
    assert_eq!(cpu_limit(&none), None);
}

#[test]
fn the_working_set_leaves_out_the_inactive_page_cache_of_either_cgroup_version() {
    let v1 = memory(100, &[("inactive_file", 1), ("total_inactive_file", 30)]);
    let v2 = memory(100, &[("inactive_file", 40)]);
    assert_eq!(working_set(&v1), 70);
    assert_eq!(working_set(&v2), 60);
    // The two numbers are read one after the other, so the part may exceed the whole.
    assert_eq!(working_set(&memory(100, &[("inactive_file", 120)])), 0);
}

#[test]
fn the_memory_cap_is_the_containers_own() {
    let limits = HostConfig {
        memory: Some(134_217_728),
        ..Default::default()
    };
    let sample = Sample::new(
        &container(),
        Some(&limits),
        &ContainerStatsResponse::default(),
    );
    assert_eq!(sample.memory_limit, 134_217_728);
}

#[test]
fn network_bytes_are_kept_by_interface() {
    let counters = ContainerNetworkStats {
        rx_bytes: Some(10),
        tx_bytes: Some(20),
        ..Default::default()
    };
    let stats = ContainerStatsResponse {
        networks: Some(HashMap::from([("eth0".to_owned(), counters)])),
        ..Default::default()
    };
    assert_eq!(
        network(&stats),
        BTreeMap::from([("eth0".to_owned(), (10, 20))])
    );
}

#[test]
fn writes_are_summed_over_devices_in_either_spelling() {
    let entries = vec![block("Read", 5), block("Write", 7), block("write", 8)];
    let counted = ContainerBlkioStats {
        io_service_bytes_recursive: Some(entries),
        ..Default::default()
    };
    assert_eq!(written(&counted), Some(15));
    let uncounted = ContainerBlkioStats {
        io_service_bytes_recursive: Some(Vec::new()),
        ..Default::default()
    };
    assert_eq!(written(&uncounted), None);
}
