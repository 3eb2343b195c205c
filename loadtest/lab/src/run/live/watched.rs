//! A phase of the lab behind the URL: its databases and containers, read beside and after the load.

use crate::run::audit::audit;
use crate::run::{Steps, rest};
use crate::stack::compose::Stack;
use crate::stack::databases::Databases;
use crate::stack::engine::Containers;
use crate::stack::meter::Meter;
use crate::stack::phases::phase;
use crate::stack::project::Project;
use crate::stack::queue::Queue;
use anyhow::{Context, ensure};
use lab_truth::evidence::{LoadSeen, Reading};
use lab_truth::figures;
use lab_truth::ledger::Reconciliation;
use lab_truth::plan::Participants;
use lab_truth::record::Ledger;
use lab_truth::spec::PhaseName;
use std::path::Path;

/// What was found in the databases, and what was read of the containers: at the begin, on the way, and
/// when all was written.
pub(super) type Looked = (Ledger, (Reading, Vec<Reading>, Reading));

/// A phase that is watched.
pub(super) struct Watched {
    databases: Databases,
    queue: Option<Queue>,
    meter: Meter,
    /// Signups that were there before.
    recorded: u64,
    begin: Reading,
}

impl Watched {
    /// Begins to watch a phase that is up.
    pub(super) async fn begin(name: PhaseName, root: &Path) -> anyhow::Result<Self> {
        let (phase, project) = (Stack::new(phase(name), root).phase, Project::new(root));
        let databases = Databases::new(phase, &project)?;
        let queue = Queue::new(phase, &project)?;
        // Where the answer follows the commit nothing is waited for, and nothing counted.
        let recorded = match &queue {
            Some(_) => databases.recorded().await,
            None => Some(0),
        };
        let meter = Meter::start(Containers::find(phase).await?).await?;
        Ok(Self {
            queue,
            recorded: recorded.context("a database does not answer")?,
            begin: meter.read().await?,
            databases,
            meter,
        })
    }

    /// Waits until all is written, and looks for every participant of the load.
    pub(super) async fn look(
        &self,
        users: u32,
        participants: Participants,
        load: &LoadSeen,
        steps: &dyn Steps,
    ) -> anyhow::Result<Looked> {
        steps.step("waiting until everything is written");
        let (databases, queue) = (&self.databases, self.queue.as_ref());
        let recorded = self.recorded + figures::acknowledged(users, &load.attempts);
        let rest = rest::wait(databases, queue, recorded, steps).await?;
        ensure!(rest.left.is_none(), "{}", rest.left.unwrap_or_default());
        let behind = databases.wait_for_replicas().await?.behind;
        ensure!(behind.is_empty(), "{}", behind.join(" "));
        let end = self.meter.read().await?;
        steps.step("looking for every acknowledged signup in the databases");
        let ledger = Reconciliation::open(users, participants, &load.attempts).among_others();
        let (audit, _) = audit(databases, queue, ledger, users, load).await?;
        let readings = (self.begin.clone(), self.meter.readings(), end);
        Ok((audit.ledger, readings))
    }
}
