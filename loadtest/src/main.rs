//! The command line of the lab.

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use lab::phases::PhaseName;
use lab::record::{Run, Verdict as RunVerdict};
use lab::stack::Stack;
use lab::{calibrate, doctor, generator, report, results, run, table, terminal};
use signup_conformance::{Target, Verdict};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Exit codes, as `--help` documents them.
const SUSPECT: u8 = 10;
const INVALID: u8 = 11;
const COULD_NOT_RUN: u8 = 1;

/// The signup lab: bring a phase up, load it, and believe only what was looked for again.
///
/// A run starts a phase with empty databases under its CPU and memory caps, sends an open load
/// (requests leave when the schedule says, however slow the answers are), waits until everything is
/// written, and looks for every acknowledged signup in the databases. Its verdict is VALID, SUSPECT
/// or INVALID, with the reasons; its record, report and charts are in results/.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Start here:
  lab doctor                        what will not work on this machine, and how to mend it
  lab run phase1                    1,000 participants in 100 s, from start to verdict
  lab run phase1 --users 100000     the same with 1,000 a second
  lab up phase1                     only bring it up: http://127.0.0.1:8080, Grafana on :3000

Exit codes:
  0   done; for a run: VALID
  1   it could not be done, or was interrupted
  2   the command line is wrong
  10  the run is SUSPECT
  11  the run is INVALID, or a conformance case failed"
)]
struct Cli {
    /// The project's folder [default: the nearest one above with compose/compose.yaml].
    #[arg(long, global = true)]
    root: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what will not work on this machine, and how to mend it.
    Doctor,
    /// Bring a phase up and leave it up.
    Up {
        /// Which one.
        phase: PhaseName,
    },
    /// Take a phase down and remove its data.
    Down {
        /// Which one.
        phase: PhaseName,
    },
    /// Measure a phase once, from empty databases to a verdict.
    #[command(visible_alias = "measure")]
    Run(Box<run::Options>),
    /// The main job: every phase at its own scale, with one table at the end.
    Main,
    /// Print the report of a run; with --all, write again what is derived from published runs.
    Report {
        /// The run's id, or its folder.
        #[arg(required_unless_present = "all")]
        run: Option<String>,
        /// Write every derived file again: reports, charts, tables, schema.
        #[arg(long)]
        all: bool,
    },
    /// Check the contract, case by case, against any URL.
    Conformance(Conformance),
    /// Find out how far the load generator itself can go, against a server that does nothing.
    Calibrate {
        /// Requests a second, one step each.
        #[arg(
            long,
            value_delimiter = ',',
            default_value = "1000,2000,5000,10000,15000,20000"
        )]
        rates: Vec<u32>,
        /// Seconds a step.
        #[arg(long, default_value_t = 5)]
        step: u64,
        /// Most requests in flight at once.
        #[arg(long, default_value_t = 512)]
        slots: usize,
    },
    /// The server that does nothing (used by calibrate).
    #[command(hide = true)]
    NullServer {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
    },
}

#[derive(clap::Args)]
struct Conformance {
    /// Base URL of the public port.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Base URL of the operations port; without it the cases that need it are left out.
    #[arg(long)]
    operations_url: Option<String>,
    /// File with the organiser's token [default: compose/secrets/organiser_token].
    #[arg(long)]
    organiser_token_file: Option<PathBuf>,
    /// Only cases whose name contains this.
    #[arg(long)]
    filter: Option<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The load has a thread of its own; this one meters, reports and talks to the engine.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run_command(cli)),
        Err(error) => Err(error.into()),
    };
    result.unwrap_or_else(|error| {
        eprintln!("lab: {error:#}");
        ExitCode::from(COULD_NOT_RUN)
    })
}

async fn run_command(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Command::NullServer { listen } = &cli.command {
        let listener = TcpListener::bind(listen).await?;
        println!("{}", listener.local_addr()?);
        calibrate::null_server(listener).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let root = match cli.root {
        Some(root) => root,
        None => find_root()?,
    };
    let done = match cli.command {
        Command::NullServer { .. } => ExitCode::SUCCESS,
        Command::Doctor => exit(doctor::doctor(&root).await),
        Command::Up { phase } => up(&root, phase).await?,
        Command::Down { phase } => {
            Stack::new(phase.phase(), &root).down().await?;
            ExitCode::SUCCESS
        }
        Command::Run(options) => measure(&root, &[*options]).await?,
        Command::Main => measure(&root, &main_job()).await?,
        Command::Report { run, all } => show_report(&root, run.as_deref(), all)?,
        Command::Conformance(conformance) => check_contract(&root, conformance).await?,
        Command::Calibrate { rates, step, slots } => {
            let server = (std::env::current_exe()?, vec!["null-server".to_owned()]);
            let step = Duration::from_secs(step);
            let options = calibrate::Options {
                server,
                rates,
                step,
                slots,
                pin: true,
            };
            println!("{}", calibrate::calibrate(&options).await?);
            ExitCode::SUCCESS
        }
    };
    Ok(done)
}

fn exit(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(COULD_NOT_RUN)
    }
}

