//! What a container has used: read from the kernel where that is possible, otherwise asked of the
//! engine.

use bollard::Docker;
use bollard::models::ContainerStatsResponse;
use bollard::query_parameters::StatsOptionsBuilder;
use futures::StreamExt;
use lab_truth::evidence::Usage;

/// What the engine says; `None` of a container that does not run.
pub(super) async fn from_engine(docker: &Docker, id: &str) -> Option<Usage> {
    let options = StatsOptionsBuilder::new()
        .stream(false)
        .one_shot(true)
        .build();
    let stats = docker.stats(id, Some(options)).next().await?.ok()?;
    let usage = read(&stats);
    (usage.cpu_ns > 0).then_some(usage)
}

fn read(stats: &ContainerStatsResponse) -> Usage {
    let cpu = stats.cpu_stats.as_ref();
    let memory = stats.memory_stats.as_ref();
    let throttling = cpu.and_then(|cpu| cpu.throttling_data.as_ref());
    // Files that could be dropped at once: `total_inactive_file` in cgroup v1, `inactive_file` in v2.
    let detail = memory.and_then(|memory| memory.stats.as_ref());
    let page_cache = detail.and_then(|detail| {
        detail
            .get("total_inactive_file")
            .or_else(|| detail.get("inactive_file"))
            .copied()
    });
    let used = memory.and_then(|memory| memory.usage).unwrap_or_default();
    Usage {
        cpu_ns: cpu
            .and_then(|cpu| cpu.cpu_usage.as_ref()?.total_usage)
            .unwrap_or_default(),
        memory_bytes: used.saturating_sub(page_cache.unwrap_or_default()),
        periods: throttling.and_then(|data| data.periods).unwrap_or_default(),
        throttled: throttling
            .and_then(|data| data.throttled_periods)
            .unwrap_or_default(),
    }
}
