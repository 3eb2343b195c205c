//! Faults ordered during a load: a service is killed, restarted or paused at a second of it.

use crate::containers::Containers;
use anyhow::{Context, ensure};
use clap::Args;
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
pub struct Ordered(JoinSet<anyhow::Result<(u32, String)>>);

impl Faults {
    fn all(&self) -> impl Iterator<Item = &Fault> {
        self.kill.iter().chain(&self.restart).chain(&self.pause)
    }

    /// Whether none is ordered.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.all().next().is_none()
    }

    /// Whether `service` is to be started anew in the course of them.
    #[must_use]
    pub fn restarts(&self, service: &str) -> bool {
        let restarts = |fault: &Fault| !matches!(fault.kind, Kind::Pause { .. });
        self.all()
            .any(|fault| fault.service == service && restarts(fault))
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
                let happened = fault.happen(&containers).await;
                Ok((fault.at, happened.with_context(|| fault.to_string())?))
            });
        }
        Ordered(ordered)
    }
}

impl Ordered {
    /// Waits until all have happened, and says what did, in the order of their seconds; `None` when
    /// none was ordered.
    ///
    /// # Errors
    /// When the engine failed to do one.
    pub async fn happened(mut self) -> anyhow::Result<Option<String>> {
        let mut happened = Vec::new();
        while let Some(fault) = self.0.join_next().await {
            happened.push(fault.context("a fault panicked")??);
        }
        happened.sort();
        let texts: Vec<String> = happened.into_iter().map(|(_, text)| text).collect();
        Ok((!texts.is_empty()).then(|| texts.join("; ")))
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

    /// Does it; returns what happened.
    async fn happen(&self, containers: &Containers) -> anyhow::Result<String> {
        let service = &self.service;
        match self.kind {
            Kind::Kill => {
                containers.kill(service).await?;
                tokio::time::sleep(AWAY).await;
                containers.start(service).await?;
                let away = AWAY.as_secs();
                Ok(format!("{self}, started again after {away} s"))
            }
            Kind::Restart => {
                let began = Instant::now();
                let code = containers.stop(service).await?;
                let took = began.elapsed().as_secs_f64();
                containers.start(service).await?;
                Ok(format!("{self}: exit code {code} after {took:.1} s"))
            }
            Kind::Pause { seconds } => {
                containers.pause(service).await?;
                tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
                containers.unpause(service).await?;
                Ok(self.to_string())
            }
        }
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
