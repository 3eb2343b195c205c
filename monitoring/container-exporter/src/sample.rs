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
mod tests;
