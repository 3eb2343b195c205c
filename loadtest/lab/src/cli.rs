//! The command line: words into questions, answers into words.

mod capacity;
mod colour;
mod compare;
mod conformance;
mod doctor;
mod exit;
mod journaled;
mod judge;
mod live;
mod options;
mod progress;
mod report;
mod runs;

use crate::load::{calibrate, null_server, open_files};
use crate::output::{lost, note, out};
use crate::run::Lock;
use crate::stack::compose::Stack;
use crate::stack::phases::phase;
use crate::stack::ports::Ports;
use crate::stack::project::Project;
use clap::{CommandFactory, Parser, Subcommand};
use exit::{COULD_NOT_RUN, INVALID, exit};
use lab_truth::spec::{GreedyClients, PhaseName};
pub use options::RunOptions;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;

/// The signup lab: bring a phase up, load it, and believe only what was looked for again.
///
/// A run starts a phase with empty databases under its CPU and memory caps, sends an open load
/// (requests leave when the schedule says, however slow the answers are), waits until everything is
/// written, and looks for every acknowledged signup in the databases. Two questions are answered
/// apart: may the numbers be believed (VALID, SUSPECT or INVALID, with the reasons), and did the phase
/// carry the load (CARRIED or MISSED, with what was missed). Its record, report and charts are in
/// results/.
#[derive(Parser)]
#[command(
    name = "lab",
    version,
    after_help = "\
Start here:
  lab doctor                        what will not work on this machine, and how to mend it
  lab main                          every phase at its own scale, in a window that fits this machine
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
  lab run phase1 --slow-headers 2000 --slow-bodies 2000 --stalled-readers 500
                                    beside clients that only hold connections: compare the p99 with
                                    that of the first run
  lab run phase3 --slower 2.8       on a 2.8th of the CPU, as a slower machine would
  lab capacity                      how much does each phase carry? An hour; --repeats 1 takes a third
  lab ablate phase2                 what does each part buy, beyond the noise?
  lab matrix --scale 0.1            every phase at every scale, shortened
  lab load --rate 100,500,1000 --each 30s
                                    load what is up, however it was brought up, in three steps
  lab compare A1,A2 B1,B2 --fail-on 'p99>10%'
                                    repeats of two questions: what differs, and is it noise?
  lab judge --all                   judge the stored runs again; needs no engine
  lab up phase1                     only bring it up: http://127.0.0.1:8080, Grafana on :3000

Exit codes:
  0   done; for runs and loads: all were measured, whatever was missed
  1   it could not be done, or was interrupted
  2   the command line is wrong
  11  a run or a load is INVALID (a load: something acknowledged is lost, or nothing was acknowledged),
      or a conformance case failed
  13  a comparison is beyond its --fail-on
with --strict also:
  10  a run is SUSPECT
  12  a run has MISSED its goal"
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
    /// Take a phase down and remove its data. Monitoring stays up, with all it has seen, until `make down`.
    Down {
        /// Which one.
        phase: PhaseName,
    },
    /// Measure a phase once, from empty databases to a verdict.
    #[command(visible_alias = "measure")]
    Run(Box<RunOptions>),
    /// Load what is already up, and look for every acknowledged signup; brings nothing up or down.
    Load(Box<live::LiveOptions>),
    /// The main job: every phase at its own scale, in a window that fits this machine.
    Main(runs::MainOptions),
    /// Find out how much each phase carries: the highest rate of participants who are served in time.
    Capacity(capacity::CapacityOptions),
    /// Every phase at every scale, as a rush, when doors open, and as a visit: an hour, which can be gone on
    /// with.
    Matrix(journaled::MatrixOptions),
    /// By how much two runs of one question differ here: what a claim about a phase must beat.
    Noise(journaled::RepeatOptions),
    /// What each part of a phase buys: the phase whole and without each, in turn.
    Ablate(journaled::RepeatOptions),
    /// Judge stored runs again, from their records alone.
    Judge(judge::JudgeOptions),
    /// Compare stored runs: medians, ranges, and whether a difference is more than noise.
    Compare(compare::CompareOptions),
    /// Print the report of a run; with --all, write again what is derived from published runs.
    Report(report::ReportOptions),
    /// Check the contract, case by case, against any URL.
    Conformance(conformance::ConformanceOptions),
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
        slots: u32,
    },
    /// The server that does nothing (used by calibrate).
    #[command(hide = true)]
    NullServer {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
    },
}

