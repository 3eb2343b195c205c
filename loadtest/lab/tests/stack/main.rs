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
use lab::cli::RunOptions;
use lab::run::{self, Lock, Setting, Silent};
use lab_truth::record::Run;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// `lab run` as it is typed.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: RunOptions,
}

fn root() -> PathBuf {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.nth(2).unwrap().to_owned()
}

/// Runs `lab run` with these arguments, and these variables for Compose.
async fn run(arguments: &str, variables: &[(&str, &str)]) -> Run {
    let _lock = Lock::take("a stack test").unwrap();
    let line = std::iter::once("run").chain(arguments.split_whitespace());
    let options = Line::parse_from(line).options;
    let root = root();
    let setting = Setting {
        root: &root,
        variables,
        keep: options.keep,
        steps: &Silent,
        stop: CancellationToken::new(),
    };
    run::run(&options.spec(), &setting).await.unwrap()
}
