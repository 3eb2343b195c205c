//! The real thing: images, containers, caps, a load, a ledger. Takes minutes, needs Docker and the
//! images (`make images-broken`), and runs one test at a time, because each of them measures.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

mod contract;
mod monitoring;
mod phase1;
mod phase2;
mod phase3;
mod smoke;

use clap::Parser;
use lab::record::Run;
use lab::run::Options;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// `lab run` as it is typed.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Runs `lab run` with these arguments, and these variables for Compose.
async fn run(arguments: &str, variables: &[(&str, &str)]) -> Run {
    let line = std::iter::once("run").chain(arguments.split_whitespace());
    let options = Line::parse_from(line).options;
    lab::run::run(&root(), &options, variables, CancellationToken::new())
        .await
        .unwrap()
}