/// The command line, for whoever documents it.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Before any thread is there: every one of them is under the same limit.
    let _ = open_files::raise();
    // The load has a thread of its own; this one meters, reports and talks to the engine.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(obey(cli)),
        Err(error) => Err(error.into()),
    };
    let code = result.unwrap_or_else(|error| {
        note!("lab: {error:#}");
        ExitCode::from(COULD_NOT_RUN)
    });
    match lost() {
        None => code,
        Some(why) => {
            note!("lab: {why}");
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

async fn obey(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Command::NullServer { listen } = &cli.command {
        let listener = TcpListener::bind(listen).await?;
        out!("{}", listener.local_addr()?);
        null_server::serve(listener).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let project = match &cli.root {
        Some(root) => Project::new(root),
        None => Project::find()?,
    };
    let root = project.root();
    Ok(match cli.command {
        Command::NullServer { .. } => ExitCode::SUCCESS,
        Command::Doctor => exit(doctor::doctor(root).await, COULD_NOT_RUN),
        Command::Up { phase } => up(&project, phase).await?,
        Command::Down { phase: name } => {
            let _lock = Lock::take(&format!("lab down {name}"))?;
            Stack::new(phase(name), root).down().await?;
            ExitCode::SUCCESS
        }
        Command::Run(options) => runs::run(root, &options).await?,
        Command::Load(options) => live::load(root, *options).await?,
        Command::Main(options) => runs::main_job(root, &options).await?,
        Command::Capacity(options) => capacity::capacity(root, &options).await?,
        Command::Matrix(options) => journaled::matrix(root, &options).await?,
        Command::Noise(options) => journaled::noise(root, &options).await?,
        Command::Ablate(options) => journaled::ablate(root, &options).await?,
        Command::Judge(options) => judge::judge(&project.results(), &options)?,
        Command::Compare(options) => compare::compare(&project.results(), &options)?,
        Command::Report(options) => report::report(root, &options)?,
        Command::Conformance(options) => {
            exit(conformance::check(&project, options).await?, INVALID)
        }
        Command::Calibrate { rates, step, slots } => {
            open_files::check(slots, &GreedyClients::default())?;
            out!("{}", calibrate(rates, step, slots).await?);
            ExitCode::SUCCESS
        }
    })
}

async fn up(project: &Project, name: PhaseName) -> anyhow::Result<ExitCode> {
    let _lock = Lock::take(&format!("lab up {name}"))?;
    runs::make_room(project.root(), false, Some(name)).await?;
    note!("bringing up {name} …");
    let stack = Stack::new(phase(name), project.root());
    stack.up().await?;
    let (phase, ports) = (stack.phase, Ports::of(project));
    out!("{} ({}) is ready at {}", phase.name, phase.title, phase.url);
    out!(
        "Prometheus: http://127.0.0.1:{}  Grafana, where its image is to be had: http://127.0.0.1:{}",
        ports.number(9090),
        ports.number(3000)
    );
    out!("Take it down with `lab down {}`.", phase.name);
    Ok(ExitCode::SUCCESS)
}

async fn calibrate(rates: Vec<u32>, step: u64, slots: u32) -> anyhow::Result<calibrate::Report> {
    let options = calibrate::Options {
        server: (std::env::current_exe()?, vec!["null-server".to_owned()]),
        rates,
        step: Duration::from_secs(step),
        slots: slots as usize,
        pin: true,
    };
    calibrate::calibrate(&options).await
}
