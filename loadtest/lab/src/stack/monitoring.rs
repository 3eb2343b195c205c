//! What watches the phases, and outlasts them: Prometheus, the container exporter and, with the official
//! images, Grafana. A run brings it up and leaves it up, with all it has seen; `make down` ends it.

mod mark;

use super::http;
use super::ports::Ports;
use super::project::{self, Project};
use anyhow::ensure;
pub use mark::Mark;
use std::process::Output;
use std::time::{Duration, Instant};

/// The Compose profile of all of it.
const PROFILE: &str = "monitoring";

/// How each says that it has come up: service, port, path. Grafana answers when it has migrated its
/// database, which takes a while the first time.
const ANSWERS: [(&str, u16, &str); 4] = [
    ("prometheus", 9090, "/-/ready"),
    ("runs", 9091, "/-/ready"),
    ("container-exporter", 9101, "/metrics"),
    ("grafana", 3000, "/api/health"),
];

/// How long that may take. Pulling images is not part of it.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Monitoring, as Compose runs it.
#[derive(Debug)]
pub struct Monitoring {
    project: Project,
    files: String,
}

impl Monitoring {
    /// That of this project.
    ///
    /// # Errors
    /// When the machine is not set up.
    pub fn new(project: &Project) -> anyhow::Result<Self> {
        let files = project.compose_files()?;
        let project = project.clone();
        Ok(Self { project, files })
    }

    /// Brings it up and waits until all of it answers, so that nothing of its start falls into what is
    /// measured next.
    ///
    /// # Errors
    /// When Compose fails, or a part does not answer in time.
    pub async fn up(&self) -> anyhow::Result<()> {
        Mark::clear(self.project.root());
        self.compose(&["up", "--detach", "--quiet-pull", "--no-build"])
            .await?;
        let services = self.compose(&["config", "--services"]).await?.stdout;
        let services = String::from_utf8_lossy(&services).into_owned();
        let ports = Ports::of(&self.project);
        for (service, port, path) in ANSWERS {
            if services.lines().any(|line| line == service) {
                let url = format!("http://127.0.0.1:{}{path}", ports.number(port));
                wait_until_it_answers(service, &url).await?;
            }
        }
        // It may have been up since before its configuration was changed.
        self.compose(&["kill", "--signal", "SIGHUP", "prometheus"])
            .await
            .map(drop)
    }

    /// Has Grafana show the runs in results/ as they are now.
    ///
    /// # Errors
    /// When Compose fails.
    pub async fn show_runs(&self) -> anyhow::Result<()> {
        let again = ["up", "--detach", "--force-recreate", "run-series", "runs"];
        self.compose(&again).await.map(drop)
    }

    /// Stops it, and keeps what it has seen. Nothing to stop is no error.
    ///
    /// # Errors
    /// When Compose fails.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.compose(&["stop"]).await.map(drop)
    }

    async fn compose(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let mut command = self.project.compose(&self.files);
        command.args(["--profile", PROFILE]).args(arguments);
        project::run(command, &format!("docker compose {}", arguments.join(" "))).await
    }
}

async fn wait_until_it_answers(service: &str, url: &str) -> anyhow::Result<()> {
    let (client, began) = (http::client(), Instant::now());
    loop {
        let asked = client.get(url).timeout(Duration::from_secs(5)).send();
        if asked.await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        ensure!(
            began.elapsed() < TIMEOUT,
            "{service} does not answer at {url} after {} s: see `docker compose logs {service}`, or measure \
             without it: --no-monitoring",
            TIMEOUT.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
