//! Bringing a phase up and down with Docker Compose, and knowing when it is ready.

use crate::phases::Phase;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// How long a phase may take until it is ready: a database that initialises itself takes about
/// 10 s under its cap, pulling images is not part of it.
const READY_TIMEOUT: Duration = Duration::from_secs(120);

/// A phase as Compose runs it.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The phase.
    pub phase: Phase,
    root: PathBuf,
    environment: BTreeMap<String, String>,
    monitoring: bool,
}

/// What the Compose file claims for one service.
#[derive(Debug, Clone)]
pub struct ClaimedCap {
    /// Compose service.
    pub service: String,
    /// CPUs.
    pub cpus: f64,
    /// Memory in bytes.
    pub memory_bytes: u64,
}

impl Stack {
    /// The stack of `phase`, of the project in `root`.
    #[must_use]
    pub fn new(phase: Phase, root: &Path) -> Self {
        Self {
            phase,
            root: root.to_owned(),
            environment: BTreeMap::new(),
            monitoring: true,
        }
    }

    /// Sets a variable of the Compose file, for the tests' broken builds.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Leaves Prometheus and its helpers out: for runs on a machine with no room for them.
    #[must_use]
    pub fn without_monitoring(mut self) -> Self {
        self.monitoring = false;
        self
    }

    /// Brings the phase up with empty databases and waits until it is ready.
    ///
    /// # Errors
    /// When Compose fails or the phase is not ready in time; the message says what to look at.
    pub async fn up_fresh(&self) -> anyhow::Result<()> {
        self.down().await?;
        self.up().await
    }

    /// Brings the phase up, keeping what is in its databases, and waits until it is ready.
    ///
    /// # Errors
    /// When Compose fails or the phase is not ready in time.
    pub async fn up(&self) -> anyhow::Result<()> {
        let mut arguments = vec!["up", "--detach", "--quiet-pull"];
        let services = if self.monitoring {
            Vec::new()
        } else {
            self.services().await?
        };
        arguments.extend(services.iter().map(String::as_str));
        self.compose(&arguments).await?;
        self.wait_until_ready().await
    }

    /// Stops the phase and removes its containers and data. Nothing to stop is no error.
    ///
    /// # Errors
    /// When Compose fails.
    pub async fn down(&self) -> anyhow::Result<()> {
        self.compose(&["down", "--volumes", "--remove-orphans", "--timeout", "20"])
            .await
            .map(drop)
    }

    /// Waits until every server says that it is ready.
    ///
    /// # Errors
    /// When one is not in time.
    pub async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(2))
            .build()?;
        let began = Instant::now();
        for url in self.phase.operations {
            let probe = format!("{url}/readyz");
            while !client
                .get(&probe)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                ensure!(
                    began.elapsed() < READY_TIMEOUT,
                    "{} is not ready after {} s: see `docker compose logs` and {probe}",
                    self.phase.name,
                    READY_TIMEOUT.as_secs(),
                );
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Ok(())
    }

    /// The caps the Compose file claims for the services of the phase.
    ///
    /// # Errors
    /// When Compose fails, or a service of the phase has no cap.
    pub async fn claimed_caps(&self) -> anyhow::Result<Vec<ClaimedCap>> {
        let caps = self
            .configuration()
            .await?
            .into_iter()
            .map(|(service, settings)| {
                let limits = settings
                    .deploy
                    .and_then(|deploy| deploy.resources)
                    .and_then(|r| r.limits);
                let limits = limits.with_context(|| format!("{service} has no cap"))?;
                Ok(ClaimedCap {
                    cpus: limits
                        .cpus
                        .and_then(|cpus| cpus.as_f64().or_else(|| cpus.as_str()?.parse().ok()))
                        .with_context(|| format!("{service} has no CPU cap"))?,
                    memory_bytes: limits
                        .memory
                        .and_then(|memory| memory.parse().ok())
                        .with_context(|| format!("{service} has no memory cap"))?,
                    service,
                })
            });
        caps.collect()
    }

    /// Images that this phase needs and the engine does not have.
    ///
    /// # Errors
    /// When Compose or the engine fails.
    pub async fn missing_images(&self) -> anyhow::Result<Vec<String>> {
        let output = self.compose(&["config", "--images"]).await?;
        let mut missing = Vec::new();
        for image in String::from_utf8_lossy(&output.stdout).lines() {
            let inspect = Command::new("docker")
                .args(["image", "inspect", image])
                .output();
            if !inspect.await?.status.success() {
                missing.push(image.to_owned());
            }
        }
        Ok(missing)
    }

    async fn services(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.configuration().await?.into_keys().collect())
    }

    async fn configuration(&self) -> anyhow::Result<BTreeMap<String, ServiceSettings>> {
        let output = self.compose(&["config", "--format", "json"]).await?;
        let configuration: Configuration = serde_json::from_slice(&output.stdout)
            .context("cannot read what `docker compose config` says")?;
        let mut services = configuration.services;
        services.retain(|service, _| self.phase.owns(service));
        ensure!(
            !services.is_empty(),
            "the Compose file has no service of {}",
            self.phase.name
        );
        Ok(services)
    }

    async fn compose(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        if !self.root.join(".env").exists() {
            bail!("the machine is not set up: run `make setup images` first (it writes .env)");
        }
        let output = Command::new("docker")
            .args([
                "compose",
                "--progress",
                "quiet",
                "--profile",
                self.phase.name,
            ])
            .args(arguments)
            .current_dir(&self.root)
            .envs(&self.environment)
            .stdin(Stdio::null())
            // A terminal's Ctrl-C goes to its whole process group. Compose must not get it: we take
            // the stack down ourselves.
            .process_group(0)
            .kill_on_drop(true)
            .output()
            .await
            .context("cannot run `docker compose`: run `make setup`")?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!(
                "`docker compose {}` failed:\n{}",
                arguments.join(" "),
                errors.trim()
            );
        }
        Ok(output)
    }
}

/// The part of `docker compose config` that is read.
#[derive(Deserialize)]
struct Configuration {
    services: BTreeMap<String, ServiceSettings>,
}

#[derive(Deserialize)]
struct ServiceSettings {
    deploy: Option<Deploy>,
}

#[derive(Deserialize)]
struct Deploy {
    resources: Option<Resources>,
}

#[derive(Deserialize)]
struct Resources {
    limits: Option<Limits>,
}

#[derive(Deserialize)]
struct Limits {
    /// A number or a text, by the version of Compose.
    cpus: Option<serde_json::Value>,
    memory: Option<String>,
}
