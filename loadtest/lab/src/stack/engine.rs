//! What the engine says of the containers of a phase: caps, restarts, CPU, memory; and what it is
//! told to do with them when a fault is ordered.

mod about;
mod cgroup;
mod endpoint;
mod giving_up;
mod inspected;
mod processes;
mod usage;

use super::phases::Phase;
use super::project;
pub use about::{About, about};
use anyhow::{Context, ensure};
use bollard::Docker;
use bollard::models::ContainerSummary;
use bollard::query_parameters::{
    KillContainerOptionsBuilder, ListContainersOptionsBuilder, StopContainerOptions,
};
use cgroup::Cgroup;
use endpoint::Endpoint;
use futures::future::join_all;
use lab_truth::evidence::{Inspected, Usage};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// The label by which Compose says of which service a container is.
const SERVICE: &str = "com.docker.compose.service";

/// The containers of a phase that is up. They are looked up once: a container that is killed or
/// stopped and started again keeps its id.
#[derive(Clone)]
pub struct Containers {
    docker: Docker,
    /// By service.
    all: Arc<BTreeMap<String, Container>>,
}

struct Container {
    id: String,
    /// Where the kernel keeps its counters, if this process may read them.
    cgroup: Option<Cgroup>,
}

async fn connect() -> anyhow::Result<Docker> {
    Endpoint::current().await?.client()
}

/// The Compose services of the lab that run now, of whatever phase.
///
/// # Errors
/// When the engine does not answer.
pub async fn running_services() -> anyhow::Result<Vec<String>> {
    let all = all_containers(&connect().await?, false).await?;
    Ok(all.into_iter().map(|(service, _)| service).collect())
}

/// The addresses of the containers of the lab that run now, each with its Compose service.
///
/// # Errors
/// When the engine does not answer.
pub async fn addresses() -> anyhow::Result<Vec<(IpAddr, String)>> {
    let mut all = Vec::new();
    for container in listed(&connect().await?, false).await? {
        let networks = container.network_settings.and_then(|of| of.networks);
        let service = container.labels.and_then(|mut of| of.remove(SERVICE));
        for (_, network) in networks.into_iter().flatten() {
            let address = network.ip_address.and_then(|address| address.parse().ok());
            all.extend(address.zip(service.clone()));
        }
    }
    Ok(all)
}

/// Service and id of every container of the project; `stopped` with those that do not run.
async fn all_containers(docker: &Docker, stopped: bool) -> anyhow::Result<Vec<(String, String)>> {
    let list = listed(docker, stopped).await?;
    let found = list
        .into_iter()
        .filter_map(|container| Some((container.labels?.remove(SERVICE)?, container.id?)));
    Ok(found.collect())
}

async fn listed(docker: &Docker, stopped: bool) -> anyhow::Result<Vec<ContainerSummary>> {
    let label = vec![format!("com.docker.compose.project={}", project::NAME)];
    let filters = HashMap::from([("label".to_owned(), label)]);
    let options = ListContainersOptionsBuilder::new()
        .all(stopped)
        .filters(&filters)
        .build();
    let list = docker.list_containers(Some(options)).await;
    list.context("the Docker engine does not answer")
}

impl Containers {
    /// Looks up the containers of `phase`, which must be up.
    ///
    /// # Errors
    /// When the engine does not answer, or the phase has no container.
    pub async fn find(phase: Phase) -> anyhow::Result<Self> {
        let docker = connect().await?;
        let mut all = BTreeMap::new();
        for (service, id) in all_containers(&docker, true).await? {
            if !phase.owns(&service) {
                continue;
            }
            let state = docker.inspect_container(&id, None).await?.state;
            let pid = state.and_then(|state| state.pid).unwrap_or_default();
            let cgroup = Cgroup::of(pid, &id);
            all.insert(service, Container { id, cgroup });
        }
        ensure!(!all.is_empty(), "no container of {} is there", phase.name);
        let all = Arc::new(all);
        Ok(Self { docker, all })
    }

