//! One fault: how it is ordered, and how it happens.

use crate::containers::Containers;
use anyhow::{Context, bail, ensure};
use std::fmt;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a killed service stays away.
const AWAY: Duration = Duration::from_secs(1);

/// How long after that its start may take.
const STARTING: Duration = Duration::from_secs(1);

/// The longest a service of the lab may take to stop: a database's grace period in its Compose file.
const STOPPING: Duration = Duration::from_secs(60);

/// The longest Redis may take to forget.
const EMPTYING: Duration = Duration::from_secs(5);

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    /// Seconds into the load.
    pub(super) at: u32,
    /// Compose service.
    pub(super) service: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Kill,
    Restart,
    Pause { seconds: u32 },
    Empty,
}

/// What came of one fault.
pub(super) struct Done {
    pub(super) text: String,
    /// How often the engine had started the service again by itself until then. When it is told to
    /// start it, it forgets, so this must be asked before.
    pub(super) revivals: u64,
}

impl Fault {
    pub(super) fn kill(text: &str) -> anyhow::Result<Self> {
        Self::parse(text, |at| Ok((at.parse()?, Kind::Kill)))
    }

    pub(super) fn restart(text: &str) -> anyhow::Result<Self> {
        Self::parse(text, |at| Ok((at.parse()?, Kind::Restart)))
    }

    pub(super) fn pause(text: &str) -> anyhow::Result<Self> {
        Self::parse(text, |span| {
            let (at, seconds) = span.split_once('+').context("how long? @SECOND+SECONDS")?;
            let seconds = seconds.parse()?;
            Ok((at.parse()?, Kind::Pause { seconds }))
        })
    }

    pub(super) fn empty(text: &str) -> anyhow::Result<Self> {
        let fault = Self::parse(text, |at| Ok((at.parse()?, Kind::Empty)))?;
        ensure!(
            fault.service.ends_with("-redis"),
            "only a Redis can be emptied"
        );
        Ok(fault)
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
    pub(super) fn free_at(&self) -> u32 {
        let away = match self.kind {
            Kind::Kill => AWAY + STARTING,
            Kind::Restart => STOPPING + STARTING,
            Kind::Empty => EMPTYING,
            Kind::Pause { seconds } => Duration::from_secs(u64::from(seconds)) + STARTING,
        };
        let away = u32::try_from(away.as_secs()).unwrap_or(u32::MAX);
        self.at.saturating_add(away)
    }

    /// Whether the service is to be started anew.
    pub(super) fn restarts(&self) -> bool {
        matches!(self.kind, Kind::Kill | Kind::Restart)
    }

    /// Does it.
    pub(super) async fn happen(&self, containers: &Containers) -> anyhow::Result<Done> {
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
            Kind::Empty => {
                tokio::time::timeout(EMPTYING, flush(containers, service)).await??;
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
            Kind::Empty => write!(f, "empty {service} at {at} s"),
        }
    }
}

/// Has Redis forget everything. From outside: a `redis-cli` in its container would use up the CPU cap
/// of the Redis that is to answer meanwhile.
async fn flush(containers: &Containers, service: &str) -> anyhow::Result<()> {
    let address = containers.address(service).await?;
    let address = address.context("its address is not known on this machine")?;
    let mut redis = TcpStream::connect((address, 6379)).await?;
    redis.write_all(b"FLUSHALL\r\n").await?;
    let mut answer = [0; 5];
    redis.read_exact(&mut answer).await?;
    if &answer != b"+OK\r\n" {
        bail!("FLUSHALL was not answered with OK");
    }
    Ok(())
}
