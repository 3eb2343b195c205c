//! The real service of a phase, started for one test: its own sockets, its own secrets, and
//! requests to it that a fault test needs.

#![expect(clippy::panic, reason = "a test says what it expects by panicking")]

use crate::answered::{Answered, answered, probe_until, sum_of_series, until_admitted};
use crate::patience::EVENTUALLY;
use futures::future::join_all;
use reqwest::Client;
use serde_json::Value;
use signup_service::Listeners;
use std::io;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The event that is there from the start.
pub(crate) const EVENT: &str = "00000000-0000-7000-8000-000000000001";

/// The organiser's token of every test service.
pub const ORGANISER_TOKEN: &str = "token";

/// A running service. Dropping it leaves it to the end of the test's runtime.
#[derive(Debug)]
pub struct TestService {
    /// Base URL of the public port.
    pub url: String,
    /// Base URL of the operations port.
    pub operations_url: String,
    /// Stops it.
    pub stop: CancellationToken,
    /// What it ends with.
    pub serving: JoinHandle<anyhow::Result<()>>,
    client: Client,
    _secrets: TempDir,
}

impl TestService {
    /// Starts a service and waits until it is ready. `serve` gets the arguments that name the
    /// secrets, the sockets, and what stops it.
    ///
    /// # Panics
    /// When it ends or is not ready in time.
    ///
    /// # Errors
    /// When no socket, temporary folder or HTTP client can be had.
    pub async fn start<F>(
        serve: impl FnOnce(Vec<String>, Listeners, CancellationToken) -> F,
    ) -> io::Result<Self>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let mut service = Self::starting(serve).await?;
        service.ready().await;
        Ok(service)
    }

    /// The same without waiting for anything.
    ///
    /// # Errors
    /// As [`TestService::start`].
    pub async fn starting<F>(
        serve: impl FnOnce(Vec<String>, Listeners, CancellationToken) -> F,
    ) -> io::Result<Self>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (secrets, arguments) = secrets()?;
        let listeners = listeners().await?;
        let url = format!("http://{}", listeners.public);
        let operations_url = format!("http://{}", listeners.operations.local_addr()?);
        let stop = CancellationToken::new();
        Ok(Self {
            url,
            operations_url,
            serving: tokio::spawn(serve(arguments, listeners, stop.clone())),
            stop,
            client: client()?,
            _secrets: secrets,
        })
    }

    /// Waits until it is ready.
    ///
    /// # Panics
    /// When it ends or is not ready in time.
    pub async fn ready(&mut self) {
        tokio::select! {
            ended = &mut self.serving => panic!("it ended before it was ready: {ended:?}"),
            () = probe_until(&self.client, &self.operations_url, "readyz", 200, EVENTUALLY) => {}
        }
    }

    /// Why a service that must not start does not; the arguments are those of [`TestService::start`].
    ///
    /// # Panics
    /// When it has not refused within a minute.
    ///
    /// # Errors
    /// When no socket or temporary folder can be had.
    pub async fn refusal<F>(
        serve: impl FnOnce(Vec<String>, Listeners, CancellationToken) -> F,
    ) -> io::Result<String>
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let (_secrets, arguments) = secrets()?;
        let serving = serve(arguments, listeners().await?, CancellationToken::new());
        match tokio::time::timeout(EVENTUALLY, serving).await {
            Ok(Err(error)) => Ok(format!("{error:#}")),
            started => panic!("it did not refuse to start: {started:?}"),
        }
    }

    /// Signs `participant` up.
    ///
    /// # Panics
    /// When there is no answer, or not JSON in it: every fault is to be answered.
    pub async fn sign_up(&self, participant: &str) -> Answered {
        let url = format!("{}/v1/events/{EVENT}/signups", self.url);
        let body = serde_json::json!({
            "email": format!("{participant}@example.org"),
            "name": participant,
        });
        answered(self.client.post(url).json(&body)).await
    }

    /// The same for whoever asks again while it is refused, as a client should: the machine may be too busy
    /// for a moment.
    ///
    /// # Panics
    /// When it is refused for a minute; else as [`TestService::sign_up`].
    pub async fn sign_up_until_admitted(&self, participant: &str) -> Answered {
        until_admitted(async || self.sign_up(participant).await).await
    }

    /// Checks a receipt.
    ///
    /// # Panics
    /// As [`TestService::sign_up`].
    pub async fn receipt(&self, receipt: &str) -> Answered {
        let url = format!("{}/v1/events/{EVENT}/signups/{receipt}", self.url);
        answered(self.client.get(url)).await
    }

    /// The same, again while it is refused.
    ///
    /// # Panics
    /// As [`TestService::sign_up_until_admitted`].
    pub async fn receipt_until_admitted(&self, receipt: &str) -> Answered {
        until_admitted(async || self.receipt(receipt).await).await
    }

    /// Asks for the event and its count.
    ///
    /// # Panics
    /// As [`TestService::sign_up`].
    pub async fn event(&self) -> Answered {
        answered(self.client.get(format!("{}/v1/events/{EVENT}", self.url))).await
    }

    /// Creates an event, as the organiser, and tells its id; again while it is refused.
    ///
    /// # Panics
    /// When it is not created; else as [`TestService::sign_up_until_admitted`].
    pub async fn create_event(&self, event: &Value) -> String {
        let url = format!("{}/v1/events", self.url);
        let request = || self.client.post(&url).bearer_auth(ORGANISER_TOKEN);
        let created = until_admitted(async || answered(request().json(event)).await).await;
        let id = created.body["id"].as_str();
        id.unwrap_or_else(|| panic!("no event was created: {created:?}"))
            .to_owned()
    }

    /// Asks for `count` events at once that there are not.
    ///
    /// # Panics
    /// As [`TestService::sign_up`].
    pub async fn unknown_events(&self, count: usize) -> Vec<Answered> {
        let requests = (0..count).map(|number| {
            let url = format!(
                "{}/v1/events/{number:08x}-0000-4000-8000-000000000000",
                self.url
            );
            answered(self.client.get(url))
        });
        join_all(requests).await
    }

    /// Asks for the first page of the attendance list, as the organiser.
    ///
    /// # Panics
    /// As [`TestService::sign_up`].
    pub async fn list(&self) -> Answered {
        let url = format!("{}/v1/events/{EVENT}/signups", self.url);
        answered(self.client.get(url).bearer_auth(ORGANISER_TOKEN)).await
    }

    /// The status and the text of the page that a participant uses.
    ///
    /// # Panics
    /// When there is none.
    pub async fn page(&self) -> (u16, String) {
        let page = async {
            let answer = self.client.get(&self.url).send().await?;
            Ok::<_, reqwest::Error>((answer.status().as_u16(), answer.text().await?))
        };
        page.await
            .unwrap_or_else(|error| panic!("no page: {error}"))
    }

    /// Tells it to stop, unless it was told already, and waits until it has drained.
    ///
    /// # Panics
    /// When that takes a minute, or it ends with an error.
    pub async fn stopped(self) {
        self.stop.cancel();
        match tokio::time::timeout(EVENTUALLY, self.serving).await {
            Ok(Ok(Ok(()))) => {}
            ended => panic!("the drain does not end well: {ended:?}"),
        }
    }

    /// Waits until a probe has `status`.
    ///
    /// # Panics
    /// When it has not within `within`.
    pub async fn probe(&self, probe: &str, status: u16, within: Duration) {
        probe_until(&self.client, &self.operations_url, probe, status, within).await;
    }

    /// The sum of the series `name` or `name{label="value"}`, whatever other labels they have.
    ///
    /// # Panics
    /// When the service does not answer, or has no such series.
    pub async fn metric(&self, series: &str) -> f64 {
        sum_of_series(&self.client, &self.operations_url, series).await
    }
}

/// The secrets of a service in files, and the arguments that name them.
fn secrets() -> io::Result<(TempDir, Vec<String>)> {
    let secrets = TempDir::new()?;
    let mut arguments = Vec::new();
    for (option, secret) in [
        ("--receipt-key-file", "key"),
        ("--organiser-token-file", ORGANISER_TOKEN),
    ] {
        let file = secrets.path().join(secret);
        std::fs::write(&file, secret)?;
        arguments.extend([option.to_owned(), file.display().to_string()]);
    }
    Ok((secrets, arguments))
}

/// A client that uses no connection again which the service may just be closing for being idle.
pub(crate) fn client() -> io::Result<Client> {
    let client = Client::builder().pool_idle_timeout(Duration::from_secs(1));
    client.build().map_err(io::Error::other)
}

async fn listeners() -> io::Result<Listeners> {
    Ok(Listeners {
        public: TcpListener::bind("127.0.0.1:0").await?.into(),
        operations: TcpListener::bind("127.0.0.1:0").await?,
    })
}
