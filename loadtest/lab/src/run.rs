//! One run, from empty databases to a verdict.
//!
//! Up → ready → cost floor → idle → inspect → load → rest → replicas catch up → look for every signup →
//! judge → down. Whatever happens in between, also Ctrl-C, the stack is taken down.

mod audit;
mod bench;
mod cost_floor;
mod environment;
pub mod live;
mod lock;
mod pilot;
mod rest;
mod steps;

use crate::load::open_files;
use crate::stack::compose::Stack;
use crate::stack::host;
use crate::stack::monitoring::Mark;
use anyhow::ensure;
use bench::Bench;
use lab_truth::assemble::Seen;
use lab_truth::ledger::Reconciliation;
use lab_truth::plan::Participants;
use lab_truth::record::Run;
use lab_truth::spec::{FaultSpec, RunSpec};
use lab_truth::verdict;
pub use lock::{Lock, left_up};
pub use pilot::{Need, pilot};
use std::path::Path;
pub use steps::{Silent, Steps};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio_util::sync::CancellationToken;

/// What a run needs beside its question.
pub struct Setting<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// Variables for the Compose files, for tests that measure another image.
    pub variables: &'a [(&'a str, &'a str)],
    /// Whether the phase is left up after the run.
    pub keep: bool,
    /// Hears how far it is.
    pub steps: &'a dyn Steps,
    /// Ends it before its time.
    pub stop: CancellationToken,
}

/// Runs it, and takes the stack down whatever happens. The caller holds the [`Lock`].
///
/// # Errors
/// When the run could not take place; a run whose numbers may not be used is not an error.
pub async fn run(spec: &RunSpec, setting: &Setting<'_>) -> anyhow::Result<Run> {
    ensure!(
        spec.users > 0 && spec.window_s > 0,
        "--users and --window must be at least 1"
    );
    open_files::check(spec.slots, &spec.greedy)?;
    let stack = stack(spec, setting)?;
    let measured = tokio::select! {
        run = measure(spec, &stack, setting) => run,
        () = setting.stop.cancelled() => Err(anyhow::anyhow!("interrupted")),
    };
    if setting.keep && measured.is_ok() {
        return measured;
    }
    setting.steps.step("taking the stack down");
    let down = stack.down().await;
    let run = measured?;
    down?;
    Ok(run)
}

fn stack(spec: &RunSpec, setting: &Setting<'_>) -> anyhow::Result<Stack> {
    let mut stack = Stack::of(spec, setting.root)?;
    for (name, value) in setting.variables {
        stack = stack.with_variable(name, value);
    }
    Ok(stack)
}

async fn measure(spec: &RunSpec, stack: &Stack, setting: &Setting<'_>) -> anyhow::Result<Run> {
    let steps = setting.steps;
    let claimed = stack.claimed_caps().await?;
    let services: Vec<&str> = claimed.iter().map(|cap| cap.service.as_str()).collect();
    FaultSpec::check_all(&spec.faults, &services, spec.window_s)?;
    let bench = Bench::set_up(setting.root, stack, steps).await?;
    let (before, entry) = bench.look(claimed, spec, steps).await?;
    let id = run_id(&spec.name())?;
    let participants = Participants::new(&id);

    let _mark = Mark::set(
        setting.root,
        "run",
        &[
            ("run", &id),
            ("phase", stack.phase.name),
            ("scenario", &spec.scenario.to_string()),
            ("users", &spec.users.to_string()),
        ],
    );
    let cpu = host::CpuTimes::now()?;
    let begin = bench.meter.read().await?;
    let stop = setting.stop.clone();
    let (load, faults) = bench.load(spec, &entry, &participants, steps, stop).await?;
    let cpu = host::CpuTimes::now()?.since(&cpu);
    let after = bench.come_to_rest(spec.users, &load, steps).await?;

    steps.step("looking for every acknowledged signup");
    let (databases, queue) = (&bench.databases, bench.queue.as_ref());
    let ledger = Reconciliation::open(spec.users, participants, &load.attempts);
    let (audit, commits) = audit::audit(databases, queue, ledger, spec.users, &load).await?;

    let provenance = environment::provenance(id, setting.root, &before.inspected, cpu).await?;
    let seen = Seen {
        provenance,
        spec: spec.clone(),
        before,
        load,
        faults,
        readings: bench.meter.readings(),
        begin,
        cpu,
        after,
        audit,
        commits,
    };
    let mut run = seen.into_run()?;
    verdict::judge(&mut run);
    Ok(run)
}

/// What was typed, for a record.
pub(crate) fn command() -> String {
    environment::command(std::env::args())
}

/// A name that begins with the time.
///
/// # Errors
/// When the time cannot be written.
pub(crate) fn run_id(name: &str) -> anyhow::Result<String> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let now = OffsetDateTime::now_utc().format(format)?;
    Ok(format!("{now}-{name}"))
}
