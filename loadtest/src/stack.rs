//! Bringing a phase up and down with Docker Compose, and knowing when it is ready.

mod configuration;

use crate::phases::{Budget, Part, Phase};
use anyhow::{Context, bail, ensure};
pub use configuration::ClaimedCap;
use signup_domain::LAUNCH_DAY;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// How long a phase may take until it is ready: a database that initialises itself takes about
/// 10 s under its cap, pulling images is not part of it.
const READY_TIMEOUT: Duration = Duration::from_secs(120);

/// Which images and Compose files this machine uses; written by set-up.
const ENV_FILE: &str = ".env";

/// Laid over the other Compose files for the budget `grown`.
const GROWN: &str = "compose/grown.yaml";

/// A phase as Compose runs it.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The phase.
    pub phase: Phase,
    root: PathBuf,
    environment: BTreeMap<String, String>,
    budget: Budget,
    monitoring: bool,
}

impl Stack {
    /// The stack of `phase`, of the project in `root`, with all its parts.
    #[must_use]
    pub fn new(phase: Phase, root: &Path) -> Self {
        // Said in so many words: a variable left over in somebody's shell must not switch a part off.
        let on = |part: &Part| (part.variable().to_owned(), "on".to_owned());
        Self {
            phase,
            root: root.to_owned(),
            environment: phase.parts.iter().map(on).collect(),
            budget: Budget::Same,
            monitoring: true,
        }
    }

    /// Switches parts of the phase off.
    ///
    /// # Errors
    /// When the phase has no such part.
    pub fn without(mut self, parts: &[Part]) -> anyhow::Result<Self> {
        for part in parts {
            ensure!(
                self.phase.parts.contains(part),
                "--without {part}: {} has no {part} that could be left out",
                self.phase.name
            );
            self.phase = self.phase.without(*part);
            self = self.with_variable(part.variable(), "off");
        }
        Ok(self)
    }

    /// Gives the containers the caps of `budget`.
    ///
    /// # Errors
    /// When there are none for this phase.
    pub fn with_budget(mut self, budget: Budget) -> anyhow::Result<Self> {
        ensure!(
            self.phase.budgets.contains(&budget),
            "--budget {budget}: there are no such caps for {}",
            self.phase.name
        );
        self.budget = budget;
        Ok(self)
    }

    /// Sets a variable of the Compose file.
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

    /// Waits until every server and the writer say that they are ready, and the public port answers.
    ///
    /// # Errors
    /// When one is not in time.
    pub async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(2))
            .build()?;
        let began = Instant::now();
        let writer = self.phase.queue.as_ref().map(|queue| &queue.writer);
        let probes = self.phase.operations.iter().chain(writer);
        let mut probes: Vec<String> = probes.map(|url| format!("{url}/readyz")).collect();
        // Last: what is between it and the servers must have seen that they are ready.
        probes.push(format!("{}/v1/events/{LAUNCH_DAY}", self.phase.url));
        for probe in probes {
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

    /// The caps the Compose files claim for the services of the phase.
    ///
    /// # Errors
    /// When Compose fails, or a service of the phase has no cap.
    pub async fn claimed_caps(&self) -> anyhow::Result<Vec<ClaimedCap>> {
        let output = self.compose(&["config", "--format", "json"]).await?;
        configuration::claimed_caps(&output.stdout, &self.phase)
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
        let caps = self.claimed_caps().await?;
        Ok(caps.into_iter().map(|cap| cap.service).collect())
    }

    /// The Compose files: those that `.env` names, and the caps of the budget over them.
    fn compose_files(&self) -> anyhow::Result<String> {
        let env = std::fs::read_to_string(self.root.join(ENV_FILE))
            .context("the machine is not set up: run `make build` first (it writes .env)")?;
        let mut lines = env.lines();
        let files = lines.find_map(|line| line.strip_prefix("COMPOSE_FILE="));
        let files = files.context("no COMPOSE_FILE in .env: run `make setup`")?;
        Ok(match self.budget {
            Budget::Same => files.to_owned(),
            Budget::Grown => format!("{files}:{GROWN}"),
        })
    }

    async fn compose(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let files = self.compose_files()?;
        let output = Command::new("docker")
            .args([
                "compose",
                // Named, because with COMPOSE_FILE set Compose looks for it elsewhere.
                "--env-file",
                ENV_FILE,
                "--progress",
                "quiet",
                "--profile",
                self.phase.name,
            ])
            .args(arguments)
            .current_dir(&self.root)
            // Also without a budget of its own: what a shell has in it is not what is measured.
            .env("COMPOSE_FILE", files)
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

#[cfg(test)]
mod tests;
