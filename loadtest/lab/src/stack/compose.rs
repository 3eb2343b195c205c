//! Bringing a phase up and down with Docker Compose.

use super::caps::{self, SlowedDown};
use super::monitoring::Monitoring;
use super::own::Own;
use super::phases::{self, Phase};
use super::ports::Ports;
use super::project::{self, Project};
use super::ready;
use anyhow::ensure;
use lab_truth::evidence::ClaimedCap;
use lab_truth::spec::{Budget, Other, Part, RunSpec, Slowdown};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

/// Laid over the other Compose files for the budget `grown`.
const GROWN: &str = "compose/grown.yaml";

/// Laid over them when the balancer is left out: another program takes its place.
const WITHOUT_BALANCER: &str = "compose/without-balancer.yaml";

/// The file that is laid over them when this stands in for a part.
fn with_other(other: Other) -> String {
    format!("compose/with-{other}.yaml")
}

/// A phase as Compose runs it.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The phase, without what is left out of it.
    pub phase: Phase,
    project: Project,
    environment: BTreeMap<String, String>,
    /// Laid over the project's Compose files, in this order.
    overlays: Vec<String>,
    slower: Slowdown,
    monitoring: bool,
}

impl Stack {
    /// The stack of `phase`, of the project in `root`, with all its parts.
    #[must_use]
    pub fn new(phase: Phase, root: &Path) -> Self {
        // Said in so many words: the Compose files must not decide what is measured.
        let variables = phase
            .parts
            .iter()
            .filter_map(|part| phases::variable(*part));
        let project = Project::new(root);
        Self {
            phase: Ports::of(&project).of_phase(phase),
            project,
            environment: variables
                .map(|name| (name.to_owned(), "on".to_owned()))
                .collect(),
            overlays: Vec::new(),
            slower: Slowdown::default(),
            monitoring: true,
        }
    }

    /// The stack that `spec` asks for.
    ///
    /// # Errors
    /// When the phase has no such part, or there are no such caps for it.
    pub fn of(spec: &RunSpec, root: &Path) -> anyhow::Result<Self> {
        let mut stack = Self::new(phases::phase(spec.phase), root);
        for part in &spec.without {
            ensure!(
                stack.phase.parts.contains(part),
                "--without {part}: {} has no {part} that could be left out",
                stack.phase.name
            );
            stack.phase = stack.phase.without(*part);
            if let Some(variable) = phases::variable(*part) {
                stack = stack.with_variable(variable, "off");
            }
        }
        stack.overlays = overlays(&stack.phase, spec)?;
        for other in &spec.with {
            stack.phase = stack.phase.with(*other);
        }
        stack.slower = spec.slower;
        stack.monitoring = spec.monitoring;
        Ok(stack)
    }

