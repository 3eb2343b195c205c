//! `lab run`: one run from an empty database to a verdict.
//!
//! Up → ready → inspect → idle → load → drain → look for every signup → judge → down. Whatever
//! happens in between, also Ctrl-C, the stack is taken down.

use crate::containers::Containers;
use crate::databases::Databases;
use crate::fault::Fault;
use crate::generator::{self, Outcome, Plan, Progress};
use crate::host;
use crate::ledger::Book;
use crate::measured::{Before, Measured};
use crate::meter::Meter;
use crate::participant::Participants;
use crate::phases::PhaseName;
use crate::record::Run;
use crate::reporter::Reporter;
use crate::scenario::Scenario;
use crate::schedule::{Arrivals, Schedule};
use crate::service_metrics;
use crate::stack::Stack;
use anyhow::{Context, bail};
use clap::Args;
use signup_domain::LAUNCH_DAY;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio_util::sync::CancellationToken;

/// How long the stack is left alone to measure what it costs when nobody comes.
const IDLE: Duration = Duration::from_secs(5);

/// How long it has to calm down after its start, before that.
const SETTLE: Duration = Duration::from_secs(2);

/// What to run.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The phase to measure.
    pub phase: PhaseName,

    /// Participants who come [default: as many as the phase is built for].
    #[arg(long)]
    pub users: Option<u32>,

    /// Seconds within which they come.
    #[arg(long, default_value_t = 100)]
    pub window: u32,

    /// What they do.
    #[arg(long, value_enum, default_value = "rush")]
    pub scenario: Scenario,

    /// How they come.
    #[arg(long, value_enum, default_value = "flat")]
    pub arrivals: Arrivals,

    /// Fixes the whole schedule: the same seed is the same load.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Most requests in flight at once. One that finds no free slot is sent late, and counted.
    #[arg(long, default_value_t = 512)]
    pub slots: u32,

    /// Kill a service (SIGKILL) at a second of the load and start it again a second later:
    /// SERVICE@SECOND. The ledger must stay clean.
    #[arg(long, value_name = "SERVICE@SECOND")]
    pub kill: Option<Fault>,

    /// Measure without Prometheus, Grafana and the container metrics beside the phase.
    #[arg(long)]
    pub no_monitoring: bool,

    /// Leave the phase up after the run, to look at it in Grafana.
    #[arg(long)]
    pub keep: bool,
}

impl Options {
    /// A run of `phase` at its own scale, with every setting at its default.
    #[must_use]
    pub fn of(phase: PhaseName) -> Self {
        Self {
            phase,
            users: None,
            window: 100,
            scenario: Scenario::Rush,
            arrivals: Arrivals::Flat,
            seed: 1,
            slots: 512,
            kill: None,
            no_monitoring: false,
            keep: false,
        }
    }
}

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
    let phase = options.phase.phase();
    let mut stack = Stack::new(phase, root);
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
    let (bench, before) = Bench::set_up(root, stack, reporter).await?;
    let id = run_id(stack.phase.name, options.scenario, users)?;
    let participants = Participants::new(&id);

    let begin = bench.meter.read().await?;
    let outcome = bench
        .load(options, users, &participants, reporter, stop)
        .await?;
    let cpu = host::CpuTimes::now()?.since(&before.cpu);

    reporter.step("waiting until everything is written");
    let drain = bench.databases.wait_until_idle().await?;
    let end = bench.meter.read().await?;
    let after = bench.containers.inspect().await?;
    let counts = service_metrics::scrape(stack.phase.operations).await?;

    reporter.step("looking for every acknowledged signup in the database");
    let mut book = Book::open(users, participants, &outcome.attempts);
    bench.databases.read_into(&mut book).await?;

    let measured = Measured {
        root,
        id,
        users,
        options,
        before,
        outcome,
        readings: bench.meter.readings(),
        begin,
        end,
        after,
        counts,
        cpu,
        drain,
        ledger: book.close(),
    };
    measured.into_run(&bench.containers).await
}

/// A phase that is up, with everything that watches it.
struct Bench<'a> {
    stack: &'a Stack,
    containers: Containers,
    databases: Databases,
    meter: Meter,
}

impl<'a> Bench<'a> {
    /// Brings the phase up with empty databases, and measures it idle.
    async fn set_up(
        root: &Path,
        stack: &'a Stack,
        reporter: &Reporter,
    ) -> anyhow::Result<(Self, Before)> {
        let phase = stack.phase;
        reporter.step(&format!("bringing up {} with empty databases", phase.name));
        let claimed = stack.claimed_caps().await?;
        stack.up_fresh().await?;
        let containers = Containers::connect(phase)?;
        let databases = Databases::new(phase, root)?;
        let durability = databases.durability().await?;

        reporter.step("measuring it idle");
        tokio::time::sleep(SETTLE).await;
        let meter = Meter::start(containers.clone()).await?;
        let idle_begin = meter.read().await?;
        tokio::time::sleep(IDLE).await;
        let before = Before {
            claimed,
            durability,
            idle_begin,
            idle_end: meter.read().await?,
            inspected: containers.inspect().await?,
            counts: service_metrics::scrape(phase.operations).await?,
            cpu: host::CpuTimes::now()?,
        };
        Ok((
            Self {
                stack,
                containers,
                databases,
                meter,
            },
            before,
        ))
    }

    /// Sends the load, with the fault in the middle if one is ordered.
    async fn load(
        &self,
        options: &Options,
        users: u32,
        participants: &Participants,
        reporter: &Reporter,
        stop: CancellationToken,
    ) -> anyhow::Result<Outcome> {
        let window = Duration::from_secs(u64::from(options.window));
        let schedule = Schedule::new(
            options.scenario,
            users,
            window,
            options.arrivals,
            options.seed,
        );
        let progress = Arc::new(Progress::default());
        let _watching = reporter.watch(&progress, schedule.arrivals.len(), window);
        let plan = Plan {
            base: self.stack.phase.url.parse()?,
            event: LAUNCH_DAY.to_string(),
            participants: participants.clone(),
            schedule,
            slots: options.slots as usize,
        };
        let fault = options
            .kill
            .clone()
            .map(|fault| fault.order(self.containers.clone()));
        let outcome = generator::run(plan, progress, stop).await?;
        if outcome.stopped {
            bail!("interrupted");
        }
        if let Some(fault) = fault {
            fault.await.context("the fault")??;
            self.stack.wait_until_ready().await?;
        }
        Ok(outcome)
    }
}

fn run_id(phase: &str, scenario: Scenario, users: u32) -> anyhow::Result<String> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let now = OffsetDateTime::now_utc().format(format)?;
    Ok(format!("{now}-{phase}-{scenario}-{users}"))
}
