//! Waits until a phase that was brought up is ready, and says in seconds why it never will be.

use super::databases::Databases;
use super::engine::Containers;
use super::http;
use super::phases::Phase;
use super::project::Project;
use super::queue::Queue;
use anyhow::{bail, ensure};
use signup_domain::LAUNCH_DAY;
use std::time::{Duration, Instant};

/// How long a phase may take until it is ready: a database that initialises itself takes about
/// 10 s under its cap, pulling images is not part of it.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How often it is asked whether waiting makes sense.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A password that is refused for so long is another one: users may be made while a phase starts.
const REFUSED_FOR: Duration = Duration::from_secs(8);

/// Waits until every server and the writer say that they are ready, and the public port answers.
/// `slower` is by how much the phase is slowed down: it may take as much longer.
///
/// # Errors
/// When one is not in time, or cannot ever be; the message says how to mend it.
pub async fn wait_until_ready(phase: Phase, project: &Project, slower: f64) -> anyhow::Result<()> {
    let timeout = TIMEOUT.mul_f64(slower);
    let client = http::client();
    let began = Instant::now();
    let mut doubt = Doubt::about(phase, project, slower)?;
    let writer = phase.queue.as_ref().map(|queue| &queue.writer);
    let probes = phase.operations.iter().chain(writer);
    let mut probes: Vec<String> = probes.map(|url| format!("{url}/readyz")).collect();
    // Last: what is between it and the servers must have seen that they are ready.
    probes.push(format!("{}/v1/events/{LAUNCH_DAY}", phase.url));
    for probe in probes {
        let answers = async || {
            let asked = client.get(&probe).timeout(Duration::from_secs(2));
            let answer = asked.send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        while !answers().await {
            doubt.look().await?;
            ensure!(
                began.elapsed() < timeout,
                "{} is not ready after {} s: see `docker compose logs` and {probe}",
                phase.name,
                timeout.as_secs(),
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}

/// Looks for what no waiting mends.
struct Doubt {
    phase: Phase,
    databases: Databases,
    queue: Option<Queue>,
    refused_for: Duration,
    looked: Instant,
    /// Since when a password is refused.
    refused: Option<Instant>,
}

impl Doubt {
    fn about(phase: Phase, project: &Project, slower: f64) -> anyhow::Result<Self> {
        Ok(Self {
            phase,
            databases: Databases::new(phase, project)?,
            queue: Queue::new(phase, project)?,
            refused_for: REFUSED_FOR.mul_f64(slower),
            looked: Instant::now(),
            refused: None,
        })
    }

    async fn look(&mut self) -> anyhow::Result<()> {
        if self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        // An engine that does not answer now may do so the next time.
        if let Ok(containers) = Containers::find(self.phase).await
            && let Some(words) = containers.gives_up().await
        {
            bail!("{words}");
        }
        let refusing = self.refuses_password().await;
        let since = *self.refused.get_or_insert_with(Instant::now);
        match refusing {
            None => self.refused = None,
            Some(service) => ensure!(
                since.elapsed() < self.refused_for,
                "{service} refuses the password in compose/secrets: its volume was made with another one. \
                 `lab down {}` removes the volume with all that is in it; or put the old files back into \
                 compose/secrets",
                self.phase.name
            ),
        }
        self.looked = Instant::now();
        Ok(())
    }

    async fn refuses_password(&self) -> Option<&'static str> {
        let of_database = self.databases.refuses_password().await;
        match &self.queue {
            Some(queue) if of_database.is_none() => queue.refuses_password().await,
            _ => of_database,
        }
    }
}
