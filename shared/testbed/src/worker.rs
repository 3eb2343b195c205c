//! A process of a phase without a public port, started for one test: it can be stopped, and it can be
//! killed in the middle of whatever it is doing.

#![expect(clippy::panic, reason = "a test says what it expects by panicking")]

use crate::answered::{probe_until, sum_of_series};
use crate::patience::EVENTUALLY;
use crate::service::client;
use reqwest::Client;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running worker. Dropping it kills it.
#[derive(Debug)]
pub struct TestWorker {
    /// Base URL of the operations port.
    pub operations_url: String,
    stop: CancellationToken,
    working: JoinHandle<anyhow::Result<()>>,
    client: Client,
}

impl TestWorker {
    /// Starts a worker, and does not wait for anything. `work` gets the socket of its operations port,
    /// and what stops it.
    ///
    /// # Errors
    /// When no socket or no HTTP client can be had.
    pub async fn start<F>(
        work: impl FnOnce(TcpListener, CancellationToken) -> F,
    ) -> io::Result<Self>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let operations = TcpListener::bind("127.0.0.1:0").await?;
        let operations_url = format!("http://{}", operations.local_addr()?);
        let stop = CancellationToken::new();
        Ok(Self {
            operations_url,
            working: tokio::spawn(work(operations, stop.clone())),
            stop,
            client: client()?,
        })
    }

    /// Waits until it is ready.
    ///
    /// # Panics
    /// When it ends or is not ready in time.
    pub async fn ready(&mut self) {
        tokio::select! {
            ended = &mut self.working => panic!("it ended before it was ready: {ended:?}"),
            () = probe_until(&self.client, &self.operations_url, "readyz", 200, EVENTUALLY) => {}
        }
    }

    /// Why it ends by itself: it does not start, or does not go on.
    ///
    /// # Panics
    /// When it has not failed within a minute.
    pub async fn failure(&mut self) -> String {
        match tokio::time::timeout(EVENTUALLY, &mut self.working).await {
            Ok(Ok(Err(error))) => format!("{error:#}"),
            ended => panic!("it did not fail: {ended:?}"),
        }
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Panics
    /// When it fails, or takes longer than a minute.
    pub async fn stop(mut self) {
        self.stop.cancel();
        match tokio::time::timeout(EVENTUALLY, &mut self.working).await {
            Ok(Ok(Ok(()))) => {}
            wrong => panic!("it did not stop in good order: {wrong:?}"),
        }
    }

    /// Ends it wherever it is; its connections break off.
    pub async fn kill(mut self) {
        self.working.abort();
        // An error, unless it had ended by itself.
        let _ = (&mut self.working).await;
    }

    /// As [`TestService::probe`](crate::TestService::probe).
    ///
    /// # Panics
    /// When the probe has not `status` within `within`.
    pub async fn probe(&self, probe: &str, status: u16, within: Duration) {
        probe_until(&self.client, &self.operations_url, probe, status, within).await;
    }

    /// As [`TestService::metric`](crate::TestService::metric).
    ///
    /// # Panics
    /// When the worker does not answer, or has no such series.
    pub async fn metric(&self, series: &str) -> f64 {
        sum_of_series(&self.client, &self.operations_url, series).await
    }
}

impl Drop for TestWorker {
    fn drop(&mut self) {
        self.working.abort();
    }
}