    /// Inspects every container of the phase, by service.
    ///
    /// # Errors
    /// When the engine does not answer, or a container is gone.
    pub async fn inspect(&self) -> anyhow::Result<BTreeMap<String, Inspected>> {
        let mut inspected = BTreeMap::new();
        for (service, container) in self.all.iter() {
            let answer = self.docker.inspect_container(&container.id, None).await?;
            let cgroup = container.cgroup.as_ref();
            inspected.insert(service.clone(), inspected::of(answer, cgroup));
        }
        Ok(inspected)
    }

    /// How often the engine started a service again by itself since it was last told to start it.
    ///
    /// # Errors
    /// When there is no such container or the engine fails.
    pub async fn revivals(&self, service: &str) -> anyhow::Result<u64> {
        let answer = self
            .docker
            .inspect_container(self.id(service)?, None)
            .await?;
        Ok(inspected::of(answer, None).revivals)
    }

    /// The address of a container in the network of its project, if this machine's own kernel
    /// routes to it: not where the engine runs in a virtual machine.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn address(&self, service: &str) -> anyhow::Result<Option<IpAddr>> {
        let Some(container) = self.all.get(service) else {
            return Ok(None);
        };
        let inspected = self.docker.inspect_container(&container.id, None).await?;
        let networks = inspected
            .network_settings
            .and_then(|settings| settings.networks);
        let mut addresses = networks
            .into_iter()
            .flatten()
            .filter_map(|(_, network)| network.ip_address?.parse().ok());
        Ok(addresses.next())
    }

    /// Reads the counters of every running container of the phase, by service. One that has just
    /// died has none, and is absent for this moment.
    ///
    /// # Errors
    /// When none can be read.
    pub async fn usage(&self) -> anyhow::Result<BTreeMap<String, Usage>> {
        // All at once: an engine of version 20 answers at the next tick of its own collector, up to
        // a second later.
        let read = self.all.iter().map(async |(service, container)| {
            let usage = match &container.cgroup {
                Some(cgroup) => cgroup.read(),
                None => usage::from_engine(&self.docker, &container.id).await,
            };
            Some((service.clone(), usage?))
        });
        let usage: BTreeMap<_, _> = join_all(read).await.into_iter().flatten().collect();
        ensure!(!usage.is_empty(), "no container's counters can be read");
        Ok(usage)
    }

    /// Kills a service (SIGKILL): no chance to finish anything.
    ///
    /// # Errors
    /// When there is no such container or the engine fails.
    pub async fn kill(&self, service: &str) -> anyhow::Result<()> {
        let options = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        let id = self.id(service)?;
        Ok(self.docker.kill_container(id, Some(options)).await?)
    }

    /// Tells a service to stop, waits until it has ended, and returns its exit code. It has as long
    /// as its grace period in the Compose file says.
    ///
    /// # Errors
    /// When there is no such container or the engine fails.
    pub async fn stop(&self, service: &str) -> anyhow::Result<i64> {
        let id = self.id(service)?;
        let options = None::<StopContainerOptions>;
        self.docker.stop_container(id, options).await?;
        let state = self.docker.inspect_container(id, None).await?.state;
        state
            .and_then(|state| state.exit_code)
            .with_context(|| format!("{service} has no exit code"))
    }

    /// Starts a service that was killed or stopped.
    ///
    /// # Errors
    /// When there is no such container or the engine fails.
    pub async fn start(&self, service: &str) -> anyhow::Result<()> {
        let id = self.id(service)?;
        Ok(self.docker.start_container(id, None).await?)
    }

    /// Freezes a service: it keeps its connections and answers nothing.
    ///
    /// # Errors
    /// When there is no such container or the engine fails.
    pub async fn pause(&self, service: &str) -> anyhow::Result<()> {
        Ok(self.docker.pause_container(self.id(service)?).await?)
    }

    /// Lets a service go on that was paused.
    ///
    /// # Errors
    /// When there is no such container or the engine fails.
    pub async fn unpause(&self, service: &str) -> anyhow::Result<()> {
        Ok(self.docker.unpause_container(self.id(service)?).await?)
    }

    fn id(&self, service: &str) -> anyhow::Result<&str> {
        let container = self.all.get(service);
        let container = container.with_context(|| format!("no service {service} is up"))?;
        Ok(&container.id)
    }
}
