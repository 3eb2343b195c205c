//! Faults ordered during a load: a service is killed, restarted, paused or emptied at a second of it.

mod single;

use crate::containers::Containers;
use anyhow::{Context, ensure};
use clap::Args;
use single::{Done, Fault};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinSet;

/// What is ordered, any number of each kind.
#[derive(Debug, Clone, Default, Args)]
pub struct Faults {
    /// Kill a service (SIGKILL) at a second of the load, and start it again a second later. May be
    /// given several times, like --restart and --pause; the ledger must stay clean.
    #[arg(long, value_name = "SERVICE@SECOND", value_parser = Fault::kill)]
    kill: Vec<Fault>,

    /// Tell a service to stop at a second of the load (SIGTERM, or what its image names instead),
    /// wait until it has ended, and start it again.
    #[arg(long, value_name = "SERVICE@SECOND", value_parser = Fault::restart)]
    restart: Vec<Fault>,

    /// Freeze a service at a second of the load for some seconds: phase2-primary@10+30 is away from
    /// the 10th to the 40th. It keeps its connections and answers nothing.
    #[arg(long, value_name = "SERVICE@SECOND+SECONDS", value_parser = Fault::pause)]
    pause: Vec<Fault>,

    /// Have a Redis forget everything at a second of the load (FLUSHALL).
    #[arg(long, value_name = "SERVICE@SECOND", value_parser = Fault::empty)]
    empty: Vec<Fault>,
}

/// Faults that happen while a load runs. Dropping it calls off those that have not.
pub struct Ordered(JoinSet<anyhow::Result<(Fault, Done)>>);

/// What came of all of them.
#[derive(Debug, Clone, Default)]
pub struct Happened {
    /// What did, in the order of their seconds; `None` when none was ordered.
    pub text: Option<String>,
    /// By service that was started anew as ordered: how often the engine had started it by itself
    /// before that.
    pub revivals: BTreeMap<String, u64>,
}

impl Faults {
    fn all(&self) -> impl Iterator<Item = &Fault> {
        let away = self.kill.iter().chain(&self.restart).chain(&self.pause);
        away.chain(&self.empty)
    }

    /// Whether none is ordered.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.all().next().is_none()
    }

    /// Checks before the load what would otherwise fail in the middle of it.
    ///
    /// # Errors
    /// When a service is none of `services`, a second is not within the `window`, or a service is
    /// to fail again while it is still away.
    pub fn check(&self, services: &[&str], window: u32) -> anyhow::Result<()> {
        for fault in self.all() {
            ensure!(
                services.contains(&fault.service.as_str()),
                "{fault}: there is no such service; there are {}",
                services.join(", ")
            );
            ensure!(fault.at < window, "{fault}: the load lasts {window} s");
        }
        self.check_apart()
    }

    fn check_apart(&self) -> anyhow::Result<()> {
        let mut faults: Vec<&Fault> = self.all().collect();
        faults.sort_by_key(|fault| (&fault.service, fault.at));
        for pair in faults.windows(2) {
            let (first, next) = (pair[0], pair[1]);
            let free = first.free_at();
            ensure!(
                first.service != next.service || next.at >= free,
                "{next} and {first} overlap: order the later one at {free} s or after"
            );
        }
        Ok(())
    }

    /// Has them happen, counted from now.
    #[must_use]
    pub fn order(&self, containers: &Containers) -> Ordered {
        let mut ordered = JoinSet::new();
        for fault in self.all().cloned() {
            let containers = containers.clone();
            ordered.spawn(async move {
                tokio::time::sleep(Duration::from_secs(u64::from(fault.at))).await;
                let done = fault.happen(&containers).await;
                let done = done.with_context(|| fault.to_string())?;
                Ok((fault, done))
            });
        }
        Ordered(ordered)
    }
}

impl Ordered {
    /// Waits until all have happened.
    ///
    /// # Errors
    /// When the engine failed to do one.
    pub async fn happened(mut self) -> anyhow::Result<Happened> {
        let mut texts = Vec::new();
        let mut happened = Happened::default();
        while let Some(done) = self.0.join_next().await {
            let (fault, done) = done.context("a fault panicked")??;
            texts.push((fault.at, done.text));
            if fault.restarts() {
                *happened.revivals.entry(fault.service).or_default() += done.revivals;
            }
        }
        texts.sort();
        let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
        happened.text = (!texts.is_empty()).then(|| texts.join("; "));
        Ok(happened)
    }
}

#[cfg(test)]
mod tests;
