//! Asks the Docker engine about every running container of the project, all at once and within a
//! bounded time. A container that does not answer is left out; it does not fail the others.

use std::{collections::HashMap, path::Path, time::Duration};

use anyhow::Context;
use bollard::{
    API_DEFAULT_VERSION, Docker,
    models::{ContainerStatsResponse, ContainerSummary},
    query_parameters::{ListContainersOptions, StatsOptions},
};
use futures::{StreamExt, future::join_all};
use tokio::time::timeout;

use crate::sample::Sample;

/// For each of the two calls that follow each other, in seconds: together they stay below
/// Prometheus' scrape timeout of 4.5 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// What the HTTP client itself waits, in seconds; only a second line of defence.
const CLIENT_TIMEOUT_SECONDS: u64 = 5;

/// What one scrape found.
pub(crate) struct Readings {
    /// One for each container that answered.
    pub(crate) samples: Vec<Sample>,
    /// Whether anything could not be read.
    pub(crate) failed: bool,
}

/// The engine behind one socket. Nothing is kept open that an engine's restart could break.
pub(crate) struct Engine {
    client: Docker,
    project: String,
}

impl Engine {
    /// Does not connect yet. Requests carry no version of the API, so any engine answers them.
    ///
    /// # Errors
    /// If there is no such socket.
    pub(crate) fn new(socket: &Path, project: String) -> anyhow::Result<Self> {
        let path = socket.to_str().context("the socket's path is not UTF-8")?;
        let client =
            Docker::connect_with_socket(path, CLIENT_TIMEOUT_SECONDS, API_DEFAULT_VERSION)?;
        Ok(Self { client, project })
    }

    /// Reads all containers of the project.
    pub(crate) async fn read(&self) -> Readings {
        let listed = match timeout(CALL_TIMEOUT, self.list()).await {
            Ok(Ok(listed)) => listed,
            Ok(Err(_)) | Err(_) => {
                return Readings {
                    samples: Vec::new(),
                    failed: true,
                };
            }
        };
        let expected = listed.len();
        let reads = listed
            .into_iter()
            .map(|container| async move { timeout(CALL_TIMEOUT, self.sample(container)).await });
        let samples: Vec<Sample> = join_all(reads)
            .await
            .into_iter()
            .filter_map(|read| read.ok()?.ok())
            .collect();
        Readings {
            failed: samples.len() < expected,
            samples,
        }
    }

    async fn list(&self) -> anyhow::Result<Vec<ContainerSummary>> {
        let label = format!("com.docker.compose.project={}", self.project);
        let options = ListContainersOptions {
            filters: Some(HashMap::from([("label".to_owned(), vec![label])])),
            ..ListContainersOptions::default()
        };
        Ok(self.client.list_containers(Some(options)).await?)
    }

    async fn sample(&self, container: ContainerSummary) -> anyhow::Result<Sample> {
        let client = &self.client;
        let id = container.id.clone().context("a container without an id")?;
        let (inspected, stats) =
            futures::try_join!(inspect(client, &id), one_shot_stats(client, &id))?;
        Ok(Sample::new(
            &container,
            inspected.host_config.as_ref(),
            &stats,
        ))
    }
}

async fn inspect(
    client: &Docker,
    id: &str,
) -> anyhow::Result<bollard::models::ContainerInspectResponse> {
    Ok(client.inspect_container(id, None).await?)
}

/// One reading, without the second one that the engine adds for a CPU percentage. An engine that is
/// collecting already answers at its collector's next tick, which takes up to a second.
async fn one_shot_stats(client: &Docker, id: &str) -> anyhow::Result<ContainerStatsResponse> {
    let options = StatsOptions {
        stream: false,
        one_shot: true,
    };
    let mut stream = client.stats(id, Some(options));
    Ok(stream
        .next()
        .await
        .context("the engine sent no statistics")??)
}
