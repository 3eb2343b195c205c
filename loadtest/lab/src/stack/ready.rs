//! Waits until a phase that was brought up is ready.

use super::http;
use super::phases::Phase;
use anyhow::ensure;
use signup_domain::LAUNCH_DAY;
use std::time::{Duration, Instant};

/// How long a phase may take until it is ready: a database that initialises itself takes about
/// 10 s under its cap, pulling images is not part of it.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Waits until every server and the writer say that they are ready, and the public port answers.
/// `slower` is by how much the phase is slowed down: it may take as much longer.
///
/// # Errors
/// When one is not in time.
pub async fn wait_until_ready(phase: &Phase, slower: f64) -> anyhow::Result<()> {
    let timeout = TIMEOUT.mul_f64(slower);
    let client = http::client();
    let began = Instant::now();
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
