//! The project's folder: where its Compose files, its secrets and its results are, and how `docker
//! compose` is called in it.

use anyhow::{Context, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::process::Command;

/// The Compose project all containers of the lab belong to.
pub const NAME: &str = "signup-lab";

/// Names the Compose files; committed.
const ENV_FILE: &str = ".env";

/// Which images and ports this machine uses; written by set-up. Compose reads it by itself, because it lies
/// beside the first of its files.
const SETTINGS: &str = "compose/.env";

/// What `docker compose` may see of the shell: how to find programs and the engine. Everything else is
/// kept from it, because a run must not depend on what somebody's shell has in it: COMPOSE_PROFILES,
/// POSTGRES_IMAGE, BATCH, … would measure something else without a word.
const PASSED_ON: [&str; 16] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// The project.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The project in `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let root = root.to_owned();
        Self { root }
    }

    /// The nearest folder above the working directory that holds the project.
    ///
    /// # Errors
    /// When there is none.
    pub fn find() -> anyhow::Result<Self> {
        let here = std::env::current_dir()?;
        for folder in here.ancestors() {
            if folder.join("compose/compose.yaml").exists() {
                return Ok(Self::new(folder));
            }
        }
        bail!("not inside the lab: no compose/compose.yaml here or above; use --root")
    }

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where runs are kept.
    #[must_use]
    pub fn results(&self) -> PathBuf {
        self.root.join("results")
    }

    /// A secret that set-up has made.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn secret(&self, name: &str) -> anyhow::Result<String> {
        let file = self.root.join("compose/secrets").join(name);
        let secret = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}: run `make setup`", file.display()))?;
        Ok(secret.trim_end().to_owned())
    }

    /// The Compose files that `.env` names.
    ///
    /// # Errors
    /// When it names none.
    pub fn compose_files(&self) -> anyhow::Result<String> {
        let files = self.value(ENV_FILE, "COMPOSE_FILE");
        files.context("no COMPOSE_FILE in .env: run `git checkout .env`")
    }

    /// What set-up, or a person, has written into `compose/.env` for this variable.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<String> {
        self.value(SETTINGS, name)
    }

    /// What this file says after `name=`.
    fn value(&self, file: &str, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.root.join(file)).ok()?;
        let mut values = text
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        values.next().map(|value| value.trim().to_owned())
    }

    /// `docker compose`, with these files, and nothing of the shell that could change what is run.
    #[must_use]
    pub fn compose(&self, files: &str) -> Command {
        let mut command = docker();
        command
            .args(["compose", "--project-name", NAME])
            .args(["--progress", "quiet"])
            .current_dir(&self.root)
            .env("COMPOSE_FILE", files);
        command
    }
}

/// `docker`, which finds the same engine in every call: by what is passed on of the shell, and its own
/// configuration.
#[must_use]
pub fn docker() -> Command {
    shielded("docker")
}

/// Runs a command of the engine to its end, and returns what it printed. `what` is what the error calls it.
///
/// # Errors
/// When it cannot be run or fails; with what it said.
pub async fn run(mut command: Command, what: &str) -> anyhow::Result<Output> {
    let output = command
        .stdin(Stdio::null())
        // A terminal's Ctrl-C goes to its whole process group. Compose must not get it: we take the
        // stack down ourselves.
        .process_group(0)
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot run `{what}`: run `make setup`"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`{what}` failed:\n{}",
        errors.trim()
    );
    Ok(output)
}

/// A program that sees nothing of the shell but what is passed on.
fn shielded(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn compose_sees_nothing_of_a_shell_that_could_change_a_run() {
        let root = tempfile::tempdir().unwrap();
        let command = Project::new(root.path()).compose("a.yaml");
        let mut seen: Vec<_> = command
            .as_std()
            .get_envs()
            .filter_map(|(name, value)| value.and(name.to_str()))
            .filter(|name| !PASSED_ON.contains(name))
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, ["COMPOSE_FILE"]);
        for name in ["COMPOSE_PROFILES", "POSTGRES_IMAGE", "BATCH", "BROKEN"] {
            assert!(!PASSED_ON.contains(&name));
        }
        // What a program really gets: cargo's own variables are in this shell, and do not come through.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let told = shielded("env").output().await.unwrap().stdout;
        let told = String::from_utf8_lossy(&told).into_owned();
        assert!(
            told.contains("PATH=") && !told.contains("CARGO_MANIFEST_DIR"),
            "{told}"
        );
    }

    #[test]
    fn what_is_missing_is_asked_for() {
        let root = tempfile::tempdir().unwrap();
        let project = Project::new(root.path());
        let error = format!("{:#}", project.compose_files().unwrap_err());
        assert!(error.contains("git checkout .env"), "{error}");
        let error = format!("{:#}", project.secret("database_password").unwrap_err());
        assert!(error.contains("make setup"), "{error}");
        std::fs::write(
            root.path().join(ENV_FILE),
            "A=1\nCOMPOSE_FILE=a.yaml:b.yaml\n",
        )
        .unwrap();
        assert_eq!(project.compose_files().unwrap(), "a.yaml:b.yaml");
    }
}
