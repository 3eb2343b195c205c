//! What the engine's answer about one container means in cAdvisor's terms. Cgroup v1 and v2 differ
//! only in the name of one memory statistic; everything else the engine has already levelled.

use std::collections::BTreeMap;

use bollard::models::{
    ContainerBlkioStats, ContainerMemoryStats, ContainerStatsResponse, ContainerSummary, HostConfig,
};

/// The kernel's default scheduling period, in microseconds, which the engine uses for `--cpus`.
const DEFAULT_PERIOD_US: i64 = 100_000;
const NANOSECONDS: f64 = 1e9;

/// One container at one moment. Counters run since the container's start.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Sample {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) project: String,
    pub(crate) service: String,
    /// CPU time used, in seconds.
    pub(crate) cpu_seconds: f64,
    /// The CPU cap; `None` when there is none.
    pub(crate) cpu_limit: Option<CpuLimit>,
    /// Scheduling periods in which the container wanted to run.
    pub(crate) cpu_periods: u64,
    /// Those of them in which the cap stopped it.
    pub(crate) cpu_throttled_periods: u64,
    /// Memory in use, page cache included, in bytes.
    pub(crate) memory_usage: u64,
    /// Memory that cannot be reclaimed at once (without the inactive page cache), in bytes.
    pub(crate) memory_working_set: u64,
    /// The memory cap in bytes; 0 when there is none, as in cAdvisor.
    pub(crate) memory_limit: u64,
    /// Bytes by network interface: received, transmitted.
    pub(crate) network: BTreeMap<String, (u64, u64)>,
    /// Bytes written to block devices; `None` when the kernel does not count them.
    pub(crate) written: Option<u64>,
}

/// `quota` microseconds of CPU time in every `period` microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CpuLimit {
    pub(crate) quota: i64,
    pub(crate) period: i64,
}

impl Sample {
    pub(crate) fn new(
        container: &ContainerSummary,
        limits: Option<&HostConfig>,
        stats: &ContainerStatsResponse,
    ) -> Self {
        let label = |key: &str| {
            container
                .labels
                .as_ref()
                .and_then(|labels| labels.get(key))
                .cloned()
                .unwrap_or_default()
        };
        let cpu = stats.cpu_stats.as_ref();
        let throttling = cpu.and_then(|cpu| cpu.throttling_data.as_ref());
        let memory = stats.memory_stats.as_ref();
        Self {
            id: format!("/docker/{}", container.id.as_deref().unwrap_or_default()),
            name: name(container),
            image: container.image.clone().unwrap_or_default(),
            project: label("com.docker.compose.project"),
            service: label("com.docker.compose.service"),
            cpu_seconds: cpu
                .and_then(|cpu| cpu.cpu_usage.as_ref()?.total_usage)
                .map_or(0.0, |nanoseconds| nanoseconds as f64 / NANOSECONDS),
            cpu_limit: limits.and_then(cpu_limit),
            cpu_periods: throttling.and_then(|t| t.periods).unwrap_or(0),
            cpu_throttled_periods: throttling.and_then(|t| t.throttled_periods).unwrap_or(0),
            memory_usage: memory.and_then(|memory| memory.usage).unwrap_or(0),
            memory_working_set: memory.map_or(0, working_set),
            memory_limit: limits
                .and_then(|limits| limits.memory)
                .and_then(|bytes| u64::try_from(bytes).ok())
                .unwrap_or(0),
            network: network(stats),
            written: stats.blkio_stats.as_ref().and_then(written),
        }
    }
}

/// The engine's names begin with a slash; cAdvisor's do not.
fn name(container: &ContainerSummary) -> String {
    let first = container.names.as_ref().and_then(|names| names.first());
    first
        .map(|name| name.trim_start_matches('/').to_owned())
        .unwrap_or_default()
}

/// A cap is set either as `--cpus` (what Compose does) or as quota and period.
fn cpu_limit(limits: &HostConfig) -> Option<CpuLimit> {
    let positive = |value: Option<i64>| value.filter(|value| *value > 0);
    if let Some(nano_cpus) = positive(limits.nano_cpus) {
        let quota = nano_cpus / (1_000_000_000 / DEFAULT_PERIOD_US);
        return Some(CpuLimit {
            quota,
            period: DEFAULT_PERIOD_US,
        });
    }
    let quota = positive(limits.cpu_quota)?;
    Some(CpuLimit {
        quota,
        period: positive(limits.cpu_period).unwrap_or(DEFAULT_PERIOD_US),
    })
}

/// Cgroup v1 counts a container's children in `total_inactive_file`, v2 in `inactive_file`.
fn working_set(memory: &ContainerMemoryStats) -> u64 {
    let statistic = |key| {
        memory
            .stats
            .as_ref()
            .and_then(|stats| stats.get(key))
            .copied()
    };
    let reclaimable = statistic("total_inactive_file")
        .or_else(|| statistic("inactive_file"))
        .unwrap_or(0);
    memory.usage.unwrap_or(0).saturating_sub(reclaimable)
}

fn network(stats: &ContainerStatsResponse) -> BTreeMap<String, (u64, u64)> {
    let interfaces = stats.networks.iter().flatten();
    interfaces
        .map(|(interface, counters)| {
            let received = counters.rx_bytes.unwrap_or(0);
            (
                interface.clone(),
                (received, counters.tx_bytes.unwrap_or(0)),
            )
        })
        .collect()
}

/// Spelt `Write` by cgroup v1 and `write` by v2; an empty list means "not counted", not zero.
fn written(block: &ContainerBlkioStats) -> Option<u64> {
    let entries = block
        .io_service_bytes_recursive
        .as_ref()
        .filter(|list| !list.is_empty())?;
    let is_write = |op: &Option<String>| {
        op.as_deref()
            .is_some_and(|op| op.eq_ignore_ascii_case("write"))
    };
    Some(
        entries
            .iter()
            .filter(|entry| is_write(&entry.op))
            .filter_map(|entry| entry.value)
            .sum(),
    )
}

#[cfg(test)]
mod tests {
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
}
