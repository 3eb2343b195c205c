//! The floor of a run: what the two things cost, on this machine and in this minute, that no phase can
//! do without. One is an HTTP answer, of an axum server that does nothing else; the other is a row's
//! share of a large insert into the phase's own database.
//!
//! The same work has cost a quarter more in another hour, and nearly twice as much on another machine
//! (NOTES N25, N43). A cost as a multiple of the floor of its own run can be compared with both.

use crate::load::{calibrate, null_server};
use crate::stack::databases::Databases;
use crate::stack::meter::Meter;
use anyhow::Context;
use lab_truth::record::Floor;
use rustix::time::{ClockId, clock_gettime};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Answers a second: enough that a busy core is measured and not its waking up, and few enough for
/// half a core.
const RATE: u32 = 5_000;

/// For how long: 10,000 answers.
const LENGTH: Duration = Duration::from_secs(2);

/// In-flight slots; a server that does nothing needs a handful.
const SLOTS: usize = 64;

/// Statements of the insert. With [`ROWS`] each they take a tenth of a second of CPU, which is 1.5 s
/// under the smallest cap that a database has.
const STATEMENTS: usize = 10;

/// Rows a statement: from some hundreds on, a row's share hardly falls.
const ROWS: usize = 500;

/// Measures it, beside a phase that is up and has nothing to do.
///
/// # Errors
/// When the server, the generator or the database fails.
pub(crate) async fn measure(databases: &Databases, meter: &Meter) -> anyhow::Result<Floor> {
    Ok(Floor {
        answer_cpu_us: answer().await?,
        row_cpu_us: row(databases, meter).await?,
    })
}

/// CPU time of the server for one answer, in µs.
async fn answer() -> anyhow::Result<f64> {
    let (listening, address) = oneshot::channel();
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    // A thread of its own, so that the thread's CPU time is the server's.
    let server = thread::Builder::new()
        .name("null server".into())
        .spawn(move || serve(listening, &stopping))?;
    let base = format!("http://{}", address.await.context("the null server")?);
    let seen = calibrate::step(RATE, LENGTH, SLOTS, base.parse()?).await;
    stop.cancel();
    let served = tokio::task::spawn_blocking(move || server.join()).await?;
    let cpu = served.map_err(|_| anyhow::anyhow!("the null server panicked"))??;
    Ok(micros(cpu, seen?.attempts.len()))
}

/// Serves until `stop`; returns the CPU time of the calling thread.
fn serve(
    listening: oneshot::Sender<SocketAddr>,
    stop: &CancellationToken,
) -> anyhow::Result<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        // Nobody waiting for it means that the measurement was given up.
        let _ = listening.send(listener.local_addr()?);
        tokio::select! {
            served = null_server::serve(listener) => served,
            () = stop.cancelled() => Ok(()),
        }
    })?;
    Ok(clock_gettime(ClockId::ThreadCPUTime).try_into()?)
}

/// CPU time of the container of the first database that owns signups, for one row, in µs.
async fn row(databases: &Databases, meter: &Meter) -> anyhow::Result<f64> {
    let (service, insert) = databases.batch_insert().await?;
    let cpu = async || {
        let usage = meter.read().await?.usage;
        let usage = usage.get(service).context("a database without counters")?;
        anyhow::Ok(Duration::from_nanos(usage.cpu_ns))
    };
    let before = cpu().await?;
    for _ in 0..STATEMENTS {
        insert.write(ROWS).await?;
    }
    let used = cpu().await?.saturating_sub(before);
    insert.remove().await?;
    Ok(micros(used, STATEMENTS * ROWS))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "thousands of answers and rows are exact in a double"
)]
fn micros(cpu: Duration, count: usize) -> f64 {
    cpu.as_secs_f64() * 1e6 / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn an_answer_of_a_server_that_does_nothing_costs_something() {
        let cpu_us = super::answer().await.unwrap();
        assert!(cpu_us > 1.0 && cpu_us < 10_000.0, "{cpu_us}");
    }
}
