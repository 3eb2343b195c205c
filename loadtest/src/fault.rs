//! Faults ordered during a load: a service is killed, restarted or paused at a second of it.

use crate::containers::Containers;
use anyhow::{Context, ensure};
use clap::Args;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a killed service stays away.
const AWAY: Duration = Duration::from_secs(1);

/// How long after that its start may take.
const STARTING: Duration = Duration::from_secs(1);

/// The longest a service of the lab may take to stop: a database's grace period in its Compose file.
const STOPPING: Duration = Duration::from_secs(60);

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
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    /// Seconds into the load.
    at: u32,
    /// Compose service.
    service: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Kill,
    Restart,
    Pause { seconds: u32 },
}

/// Faults that happen while a load runs. Dropping it calls off those that have not.
pub struct Ordered(JoinSet<anyhow::Result<(Fault, Done)>>);

/// What came of one fault.
struct Done {
    text: String,
    /// How often the engine had started the service again by itself until then. When it is told to
    /// start it, it forgets, so this must be asked before.
    revivals: u64,
}

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
        self.kill.iter().chain(&self.restart).chain(&self.pause)
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

impl Fault {
    fn kill(text: &str) -> anyhow::Result<Self> {
        Self::parse(text, |at| Ok((at.parse()?, Kind::Kill)))
    }

    fn restart(text: &str) -> anyhow::Result<Self> {
        Self::parse(text, |at| Ok((at.parse()?, Kind::Restart)))
    }

    fn pause(text: &str) -> anyhow::Result<Self> {
        Self::parse(text, |span| {
            let (at, seconds) = span.split_once('+').context("how long? @SECOND+SECONDS")?;
            let seconds = seconds.parse()?;
            Ok((at.parse()?, Kind::Pause { seconds }))
        })
    }

    fn parse(
        text: &str,
        when: impl Fn(&str) -> anyhow::Result<(u32, Kind)>,
    ) -> anyhow::Result<Self> {
        let (service, rest) = text.split_once('@').context("no @SECOND")?;
        ensure!(!service.is_empty(), "no SERVICE before @");
        let (at, kind) = when(rest).context("a second is not a whole number")?;
        Ok(Self {
            at,
            service: service.to_owned(),
            kind,
        })
    }

    /// From which second of the load on the service may fail again.
    fn free_at(&self) -> u32 {
        let away = match self.kind {
            Kind::Kill => AWAY + STARTING,
            Kind::Restart => STOPPING + STARTING,
            Kind::Pause { seconds } => Duration::from_secs(u64::from(seconds)) + STARTING,
        };
        let away = u32::try_from(away.as_secs()).unwrap_or(u32::MAX);
        self.at.saturating_add(away)
    }

    /// Whether the service is to be started anew.
    fn restarts(&self) -> bool {
        !matches!(self.kind, Kind::Pause { .. })
    }

    /// Does it.
    async fn happen(&self, containers: &Containers) -> anyhow::Result<Done> {
        let service = &self.service;
        let revivals = containers.revivals(service).await?;
        let text = match self.kind {
            Kind::Kill => {
                containers.kill(service).await?;
                tokio::time::sleep(AWAY).await;
                containers.start(service).await?;
                let away = AWAY.as_secs();
                format!("{self}, started again after {away} s")
            }
            Kind::Restart => {
                let began = Instant::now();
                let code = containers.stop(service).await?;
                let took = began.elapsed().as_secs_f64();
                containers.start(service).await?;
                format!("{self}: exit code {code} after {took:.1} s")
            }
            Kind::Pause { seconds } => {
                containers.pause(service).await?;
                tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
                containers.unpause(service).await?;
                self.to_string()
            }
        };
        Ok(Done { text, revivals })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (service, at) = (&self.service, self.at);
        match self.kind {
            Kind::Kill => write!(f, "kill -9 {service} at {at} s"),
            Kind::Restart => write!(f, "restart {service} at {at} s"),
            Kind::Pause { seconds } => write!(f, "pause {service} at {at} s for {seconds} s"),
        }
    }
}

#[cfg(test)]
mod tests;
