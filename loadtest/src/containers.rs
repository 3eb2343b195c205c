//! What the engine says of the containers of a phase: caps, restarts, CPU, memory.

use crate::phases::Phase;
use anyhow::{Context, ensure};
use bollard::Docker;
use bollard::models::{ContainerInspectResponse, ContainerStatsResponse};
use bollard::query_parameters::{
    KillContainerOptionsBuilder, ListContainersOptionsBuilder, StatsOptionsBuilder,
};
use futures::StreamExt;
use futures::future::join_all;
use std::collections::{BTreeMap, HashMap};

/// The Compose project all containers of the lab belong to.
const PROJECT: &str = "signup-lab";

/// The engine, seen from one phase.
#[derive(Clone)]
pub struct Containers {
    docker: Docker,
    phase: Phase,
}

/// Counters of one container at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time since the container started, in ns.
    pub cpu_ns: u64,
    /// Memory without the page cache, in bytes.
    pub memory_bytes: u64,
    /// Scheduling periods since the container started.
    pub periods: u64,
    /// Those in which it had used up its share.
    pub throttled: u64,
}

/// What inspection says of one container.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// CPUs the engine set.
    pub cpus: f64,
    /// Memory the engine set, in bytes.
    pub memory_bytes: u64,
    /// Image, with its id.
    pub image: String,
    /// Process id and start time: another pair is another life.
    pub life: String,
    /// Whether it runs.
    pub running: bool,
    /// Whether the kernel killed it for memory.
    pub oom_killed: bool,
}

impl Containers {
    /// Connects to the engine.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn connect(phase: Phase) -> anyhow::Result<Self> {
        let docker = Docker::connect_with_defaults()
            .context("cannot reach the Docker engine: run `lab doctor`")?;
        Ok(Self { docker, phase })
    }

    /// Version of the engine, and `v1` or `v2` of its control groups.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn engine(&self) -> anyhow::Result<(String, String)> {
        let info = self
            .docker
            .info()
            .await
            .context("the Docker engine does not answer")?;
        let cgroup =
            info.cgroup_version
                .map_or("unknown", |version| match version.to_string().as_str() {
                    "2" => "v2",
                    _ => "v1",
                });
        Ok((info.server_version.unwrap_or_default(), cgroup.to_owned()))
    }

    /// Inspects every container of the phase, by service.
    ///
    /// # Errors
    /// When the engine does not answer, or the phase has no container.
    pub async fn inspect(&self) -> anyhow::Result<BTreeMap<String, Inspected>> {
        let mut inspected = BTreeMap::new();
        for (service, id) in self.ids().await? {
            let answer = self.docker.inspect_container(&id, None).await?;
            inspected.insert(service, read_inspection(answer));
        }
        ensure!(
            !inspected.is_empty(),
            "no container of {} is there",
            self.phase.name
        );
        Ok(inspected)
    }

    /// Reads the counters of every running container of the phase, by service.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn usage(&self) -> anyhow::Result<BTreeMap<String, Usage>> {
        // All at once: an engine of version 20 answers at the next tick of its own collector, up to
        // a second later.
        let read = self.ids().await?.into_iter().map(async |(service, id)| {
            let options = StatsOptionsBuilder::new()
                .stream(false)
                .one_shot(true)
                .build();
            // A container that has just died has no counters: it is absent for this moment.
            let stats = self.docker.stats(&id, Some(options)).next().await?.ok()?;
            let usage = read_usage(&stats);
            (usage.cpu_ns > 0).then_some((service, usage))
        });
        Ok(join_all(read).await.into_iter().flatten().collect())
    }

    /// Kills a service (SIGKILL): no chance to finish anything.
    ///
    /// # Errors
    /// When there is no such container or the engine fails.
    pub async fn kill(&self, service: &str) -> anyhow::Result<()> {
        let options = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        Ok(self
            .docker
            .kill_container(&self.id(service).await?, Some(options))
            .await?)
    }

    /// Starts a service that was killed.
    ///
    /// # Errors
    /// When there is no such container or the engine fails.
    pub async fn start(&self, service: &str) -> anyhow::Result<()> {
        Ok(self
            .docker
            .start_container(&self.id(service).await?, None)
            .await?)
    }

    async fn id(&self, service: &str) -> anyhow::Result<String> {
        let id = self.ids().await?.remove(service);
        id.with_context(|| format!("{} has no service {service}", self.phase.name))
    }

    async fn ids(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let label = vec![format!("com.docker.compose.project={PROJECT}")];
        let filters = HashMap::from([("label".to_owned(), label)]);
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filters)
            .build();
        let list = self.docker.list_containers(Some(options)).await;
        let list = list.context("the Docker engine does not answer")?;
        let ours = list.into_iter().filter_map(|container| {
            let service = container.labels?.remove("com.docker.compose.service")?;
            self.phase
                .owns(&service)
                .then_some((service, container.id?))
        });
        Ok(ours.collect())
    }
}

fn read_inspection(answer: ContainerInspectResponse) -> Inspected {
    let host = answer.host_config.unwrap_or_default();
    let state = answer.state.unwrap_or_default();
    let name = answer
        .config
        .and_then(|config| config.image)
        .unwrap_or_default();
    let image = answer.image.unwrap_or_default();
    #[expect(
        clippy::cast_precision_loss,
        reason = "nano-CPUs of a few CPUs are exact in a double"
    )]
    let cpus = host.nano_cpus.unwrap_or_default() as f64 / 1e9;
    Inspected {
        cpus,
        memory_bytes: host.memory.unwrap_or_default().unsigned_abs(),
        image: format!("{name}@{image}"),
        life: format!("{:?} {:?}", state.pid, state.started_at),
        running: state.running.unwrap_or_default(),
        oom_killed: state.oom_killed.unwrap_or_default(),
    }
}

fn read_usage(stats: &ContainerStatsResponse) -> Usage {
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
