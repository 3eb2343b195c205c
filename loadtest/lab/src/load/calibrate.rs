//! How far the harness itself can go: the generator against a server that does nothing.
//!
//! A figure of a service is only worth something well below what is found here. The null server is
//! another process, on another core where there is one, as the services are in a run.

use super::{Plan, Progress, run};
use anyhow::{Context, ensure};
use comfy_table::Table;
use hdrhistogram::Histogram;
use lab_truth::evidence::{Ending, LoadSeen};
use lab_truth::plan::{Participants, Schedule};
use lab_truth::spec::GreedyClients;
use reqwest::Url;
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// The event that every phase has from the start; the null server does not look at it.
const EVENT: &str = "00000000-0000-7000-8000-000000000001";
/// Longest latency told apart from longer ones: beyond the request timeout.
const MAX_LATENCY_US: u64 = 60_000_000;
/// A pause after each step, for what the step left behind.
const REST: Duration = Duration::from_millis(500);

/// How to calibrate.
#[derive(Debug, Clone)]
pub struct Options {
    /// Program and arguments that serve [`null_server`](super::null_server::serve) and print its address as their first line.
    pub server: (PathBuf, Vec<String>),
    /// Requests a second, one step each.
    pub rates: Vec<u32>,
    /// Length of a step.
    pub step: Duration,
    /// Most requests in flight at once.
    pub slots: usize,
    /// Keep generator and server on cores of their own, if there are two and `taskset`.
    pub pin: bool,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Requests a second that were asked for.
    pub asked_per_s: u32,
    /// Requests a second that were answered 201, from the start to the last answer.
    pub achieved_per_s: f64,
    /// 99th percentile of the delay between the intended instant and the send, in ms.
    pub lag_p99_ms: f64,
    /// Median time from the intended instant to the answer, in ms.
    pub p50_ms: f64,
    /// 99th percentile of the same, in ms.
    pub p99_ms: f64,
    /// CPU time of the generator a request, in µs.
    pub cpu_us: f64,
    /// CPUs the generator used.
    pub cpus: f64,
    /// Requests that were dropped or failed.
    pub missed: u64,
}

/// All steps.
#[derive(Debug, Clone)]
pub struct Report {
    /// In the order they were made.
    pub steps: Vec<Step>,
    /// Whether generator and server had cores of their own.
    pub pinned: bool,
}

/// Runs the steps against a null server of its own.
///
/// # Errors
/// When the server cannot be started or the generator fails.
pub async fn calibrate(options: &Options) -> anyhow::Result<Report> {
    let pinned =
        options.pin && std::thread::available_parallelism()?.get() > 1 && pin_self("0").await;
    let (mut server, base) = start_server(options, pinned).await?;
    let mut report = Report {
        steps: Vec::new(),
        pinned,
    };
    for &rate in &options.rates {
        let seen = step(rate, options.step, options.slots, base.clone()).await?;
        report.steps.push(Step::new(rate, options.step, &seen)?);
        tokio::time::sleep(REST).await;
    }
    server.kill().await?;
    if pinned {
        pin_self("0-1023").await;
    }
    Ok(report)
}

/// Moves all threads of this process to `cores`; whether that was possible.
async fn pin_self(cores: &str) -> bool {
    let process = std::process::id().to_string();
    let taskset = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", cores, &process])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    taskset.await.is_ok_and(|status| status.success())
}

async fn start_server(options: &Options, pinned: bool) -> anyhow::Result<(Child, Url)> {
    let (program, arguments) = &options.server;
    let mut command = if pinned {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "1"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    let mut server = command
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let output = server.stdout.take().context("the server's output")?;
    let mut address = String::new();
    BufReader::new(output).read_line(&mut address).await?;
    let base = Url::parse(&format!("http://{}", address.trim()))
        .with_context(|| format!("the null server said {address:?} instead of its address"))?;
    Ok((server, base))
}

/// Signups sent to `base` for so long, `rate` of them a second.
pub(crate) async fn step(
    rate: u32,
    length: Duration,
    slots: usize,
    base: Url,
) -> anyhow::Result<LoadSeen> {
    let count = u32::try_from(u128::from(rate) * length.as_millis() / 1_000)?;
    let plan = Plan {
        base,
        event: EVENT.to_owned(),
        participants: Participants::new("calibrate"),
        schedule: Schedule::signups(count, length, u64::from(rate)),
        slots,
        greedy: GreedyClients::default(),
        report: None,
    };
    let progress = Arc::new(Progress::default());
    let seen = run(plan, progress, CancellationToken::new()).await?;
    ensure!(!seen.stopped, "interrupted");
    Ok(seen)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and microseconds far below 2^52"
)]
impl Step {
    fn new(asked_per_s: u32, window: Duration, seen: &LoadSeen) -> anyhow::Result<Self> {
        let mut latency = Histogram::<u64>::new_with_max(MAX_LATENCY_US, 3)?;
        let mut answered = 0;
        for attempt in &seen.attempts {
            latency.saturating_record(attempt.latency_us());
            answered += u64::from(attempt.ending == Ending::Status(201));
        }
        let ms = |histogram: &Histogram<u64>, quantile| {
            histogram.value_at_quantile(quantile) as f64 / 1e3
        };
        let seconds = seen.duration.max(window).as_secs_f64();
        Ok(Self {
            asked_per_s,
            achieved_per_s: answered as f64 / seconds,
            lag_p99_ms: ms(&seen.lag_us, 0.99),
            p50_ms: ms(&latency, 0.5),
            p99_ms: ms(&latency, 0.99),
            cpu_us: seen.cpu_s * 1e6 / seen.attempts.len().max(1) as f64,
            cpus: seen.cpu_s / seconds,
            missed: seen.due + seen.dropped - answered,
        })
    }
}

impl Report {
    /// The highest rate up to which every step was carried: at least 99 % achieved, nothing missed,
    /// and a schedule lag p99 within the 1 ms that a VALID run may have.
    #[must_use]
    pub fn carried_per_s(&self) -> Option<u32> {
        let carried = |step: &&Step| {
            let achieved = step.achieved_per_s >= 0.99 * f64::from(step.asked_per_s);
            step.missed == 0 && achieved && step.lag_p99_ms <= 1.0
        };
        let steps = self.steps.iter().take_while(carried);
        steps.map(|step| step.asked_per_s).max()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::ASCII_MARKDOWN);
        table.set_header([
            "asked /s",
            "achieved /s",
            "lag p99 ms",
            "p50 ms",
            "p99 ms",
            "generator CPU-µs a request",
            "generator CPUs",
            "missed",
        ]);
        for step in &self.steps {
            table.add_row([
                step.asked_per_s.to_string(),
                format!("{:.0}", step.achieved_per_s),
                format!("{:.2}", step.lag_p99_ms),
                format!("{:.2}", step.p50_ms),
                format!("{:.2}", step.p99_ms),
                format!("{:.1}", step.cpu_us),
                format!("{:.2}", step.cpus),
                step.missed.to_string(),
            ]);
        }
        writeln!(f, "{table}")?;
        let cores = if self.pinned {
            "on cores of their own"
        } else {
            "not pinned"
        };
        match self.carried_per_s() {
            Some(rate) => write!(
                f,
                "The harness carries {rate} requests a second (generator and null server {cores})."
            ),
            None => write!(
                f,
                "The harness did not carry the lowest rate (generator and null server {cores})."
            ),
        }
    }
}
