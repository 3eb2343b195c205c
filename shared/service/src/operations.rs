//! The operations port: metrics and probes, for the orchestrator and Prometheus, never the public.

use crate::Metrics;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::BoxFuture;
use http::{StatusCode, header};
use hyper::http;
use serde::Serialize;
use signup_domain::StoreError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A dependency that has not answered after this is not ready. `/readyz` must follow within 2 s.
const READY_DEADLINE: Duration = Duration::from_secs(1);

/// Whether a process can do its work now: its dependencies answer.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync>;

/// What the probes look at.
#[derive(Clone)]
pub(crate) struct Operations {
    pub(crate) ready: Ready,
    pub(crate) metrics: Metrics,
    /// The start is over: migrations are done.
    pub(crate) started: Arc<AtomicBool>,
    /// The stop signal came: no new work should be sent here.
    pub(crate) stopping: CancellationToken,
}

/// Who answers a probe.
#[derive(Serialize)]
struct Probe {
    status: &'static str,
    /// Process id: tells a restart from a continuation.
    instance: u32,
    /// Host or container name.
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(crate) fn router(operations: Operations) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(async || probe(Ok(()))))
        .route("/readyz", get(ready))
        .route("/startupz", get(startup))
        .with_state(operations)
}

async fn metrics(State(operations): State<Operations>) -> Response {
    match operations.metrics.scrape() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn startup(State(operations): State<Operations>) -> Response {
    probe(if operations.started.load(Ordering::Relaxed) {
        Ok(())
    } else {
        Err("starting".into())
    })
}

async fn ready(State(operations): State<Operations>) -> Response {
    if operations.stopping.is_cancelled() {
        return probe(Err("stopping".into()));
    }
    if !operations.started.load(Ordering::Relaxed) {
        return probe(Err("starting".into()));
    }
    probe(
        match tokio::time::timeout(READY_DEADLINE, (operations.ready)()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_elapsed) => Err("a dependency does not answer".into()),
        },
    )
}

fn probe(result: Result<(), String>) -> Response {
    let (code, status, reason) = match result {
        Ok(()) => (StatusCode::OK, "ok", None),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", Some(reason)),
    };
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim().to_owned();
    (
        code,
        Json(Probe {
            status,
            instance: std::process::id(),
            host,
            reason,
        }),
    )
        .into_response()
}
