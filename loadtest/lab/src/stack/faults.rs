//! Faults ordered during a load: a service is killed, restarted, paused or emptied at a second of it.

use super::engine::Containers;
use super::monitoring::Mark;
use super::project::Project;
use anyhow::{Context, bail};
use lab_truth::evidence::FaultsSeen;
use lab_truth::record::FaultSeen;
use lab_truth::spec::{EMPTYING_S, FaultKind, FaultSpec, KILLED_FOR_S};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::SetOnce;
use tokio::task::JoinSet;

/// Faults that happen while a load runs. Dropping it calls off those that have not.
pub struct Ordered(JoinSet<anyhow::Result<Happened>>);

/// One fault that happened.
struct Happened {
    kind: FaultKind,
    target: String,
    begin: Instant,
    end: Instant,
    exit_code: Option<i64>,
    /// How often the engine had started the service again by itself until then. When it is told to
    /// start it, it forgets, so this must be asked before.
    revivals: u64,
}

/// How long the mark of a fault is kept after it, so that Prometheus finds it and scrapes once: a kill
/// takes a second.
const MARKED: Duration = Duration::from_secs(15);

/// Has these faults happen, counted from the instant at which the load begins, and marks them for
/// Prometheus in the project at `root`, which has the password of a Redis that is emptied.
#[must_use]
pub fn order(
    faults: &[FaultSpec],
    containers: &Containers,
    begins: &Arc<SetOnce<Instant>>,
    root: &Path,
) -> Ordered {
    let mut ordered = JoinSet::new();
    for (number, fault) in faults.iter().cloned().enumerate() {
        let (containers, begins) = (containers.clone(), Arc::clone(begins));
        let root = root.to_owned();
        ordered.spawn(async move {
            let begins = *begins.wait().await;
            tokio::time::sleep_until((begins + seconds(fault.at_s)).into()).await;
            let labels = [
                ("fault", fault.to_string()),
                ("service", fault.target.clone()),
            ];
            let labels = labels
                .each_ref()
                .map(|(label, value)| (*label, value.as_str()));
            let mark = Mark::set(&root, &format!("fault-{number}"), &labels);
            let done = happen(&fault, &containers, &root).await;
            tokio::spawn(async move {
                tokio::time::sleep(MARKED).await;
                drop(mark);
            });
            done.with_context(|| fault.to_string())
        });
    }
    Ordered(ordered)
}

impl Ordered {
    /// Waits until all have happened; tells their times in seconds since `started`.
    ///
    /// # Errors
    /// When the engine failed to do one.
    pub async fn happened(mut self, started: Instant) -> anyhow::Result<FaultsSeen> {
        let since = |at: Instant| {
            let s = at.saturating_duration_since(started).as_secs_f64();
            // What the engine takes to do it is not known any better.
            (s * 10.0).round() / 10.0
        };
        let mut seen = FaultsSeen::default();
        while let Some(done) = self.0.join_next().await {
            let done = done.context("a fault panicked")??;
            if matches!(done.kind, FaultKind::Kill | FaultKind::Restart) {
                *seen.revivals.entry(done.target.clone()).or_default() += done.revivals;
            }
            seen.faults.push(FaultSeen {
                kind: done.kind,
                target: done.target,
                begin_s: since(done.begin),
                end_s: since(done.end),
                exit_code: done.exit_code,
            });
        }
        seen.faults.sort_by(|a, b| a.begin_s.total_cmp(&b.begin_s));
        Ok(seen)
    }
}

async fn happen(
    fault: &FaultSpec,
    containers: &Containers,
    root: &Path,
) -> anyhow::Result<Happened> {
    let target = &fault.target;
    let revivals = containers.revivals(target).await?;
    let begin = Instant::now();
    let mut exit_code = None;
    match fault.kind {
        FaultKind::Kill => {
            containers.kill(target).await?;
            tokio::time::sleep(seconds(KILLED_FOR_S)).await;
            containers.start(target).await?;
        }
        FaultKind::Restart => {
            exit_code = Some(containers.stop(target).await?);
            containers.start(target).await?;
        }
        FaultKind::Pause => {
            containers.pause(target).await?;
            tokio::time::sleep(seconds(fault.for_s.unwrap_or(0))).await;
            containers.unpause(target).await?;
        }
        FaultKind::Empty => {
            let password = Project::new(root).secret("redis_password")?;
            let flush = flush(containers, target, &password);
            tokio::time::timeout(seconds(EMPTYING_S), flush).await??;
        }
    }
    Ok(Happened {
        kind: fault.kind,
        target: target.clone(),
        begin,
        end: Instant::now(),
        exit_code,
        revivals,
    })
}

fn seconds(s: u32) -> Duration {
    Duration::from_secs(u64::from(s))
}

/// Has Redis forget everything, as its operator. From outside: a `redis-cli` in its container would use up the CPU cap
/// of the Redis that is to answer meanwhile.
async fn flush(containers: &Containers, service: &str, password: &str) -> anyhow::Result<()> {
    let address = containers.address(service).await?;
    let address = address.context("its address is not known on this machine")?;
    let mut redis = TcpStream::connect((address, 6379)).await?;
    for (what, command) in [
        ("AUTH", format!("AUTH operator {password}\r\n")),
        ("FLUSHALL", "FLUSHALL\r\n".to_owned()),
    ] {
        redis.write_all(command.as_bytes()).await?;
        let mut answer = [0; 5];
        redis.read_exact(&mut answer).await?;
        if &answer != b"+OK\r\n" {
            bail!("{what} was not answered with OK");
        }
    }
    Ok(())
}
