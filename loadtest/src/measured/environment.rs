//! Where a run took place: the machine, the engine, the images and the commit.

use super::Measured;
use crate::record::Environment;
use crate::{containers, host};
use std::path::Path;
use tokio::process::Command;

impl Measured<'_> {
    pub(super) async fn environment(&self) -> anyhow::Result<Environment> {
        let (docker, cgroup) = containers::engine().await?;
        let images = self.before.inspected.iter();
        Ok(Environment {
            kernel: host::kernel(),
            cpu_model: host::cpu_model(),
            cores: host::cores(),
            memory_bytes: host::memory_bytes(),
            docker,
            compose: output(self.root, "docker", &["compose", "version", "--short"]).await,
            cgroup,
            fdatasync_us: host::fdatasync_us(self.root)?,
            cpu_steal_share: self.cpu.steal,
            images: images
                .map(|(service, found)| (service.clone(), found.image.clone()))
                .collect(),
        })
    }
}

/// The commit, with `-dirty` when something but results differs from it.
pub(super) async fn git_sha(root: &Path) -> String {
    let sha = output(root, "git", &["rev-parse", "--short=12", "HEAD"]).await;
    let changes = output(
        root,
        "git",
        &["status", "--porcelain", "--", ".", ":!results"],
    )
    .await;
    if sha.is_empty() {
        "unknown".into()
    } else if changes.is_empty() {
        sha
    } else {
        format!("{sha}-dirty")
    }
}

async fn output(root: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .output()
        .await;
    let output = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
