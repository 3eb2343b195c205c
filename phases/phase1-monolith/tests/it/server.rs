//! A phase-1 server for one test: its own database, its own ports, a proxy in between.

use clap::Parser;
use phase1_monolith::Config;
use signup_conformance::Target;
use signup_service::Listeners;
use signup_testbed::{FaultProxy, TestDatabase};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const EVENT: &str = "00000000-0000-7000-8000-000000000001";

/// A running server.
pub(crate) struct Server {
    target: Target,
    pub(crate) operations: String,
    pub(crate) proxy: FaultProxy,
    pub(crate) database: TestDatabase,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<anyhow::Result<()>>,
    _secrets: TempDir,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(crate) async fn start() -> Self {
        let database = TestDatabase::create().await;
        let proxy = FaultProxy::start(database.server_address()).await.unwrap();
        let secrets = TempDir::new().unwrap();
        for file in ["key", "token"] {
            std::fs::write(secrets.path().join(file), file).unwrap();
        }
        let path = |file: &str| secrets.path().join(file).display().to_string();
        let config = Config::parse_from([
            "phase1-monolith",
            "--database-url",
            &database.url_through(proxy.address()),
            "--database-connections=8",
            "--receipt-key-file",
            &path("key"),
            "--organiser-token-file",
            &path("token"),
        ]);
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let operations = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", public.local_addr().unwrap());
        let operations_url = format!("http://{}", operations.local_addr().unwrap());
        let stop = CancellationToken::new();
        let listeners = Listeners { public, operations };
        let serving = tokio::spawn(phase1_monolith::serve(config, listeners, stop.clone()));
        let server = Self {
            target: Target::new(public_url, Some(operations_url.clone()), "token").unwrap(),
            operations: operations_url,
            proxy,
            database,
            stop,
            serving,
            _secrets: secrets,
        };
        server.probe("readyz", 200, Duration::from_secs(20)).await;
        server
    }

    /// What the conformance cases run against.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Signs `participant` up: the status, the body and the time it took.
    pub(crate) async fn sign_up(&self, participant: &str) -> (u16, serde_json::Value, Duration) {
        let url = format!("{}/v1/events/{EVENT}/signups", self.target.base_url);
        let body = serde_json::json!({
            "email": format!("{participant}@example.org"),
            "name": participant,
        });
        let began = Instant::now();
        let answer = reqwest::Client::new()
            .post(url)
            .json(&body)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap(), began.elapsed())
    }

    /// Waits until a probe has `status`.
    pub(crate) async fn probe(&self, probe: &str, status: u16, patience: Duration) {
        let url = format!("{}/{probe}", self.operations);
        let began = Instant::now();
        loop {
            let answer = reqwest::get(&url).await;
            if answer
                .as_ref()
                .is_ok_and(|answer| answer.status() == status)
            {
                return;
            }
            assert!(
                began.elapsed() < patience,
                "{probe} is not {status} after {patience:?}: {answer:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
