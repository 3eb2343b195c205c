//! A load on what is already up: nothing is brought up, and nothing taken down.
//!
//! Who answers there → load → rest → databases → every receipt → judge. Of a stranger's service only
//! what it says itself is known; of a phase of the lab also its databases and its containers.

mod receipts;
mod target;
mod watched;

use super::{environment, run_id};
use crate::load::{self, Plan, Progress, open_files};
use crate::run::Steps;
use crate::stack::host::CpuTimes;
use crate::stack::project::Project;
use anyhow::Context;
use lab_truth::assemble::{LoadAsked, SeenOfLoad};
use lab_truth::evidence::LoadSeen;
use lab_truth::plan::{Participants, Schedule};
use lab_truth::record::Loaded;
use lab_truth::spec::{GreedyClients, StepSpec};
use lab_truth::verdict;
use receipts::Question;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use target::Target;
use tokio_util::sync::CancellationToken;
use watched::{Looked, Watched};

/// What is to be loaded, and how.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Base URL; the public port of the project without one.
    pub url: Option<String>,
    /// Whom the participants sign up for.
    pub event: String,
    /// The load.
    pub asked: LoadAsked,
    /// Where goose is to write its own report.
    pub report: Option<PathBuf>,
    /// Whether a host that is not this machine may be loaded.
    pub may_load: bool,
}

/// What a load needs beside that.
pub struct LiveSetting<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// Hears how far it is.
    pub steps: &'a dyn Steps,
    /// Ends the load before its time; what was acknowledged until then is still looked for.
    pub stop: CancellationToken,
    /// Ends the looking, too.
    pub give_up: CancellationToken,
}

/// Sends it, looks for what was acknowledged, and judges. The caller holds the [`Lock`](super::Lock).
///
/// # Errors
/// When the load could not take place; whatever the service makes of it is not an error.
pub async fn load(wanted: Wanted, setting: &LiveSetting<'_>) -> anyhow::Result<Loaded> {
    open_files::check(wanted.asked.slots, &GreedyClients::default())?;
    let project = Project::new(setting.root);
    let target = Target::find(wanted.url.as_deref(), &project, wanted.may_load).await?;
    tokio::select! {
        asked = target.ask_for(&wanted.event, setting.steps) => asked?,
        () = setting.stop.cancelled() => anyhow::bail!("interrupted"),
    }
    if let Some(report) = &wanted.report {
        // goose writes it when the load is over: an error then would lose the load.
        let opened = File::options().append(true).create(true).open(report);
        opened.with_context(|| format!("cannot write {}", report.display()))?;
    }
    setting.steps.note(&format!("loading {target}"));
    let users = StepSpec::users(&wanted.asked.steps);
    let id = run_id(&format!("load-{}-{users}", wanted.asked.scenario))?;
    let participants = Participants::new(&id);
    let schedule = schedule(&wanted.asked);
    let watched = match target.phase {
        Some(phase) => Some(Watched::begin(phase, setting.root).await),
        None => None,
    };
    let cpu = CpuTimes::now()?;
    let load = send(&wanted, &target, &participants, schedule.clone(), setting).await?;
    let cpu = CpuTimes::now()?.since(&cpu);
    // From here on Ctrl-C gives up the looking.
    setting.stop.cancel();

    let looked = look(watched, users, &participants, &load, setting).await;
    let question = Question {
        base: &target.base,
        event: &wanted.event,
        participants: &participants,
        give_up: &setting.give_up,
    };
    let receipts = question.ask_all(&load, setting.steps).await?;
    let (databases, readings) = match looked {
        Some(Ok((ledger, readings))) => (Some(Ok(ledger)), Some(readings)),
        Some(Err(error)) => (Some(Err(format!("{error:#}"))), None),
        None => (None, None),
    };
    let seen = SeenOfLoad {
        id,
        command: environment::command(std::env::args()),
        url: target.base.to_string(),
        event: wanted.event,
        phase: target.phase,
        asked: wanted.asked,
        scheduled: schedule.arrivals,
        load,
        cpu,
        readings,
        receipts,
        databases,
    };
    let mut loaded = seen.into_record()?;
    verdict::judge_load(&mut loaded);
    Ok(loaded)
}

fn schedule(asked: &LoadAsked) -> Schedule {
    Schedule::stepped(asked.scenario, &asked.steps, asked.arrivals, asked.seed)
}

async fn send(
    wanted: &Wanted,
    target: &Target,
    participants: &Participants,
    schedule: Schedule,
    setting: &LiveSetting<'_>,
) -> anyhow::Result<LoadSeen> {
    let progress = Arc::new(Progress::default());
    let arrivals = schedule.arrivals.len();
    let _watching = setting.steps.watch(&progress, arrivals, schedule.window);
    let plan = Plan {
        base: target.base.clone(),
        event: wanted.event.clone(),
        participants: participants.clone(),
        schedule,
        slots: wanted.asked.slots as usize,
        greedy: GreedyClients::default(),
        report: wanted.report.clone(),
    };
    load::run(plan, progress, setting.stop.clone()).await
}

/// Nothing where the databases are not the lab's.
async fn look(
    watched: Option<anyhow::Result<Watched>>,
    users: u32,
    participants: &Participants,
    load: &LoadSeen,
    setting: &LiveSetting<'_>,
) -> Option<anyhow::Result<Looked>> {
    let watched = match watched? {
        Ok(watched) => watched,
        Err(error) => return Some(Err(error)),
    };
    let found = watched.look(users, participants.clone(), load, setting.steps);
    Some(tokio::select! {
        found = found => found,
        () = setting.give_up.cancelled() => Err(anyhow::anyhow!("given up")),
    })
}
