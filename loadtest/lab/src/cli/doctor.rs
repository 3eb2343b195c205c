//! `lab doctor`: what will not work on this machine, and how to mend it.

mod check;
mod machine;

use super::colour::Style;
use crate::output::out;
use crate::stack::compose::Stack;
use crate::stack::{engine, phases};
use check::{Check, State, check};
use clap::ValueEnum;
use lab_truth::spec::PhaseName;
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// Ports that the stacks publish beside those of the phases' own parts: Grafana, Prometheus, the
/// container metrics.
const MONITORING: [u16; 3] = [3000, 9090, 9101];

/// Checks the machine, prints a line for each check, and says whether runs can work here.
pub(super) async fn doctor(root: &Path) -> bool {
    let style = Style::of_stdout();
    let mut checks = vec![
        machine::cores(),
        machine::memory(),
        machine::disk(root),
        machine::flush(root),
        machine::open_files(),
        set_up(root),
        compose(),
    ];
    checks.push(engine().await);
    checks.push(images(root).await);
    checks.push(ports());
    let mut works = true;
    for check in &checks {
        let mark = match check.state {
            State::Good => style.good("ok  "),
            State::Doubtful => style.warn("hmm "),
            State::Bad(_) => style.bad("BAD "),
        };
        out!("{mark} {:<12} {}", check.what, check.found);
        if let State::Bad(remedy) = check.state {
            out!("     {:<12} → {remedy}", "");
            works = false;
        }
    }
    works
}

fn set_up(root: &Path) -> Check {
    let missing: Vec<_> = [
        ".env",
        "compose/secrets/database_password",
        "compose/secrets/queue_password",
        "compose/secrets/queue_user.conf",
        "compose/secrets/replication_password",
        "compose/secrets/grafana_password",
        "compose/secrets/receipt_key",
        "compose/secrets/organiser_token",
    ]
    .into_iter()
    .filter(|file| !root.join(file).exists())
    .collect();
    if missing.is_empty() {
        let env = fs::read_to_string(root.join(".env")).unwrap_or_default();
        let images = env
            .lines()
            .find_map(|line| line.strip_prefix("LAB_IMAGES="))
            .unwrap_or("unknown")
            .to_owned();
        check("set-up", State::Good, format!("done, with {images} images"))
    } else {
        check(
            "set-up",
            State::Bad("run `make setup`"),
            format!("missing: {}", missing.join(", ")),
        )
    }
}

fn compose() -> Check {
    let output = Command::new("docker")
        .args(["compose", "version", "--short"])
        .output();
    match output {
        Ok(output) if output.status.success() => check(
            "compose",
            State::Good,
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        ),
        _ => check(
            "compose",
            State::Bad("run `make setup`"),
            "`docker compose` (version 2) does not run".into(),
        ),
    }
}

async fn engine() -> Check {
    match engine::version().await {
        Ok((version, cgroup)) => check(
            "engine",
            State::Good,
            format!("Docker {version}, cgroup {cgroup}"),
        ),
        Err(error) => check(
            "engine",
            State::Bad("start the Docker engine, or run `make setup` as root"),
            format!("{error:#}"),
        ),
    }
}

async fn images(root: &Path) -> Check {
    match missing_images(root).await {
        Ok(missing) if missing.is_empty() => check("images", State::Good, "all there".into()),
        Ok(missing) => check(
            "images",
            State::Bad("run `make images`"),
            format!("missing: {}", missing.join(", ")),
        ),
        Err(error) => check(
            "images",
            State::Bad("run `make build`"),
            format!("{error:#}"),
        ),
    }
}

/// Of all phases, each once.
async fn missing_images(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut missing = Vec::new();
    for name in PhaseName::value_variants() {
        missing.extend(
            Stack::new(phases::phase(*name), root)
                .missing_images()
                .await?,
        );
    }
    missing.sort();
    missing.dedup();
    Ok(missing)
}

fn ports() -> Check {
    let taken: Vec<_> = published_ports()
        .into_iter()
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_err())
        .map(|port| port.to_string())
        .collect();
    if taken.is_empty() {
        check("ports", State::Good, "all free".into())
    } else {
        check(
            "ports",
            State::Doubtful,
            format!(
                "in use: {}; fine if a phase is up (`lab down` with its name)",
                taken.join(", ")
            ),
        )
    }
}

/// Every port that a phase or its monitoring publishes, once.
fn published_ports() -> BTreeSet<u16> {
    let mut ports = BTreeSet::from(MONITORING);
    for name in PhaseName::value_variants() {
        let phase = phases::phase(*name);
        let writer = phase.queue.iter().map(|queue| queue.writer);
        let urls = phase.operations.iter().copied().chain(writer);
        let urls = urls.chain([phase.url]);
        ports.extend(urls.filter_map(|url| url.rsplit(':').next()?.parse::<u16>().ok()));
        ports.extend(phase.databases.iter().map(|database| database.port));
        ports.extend(phase.queue.iter().map(|queue| queue.port));
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_of_every_phase_is_looked_at() {
        let ports = published_ports();
        for port in [
            8080, 9100, 9111, 9112, 9121, 9122, 9123, 15401, 15403, 15411, 15604,
        ] {
            assert!(ports.contains(&port), "{port}");
        }
        assert_eq!(ports.len(), 16);
    }
}
