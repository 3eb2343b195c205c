//! The command line of the lab.

use anyhow::bail;
use clap::{Parser, Subcommand};
use lab::phases::PhaseName;
use lab::record::Verdict;
use lab::stack::Stack;
use lab::{calibrate, contract, doctor, job, report, results, run};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;

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
  lab run phase2                    100,000 participants in 100 s, what phase 2 is built for
  lab run phase2 --without cache    the same with its cache switched off: what does it buy?
  lab run phase2 --kill phase2-primary@30 --window 60
                                    the same with its database killed: is anything lost?
  lab run phase3                    1,000,000 participants in 100 s, answered from a queue
  lab run phase3 --without queue    the same batches straight into the shards
  lab run phase3 --users 100000 --pause phase3-shard-0@20+30 --kill phase3-writer@60
                                    a shard away for 30 s: are signups accepted all the same?
  lab up phase1                     only bring it up: http://127.0.0.1:8080, Grafana on :3000
  lab main                          every phase at its own scale, with one table at the end

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
    Conformance(contract::Options),
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
        Command::Doctor => exit(doctor::doctor(&root).await, COULD_NOT_RUN),
        Command::Up { phase } => up(&root, phase).await?,
        Command::Down { phase } => {
            Stack::new(phase.phase(), &root).down().await?;
            ExitCode::SUCCESS
        }
        Command::Run(options) => measure(&root, &[*options]).await?,
        Command::Main => measure(&root, &job::every_phase()).await?,
        Command::Report { run, all } => show_report(&root, run.as_deref(), all)?,
        Command::Conformance(conformance) => {
            exit(contract::check(&root, conformance).await?, INVALID)
        }
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

fn exit(good: bool, otherwise: u8) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(otherwise)
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

/// Makes the runs; the exit code is that of the worst.
async fn measure(root: &Path, all: &[run::Options]) -> anyhow::Result<ExitCode> {
    Ok(match job::run_all(root, all).await? {
        Verdict::Valid => ExitCode::SUCCESS,
        Verdict::Suspect => ExitCode::from(SUSPECT),
        Verdict::Invalid => ExitCode::from(INVALID),
    })
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

fn find_root() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir()?;
    for folder in here.ancestors() {
        if folder.join("compose/compose.yaml").exists() {
            return Ok(folder.to_owned());
        }
    }
    bail!("not inside the lab: no compose/compose.yaml here or above; use --root")
}
