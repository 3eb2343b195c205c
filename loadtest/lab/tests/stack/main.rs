//! The real thing: images, containers, caps, a load, a ledger. Takes minutes, needs Docker and the
//! images (`make images-broken`), and runs one test at a time, because each of them measures.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

mod contract;
mod live;
mod monitoring;
mod phase1;
mod phase2;
mod phase3;
mod smoke;
mod trust;

use clap::{Parser, ValueEnum};
use lab::cli::RunOptions;
use lab::run::{self, Lock, Setting, Silent, left_up};
use lab::stack::compose::Stack;
use lab::stack::phases::phase;
use lab_truth::record::{Run, Second};
use lab_truth::spec::PhaseName;
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
    make_room().await;
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

/// Of the requests answered in these seconds, the share that was refused or failed.
fn turned_away(run: &Run, seconds: std::ops::Range<u32>) -> f64 {
    let within = |second: &&Second| seconds.contains(&second.t_s);
    let count = |of: fn(&Second) -> u64| run.timeline.iter().filter(within).map(of).sum::<u64>();
    let (away, acked) = (count(|s| s.refused + s.failed), count(|s| s.acked));
    away as f64 / (away + acked).max(1) as f64
}

/// Takes down what a test that failed has left up: it would be in the way of the next.
async fn make_room() {
    for name in left_up().await.unwrap() {
        let phase = phase(PhaseName::from_str(&name, false).unwrap());
        Stack::new(phase, &root()).down().await.unwrap();
    }
}
