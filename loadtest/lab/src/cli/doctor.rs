//! `lab doctor`: what will not work on this machine, and how to mend it.

mod check;
mod docker;
mod machine;
mod ports;

use super::colour::Style;
use crate::output::out;
use crate::stack::compose::Stack;
use crate::stack::phases;
use crate::stack::project::Project;
use check::{Check, State, check};
use clap::ValueEnum;
use lab_truth::spec::PhaseName;
use std::path::Path;

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
        docker::compose(),
    ];
    checks.extend(docker::engine(root).await);
    checks.push(images(root).await);
    checks.push(ports::ports(root).await);
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
        "compose/.env",
        "compose/secrets/database_password",
        "compose/secrets/owner_password",
        "compose/secrets/server_password",
        "compose/secrets/queue_password",
        "compose/secrets/gateway_password",
        "compose/secrets/writer_password",
        "compose/secrets/for/queue/users.json",
        "compose/secrets/redis_password",
        "compose/secrets/for/redis/operator.conf",
        "compose/secrets/for/server/server_password",
        "compose/secrets/replication_password",
        "compose/secrets/grafana_password",
        "compose/secrets/receipt_key",
        "compose/secrets/organiser_token",
    ]
    .into_iter()
    .filter(|file| !root.join(file).exists())
    .collect();
    if missing.is_empty() {
        let images = Project::new(root).setting("LAB_IMAGES");
        let images = images.unwrap_or_else(|| "unknown".to_owned());
        check("set-up", State::Good, format!("done, with {images} images"))
    } else {
        check(
            "set-up",
            State::Bad("run `make setup`"),
            format!("missing: {}", missing.join(", ")),
        )
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
