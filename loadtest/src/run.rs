//! `lab run`: one run from an empty database to a verdict.
//!
//! Up → ready → floor → idle → inspect → load → drain → replicas catch up → look for every signup →
//! judge → down. Whatever happens in between, also Ctrl-C, the stack is taken down.

mod bench;
mod found;
mod options;

use crate::host;
use crate::measured::Measured;
use crate::participant::Participants;
use crate::record::Run;
use crate::reporter::Reporter;
use crate::scenario::Scenario;
use crate::stack::Stack;
use anyhow::bail;
use bench::Bench;
pub(crate) use found::Found;
pub use options::Options;
use std::path::Path;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio_util::sync::CancellationToken;

/// Runs it, and takes the stack down whatever happens.
///
/// # Errors
/// When the run could not take place; a run whose numbers may not be used is not an error.
pub async fn run(
    root: &Path,
    options: &Options,
    variables: &[(&str, &str)],
    stop: CancellationToken,
) -> anyhow::Result<Run> {
    let mut stack = Stack::new(options.phase.phase(), root)
        .without(&options.left_out())?
        .with_budget(options.budget)?;
    for (name, value) in variables {
        stack = stack.with_variable(name, value);
    }
    if options.no_monitoring {
        stack = stack.without_monitoring();
    }
    let reporter = Reporter::new();
    let run = tokio::select! {
        run = measure(root, options, &stack, &reporter, stop.clone()) => run,
        () = stop.cancelled() => Err(anyhow::anyhow!("interrupted")),
    };
    if options.keep && run.is_ok() {
        return run;
    }
    reporter.step("taking the stack down");
    let down = stack.down().await;
    reporter.finish();
    let run = run?;
    down?;
    Ok(run)
}

async fn measure(
    root: &Path,
    options: &Options,
    stack: &Stack,
    reporter: &Reporter,
    stop: CancellationToken,
) -> anyhow::Result<Run> {
    let users = options.users.unwrap_or(stack.phase.users);
    if users == 0 || options.window == 0 {
        bail!("--users and --window must be at least 1");
    }
    let (bench, before) = Bench::set_up(root, stack, options, reporter).await?;
    let id = run_id(stack.phase.name, options.scenario, users)?;
    let participants = Participants::new(&id);

    let begin = bench.meter.read().await?;
    let (outcome, faults) = bench
        .load(
            options,
            &before.url(stack.phase),
            users,
            &participants,
            reporter,
            stop,
        )
        .await?;
    let cpu = host::CpuTimes::now()?.since(&before.cpu);

    let after = bench.come_to_rest(users, &outcome, reporter).await?;

    reporter.step("looking for every acknowledged signup");
    let found = Found::by(&bench, users, participants, &outcome).await?;

    let measured = Measured {
        root,
        id,
        users,
        options,
        before,
        outcome,
        faults,
        readings: bench.meter.readings(),
        begin,
        cpu,
        after,
        found,
    };
    measured.into_run().await
}

fn run_id(phase: &str, scenario: Scenario, users: u32) -> anyhow::Result<String> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let now = OffsetDateTime::now_utc().format(format)?;
    Ok(format!("{now}-{phase}-{scenario}-{users}"))
}