    /// The folder of its project.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.project.root()
    }

    /// Sets a variable of the Compose file.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Stops Prometheus and its helpers meanwhile: for runs on a machine with no room for them.
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

    /// Brings monitoring up, or stops it when the phase is to be without; then the phase, keeping what is
    /// in its databases; and waits until all is ready.
    ///
    /// # Errors
    /// When Compose fails or something is not ready in time.
    pub async fn up(&self) -> anyhow::Result<()> {
        let monitoring = Monitoring::new(&self.project)?;
        match self.monitoring {
            true => monitoring.up().await?,
            false => monitoring.stop().await?,
        }
        let caps = self.claimed_caps().await?;
        let slowed_down = SlowedDown::write(&caps, self.slower)?;
        // Nothing is built beside a measurement, nor an honest program in the place of a broken one.
        let mut arguments = vec!["up", "--detach", "--quiet-pull", "--no-build"];
        arguments.extend(caps.iter().map(|cap| cap.service.as_str()));
        self.compose(&arguments, slowed_down.as_ref()).await?;
        self.wait_until_ready().await
    }

    /// Waits until the phase is ready.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn wait_until_ready(&self) -> anyhow::Result<()> {
        ready::wait_until_ready(self.phase, &self.project, self.slower.factor()).await
    }

    /// Stops the phase and removes its containers and data, and nothing else: monitoring, with what it
    /// has seen, stays for the comparison with the next phase. Nothing to stop is no error.
    ///
    /// # Errors
    /// When Compose or the engine fails.
    pub async fn down(&self) -> anyhow::Result<()> {
        let output = self.compose(&["config", "--format", "json"], None).await?;
        let own = Own::of(&output.stdout, &self.phase)?;
        for step in [
            &["stop", "--timeout", "20"][..],
            &["rm", "--force", "--volumes"],
        ] {
            let services = own.services.iter().map(String::as_str);
            let arguments: Vec<&str> = step.iter().copied().chain(services).collect();
            self.compose(&arguments, None).await?;
        }
        let mut remove = project::docker();
        remove.args(["volume", "rm", "--force"]).args(&own.volumes);
        project::run(remove, "docker volume rm").await.map(drop)
    }

    /// The caps the Compose files claim for the services of the phase, slowed down as asked.
    ///
    /// # Errors
    /// When Compose fails, or a service of the phase has no cap.
    pub async fn claimed_caps(&self) -> anyhow::Result<Vec<ClaimedCap>> {
        let output = self.compose(&["config", "--format", "json"], None).await?;
        let mut claimed = caps::claimed(&output.stdout, &self.phase)?;
        for cap in &mut claimed {
            cap.cpus = caps::divided(cap.cpus, self.slower);
        }
        Ok(claimed)
    }

    /// Images that this phase needs and the engine does not have.
    ///
    /// # Errors
    /// When Compose or the engine fails.
    pub async fn missing_images(&self) -> anyhow::Result<Vec<String>> {
        let output = self.compose(&["config", "--images"], None).await?;
        let mut missing = Vec::new();
        for image in String::from_utf8_lossy(&output.stdout).lines() {
            let mut inspect = project::docker();
            inspect.args(["image", "inspect", image]);
            if !inspect.output().await?.status.success() {
                missing.push(image.to_owned());
            }
        }
        Ok(missing)
    }

    /// The Compose files: those that `.env` names, and over them the caps of the budget and those of a
    /// slower machine.
    fn files(&self, slowed_down: Option<&SlowedDown>) -> anyhow::Result<String> {
        let mut files = self.project.compose_files()?;
        for overlay in &self.overlays {
            files += &format!(":{overlay}");
        }
        if let Some(slowed_down) = slowed_down {
            files += &format!(":{}", slowed_down.file().display());
        }
        Ok(files)
    }

    async fn compose(
        &self,
        arguments: &[&str],
        slowed_down: Option<&SlowedDown>,
    ) -> anyhow::Result<Output> {
        let mut command = self.project.compose(&self.files(slowed_down)?);
        command
            .args(["--profile", self.phase.name])
            .args(arguments)
            .envs(&self.environment);
        project::run(command, &format!("docker compose {}", arguments.join(" "))).await
    }
}

/// The Compose files that `spec` lays over the others.
fn overlays(phase: &Phase, spec: &RunSpec) -> anyhow::Result<Vec<String>> {
    let name = phase.name;
    let mut overlays = Vec::new();
    ensure!(
        phase.budgets.contains(&spec.budget),
        "--budget {}: there are no such caps for {name}",
        spec.budget
    );
    if spec.budget == Budget::Grown {
        overlays.push(GROWN.to_owned());
    }
    for other in &spec.with {
        ensure!(
            phase.others.contains(other),
            "--with {other}: {name} has no part in whose place it could stand"
        );
        overlays.push(with_other(*other));
    }
    if spec.without.contains(&Part::Balancer) {
        overlays.push(WITHOUT_BALANCER.to_owned());
    }
    // Each has caps of its own for the servers.
    ensure!(
        overlays.len() < 2,
        "there are no caps for {} together",
        overlays.join(" and ")
    );
    Ok(overlays)
}

#[cfg(test)]
mod tests;
