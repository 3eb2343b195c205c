//! Serves cAdvisor's metric names for the containers of one Compose project, read from the Docker
//! API. So it finds them wherever the engine answers, also where cAdvisor would have to know how the
//! engine keeps its files, and dashboards and alerts are the same with either. It measures nothing by
//! itself and keeps nothing between two scrapes.
//!
//! Read in this order: [`engine`] (what is asked) → [`sample`] (what it means) → [`exposition`].

mod engine;
mod exposition;
mod sample;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use clap::Parser;
use tokio::{net::TcpListener, signal::unix};

use crate::engine::Engine;

/// Container metrics of one Compose project, under cAdvisor's names.
#[derive(Parser)]
#[command(version)]
struct Config {
    /// Address to serve `/metrics` and `/healthz` on.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:9101")]
    listen: SocketAddr,

    /// The Compose project whose containers are reported.
    #[arg(long, env = "PROJECT", default_value = "signup-lab")]
    project: String,

    /// The Docker engine's socket.
    #[arg(long, env = "DOCKER_SOCKET", default_value = "/var/run/docker.sock")]
    docker_socket: PathBuf,
}

// One thread: a scrape waits for the engine and computes next to nothing.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let engine = Arc::new(Engine::new(&config.docker_socket, config.project)?);
    axum::serve(listener, router(engine))
        .with_graceful_shutdown(stop_signal()?)
        .await?;
    Ok(())
}

fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok" }))
        .with_state(engine)
}

/// Always 200 while this process works: an engine that does not answer is reported as
/// `container_scrape_error 1`, as cAdvisor does, and not as a missing target.
async fn metrics(State(engine): State<Arc<Engine>>) -> Response {
    let readings = engine.read().await;
    match exposition::encode(&readings) {
        Ok(text) => ([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Resolves on SIGTERM or SIGINT. As process 1 of a container it would otherwise ignore both.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
