//! Where a run takes place: the machine, the engine, the images, the commit and the build.

use crate::stack::{engine, host};
use lab_truth::assemble::Provenance;
use lab_truth::evidence::{CpuShares, Inspected};
use lab_truth::record::{Build, Environment};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokio::process::Command;

/// Of the run `id`, of these containers, with `cpu` spent during its load.
pub(super) async fn provenance(
    id: String,
    root: &Path,
    inspected: &BTreeMap<String, Inspected>,
    cpu: CpuShares,
) -> anyhow::Result<Provenance> {
    let engine = engine::about().await?;
    let images = inspected.iter();
    let environment = Environment {
        kernel: host::kernel(),
        cpu_model: host::cpu_model(),
        cores: host::cores(),
        memory_bytes: host::memory_bytes(),
        docker: engine.version,
        compose: output(root, "docker", &["compose", "version", "--short"]).await,
        cgroup: engine.cgroup,
        fdatasync_us: host::fdatasync_us(root)?,
        cpu_steal_share: cpu.steal,
        images: images
            .map(|(service, found)| (service.clone(), found.image.clone()))
            .collect(),
    };
    Ok(Provenance {
        id,
        command: command(std::env::args()),
        git_sha: git_sha(root).await,
        build: build(inspected),
        environment,
    })
}

/// How the programs were built: by the labels of the lab's own images, which all say the same.
fn build(inspected: &BTreeMap<String, Inspected>) -> Build {
    let own = inspected
        .values()
        .filter(|found| found.image.starts_with("signup-lab/phase"));
    let profile = |found: &Inspected| found.build_profile.clone().unwrap_or("unknown".into());
    let profiles: BTreeSet<String> = own.map(profile).collect();
    let profiles: Vec<String> = profiles.into_iter().collect();
    Build {
        services: profiles.join(", "),
        lab: if cfg!(debug_assertions) {
            "debug".into()
        } else {
            "release".into()
        },
    }
}

/// The commit, with `-dirty` when something but results differs from it.
async fn git_sha(root: &Path) -> String {
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

/// What was typed, without this machine's folders.
pub(super) fn command(words: impl Iterator<Item = String>) -> String {
    let mut command = vec!["lab".to_owned()];
    let mut words = words.skip(1);
    while let Some(word) = words.next() {
        if word == "--root" {
            words.next();
        } else if !word.starts_with("--root=") {
            command.push(word);
        }
    }
    command.join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_command_names_no_folder_of_this_machine() {
        for typed in ["/a/lab --root /b run phase1", "lab run --root=/b phase1"] {
            let words = typed.split(' ').map(str::to_owned);
            assert_eq!(super::command(words), "lab run phase1");
        }
    }
}
