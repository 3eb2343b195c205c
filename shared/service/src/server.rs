//! Starting, serving and draining a process.

use crate::acceptor::Acceptor;
use crate::admission::Admission;
use crate::connections::ConnectionMetrics;
use crate::guard::Guard;
use crate::operations::{self, Operations, Ready};
use crate::routes::{self, api::Api};
use crate::socket::Listener;
use crate::{Metrics, Secrets, ServiceConfig, SignupStore};
use futures::FutureExt;
use hyper_util::server::graceful::GracefulShutdown;
use prometheus::{IntCounter, IntGauge};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The sockets of a process, bound by the caller.
pub struct Listeners {
    /// Takes the contract.
    pub public: Listener,
    /// Takes metrics and probes.
    pub operations: TcpListener,
}

impl Listeners {
    /// Binds the addresses in `config`.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub async fn bind(config: &ServiceConfig) -> io::Result<Self> {
        Ok(Self {
            public: Listener::bind(&config.listen).await?,
            operations: TcpListener::bind(config.process.operations_listen).await?,
        })
    }
}

/// Serves until `stop` and then drains: the probes answer from the beginning, the contract once
/// `startup` (migrations) is done.
///
/// # Errors
/// When `startup` fails.
pub async fn serve<S: SignupStore>(
    config: &ServiceConfig,
    secrets: Secrets,
    store: S,
    metrics: Metrics,
    listeners: Listeners,
    startup: impl Future<Output = anyhow::Result<()>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let asked = store.clone();
    let ready: Ready = Arc::new(move || {
        let store = asked.clone();
        async move { store.ready().await }.boxed()
    });
    let operations = OperationsPort::open(listeners.operations, ready, &metrics, &stop)?;
    if !operations.start_up(startup, &stop).await? {
        return Ok(());
    }
    tracing::info!(address = %listeners.public, "serving");

    let connections = metrics.http.connections.clone();
    let admission = Admission::new(&metrics, config.max_in_flight);
    let guard = Guard::new(metrics, admission.clone());
    let app = routes::router(
        Api {
            store,
            admission,
            secrets: Arc::new(secrets),
        },
        guard,
    );
    let closing = CancellationToken::new();
    let server = Acceptor::new(app, config.max_connections, connections);
    let server = tokio::spawn(server.accept(listeners.public, closing.clone()));

    stop.cancelled().await;
    tracing::info!("draining");
    // Balancers need a moment to see /readyz before connections are refused.
    tokio::time::sleep(config.drain_delay()).await;
    closing.cancel();
    let graceful = server.await?;
    match tokio::time::timeout(config.drain_deadline(), graceful.shutdown()).await {
        Ok(()) => tracing::info!("drained"),
        Err(_elapsed) => {
            tracing::warn!("stopped with requests in progress: the drain took too long")
        }
    }
    operations.close();
    Ok(())
}

/// Runs a process that has no public port: once `startup` is done, `work`, which ends by itself
/// after `stop`. The probes answer from the beginning; `ready` says whether the work can be done.
///
/// # Errors
/// When `startup` or `work` fails.
pub async fn serve_worker(
    operations: TcpListener,
    metrics: &Metrics,
    ready: Ready,
    startup: impl Future<Output = anyhow::Result<()>>,
    work: impl Future<Output = anyhow::Result<()>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let operations = OperationsPort::open(operations, ready, metrics, &stop)?;
    if operations.start_up(startup, &stop).await? {
        tracing::info!("working");
        work.await?;
        tracing::info!("stopped");
    }
    operations.close();
    Ok(())
}

/// The operations port of a process, served from its beginning to its end.
struct OperationsPort {
    started: Arc<AtomicBool>,
    serving: JoinHandle<GracefulShutdown>,
}

impl OperationsPort {
    fn open(
        listener: TcpListener,
        ready: Ready,
        metrics: &Metrics,
        stop: &CancellationToken,
    ) -> prometheus::Result<Self> {
        let started = Arc::new(AtomicBool::new(false));
        let probes = Operations {
            ready,
            metrics: metrics.clone(),
            started: Arc::clone(&started),
            stopping: stop.clone(),
        };
        let uncounted = ConnectionMetrics {
            open: IntGauge::new("operations_connections", "not exported")?,
            let_go: IntCounter::new("operations_connections_let_go", "not exported")?,
        };
        let server = Acceptor::new(operations::router(probes), 64, uncounted);
        let serving = tokio::spawn(server.accept(listener.into(), CancellationToken::new()));
        Ok(Self { started, serving })
    }

    /// Returns whether `startup` ended before `stop`.
    async fn start_up(
        &self,
        startup: impl Future<Output = anyhow::Result<()>>,
        stop: &CancellationToken,
    ) -> anyhow::Result<bool> {
        tokio::select! {
            result = startup => result?,
            () = stop.cancelled() => return Ok(false),
        }
        self.started.store(true, Ordering::Relaxed);
        Ok(true)
    }

    fn close(self) {
        self.serving.abort();
    }
}

/// Runs `main` on a runtime with `worker_threads` threads. One thread is a runtime without a
/// scheduler between threads, which is the cheapest below one CPU.
///
/// # Errors
/// What `main` returns, or when the runtime cannot be built.
pub fn block_on<F>(worker_threads: usize, main: F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let mut builder = if worker_threads <= 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(worker_threads);
        builder
    };
    builder.enable_all().build()?.block_on(main)
}

/// A token that is cancelled by SIGTERM or SIGINT.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub fn stop_signal() -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(stop)
}