async fn up(root: &Path, phase: PhaseName) -> anyhow::Result<ExitCode> {
    let phase = phase.phase();
    eprintln!("bringing up {} …", phase.name);
    Stack::new(phase, root).up().await?;
    println!("{} ({}) is ready at {}", phase.name, phase.title, phase.url);
    println!(
        "Prometheus: http://127.0.0.1:9090  Grafana, where its image is to be had: http://127.0.0.1:3000"
    );
    println!("Take it down with `lab down {}`.", phase.name);
    Ok(ExitCode::SUCCESS)
}

/// The main job: every phase at its own scale.
fn main_job() -> Vec<run::Options> {
    [PhaseName::Phase1].map(run::Options::of).into()
}

/// Makes the runs one after the other, and ends with one table.
async fn measure(root: &Path, all: &[run::Options]) -> anyhow::Result<ExitCode> {
    let stop = CancellationToken::new();
    // Not Tokio's: goose installs a handler of its own, which would replace it.
    generator::stop_on_interrupt(stop.clone())?;
    let mut runs = Vec::new();
    for options in all {
        let run = run::run(root, options, &[], stop.clone()).await?;
        let folder = results::write_run(&root.join("results"), &run)?;
        println!("report: {}", folder.join(results::REPORT_FILE).display());
        runs.push(run);
    }
    println!("{}", table::summary(&runs, terminal::colours_wanted()));
    for run in &runs {
        run.reasons
            .iter()
            .for_each(|reason| println!("{}: {reason}", run.id));
    }
    Ok(worst(&runs))
}

fn worst(runs: &[Run]) -> ExitCode {
    let is = |verdict| runs.iter().any(|run| run.verdict == verdict);
    if is(RunVerdict::Invalid) {
        ExitCode::from(INVALID)
    } else if is(RunVerdict::Suspect) {
        ExitCode::from(SUSPECT)
    } else {
        ExitCode::SUCCESS
    }
}

fn show_report(root: &Path, run: Option<&str>, all: bool) -> anyhow::Result<ExitCode> {
    if all {
        let changed = results::refresh(root)?;
        changed
            .iter()
            .for_each(|file| println!("wrote {}", file.display()));
    }
    if let Some(run) = run {
        let folder = results::find_run(&root.join("results"), run)?;
        print!("{}", report::markdown(&results::read_run(&folder)?));
    }
    Ok(ExitCode::SUCCESS)
}

async fn check_contract(root: &Path, options: Conformance) -> anyhow::Result<ExitCode> {
    let file = options
        .organiser_token_file
        .unwrap_or_else(|| root.join("compose/secrets/organiser_token"));
    let token = std::fs::read_to_string(&file).with_context(|| {
        format!(
            "cannot read {}; name another with --organiser-token-file",
            file.display()
        )
    })?;
    let target = Target::new(options.url, options.operations_url, token.trim_end())?;
    let style = terminal::Style::of_stdout();
    let summary = signup_conformance::run(&target, options.filter.as_deref(), |outcome| {
        let name = outcome.name;
        match &outcome.verdict {
            Verdict::Passed => println!("{} {name}", style.good("ok     ")),
            Verdict::Failed(error) => {
                println!("{} {name}\n        {error:#}", style.bad("FAILED "))
            }
            Verdict::Skipped => {
                println!("{} {name} (needs --operations-url)", style.warn("skipped"))
            }
        }
    })
    .await;
    println!(
        "{} passed, {} failed, {} skipped",
        summary.passed, summary.failed, summary.skipped
    );
    Ok(if summary.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(INVALID)
    })
}

fn find_root() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir()?;
    for folder in here.ancestors() {
        if folder.join("compose/compose.yaml").exists() {
            return Ok(folder.to_owned());
        }
    }
    bail!("not inside the lab: no compose/compose.yaml here or above; use --root")
}
