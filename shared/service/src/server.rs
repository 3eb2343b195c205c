//! Starting, serving and draining a process.
//!
//! An accept loop of our own instead of `axum::serve`, which has neither a deadline for slow
//! headers nor one for the drain.

use crate::guard::Guard;
use crate::operations::{self, Operations, Ready};
use crate::routes::{self, Api};
use crate::{Metrics, Secrets, ServiceConfig, SignupStore};
use axum::Router;
use futures::FutureExt;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use prometheus::IntGauge;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a header may take to arrive, and an idle connection stays open.
const HEADER_DEADLINE: Duration = Duration::from_secs(4);

/// Most a connection buffers, in bytes: 4,096 connections stay within 64 MB. A header block over
/// this is answered by the HTTP library itself, with a bare 431.
const MAX_BUFFER_BYTES: usize = 16 * 1024;

/// The sockets of a process, bound by the caller.
pub struct Listeners {
    /// Takes the contract.
    pub public: TcpListener,
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
            public: TcpListener::bind(config.listen).await?,
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
    tracing::info!(address = %listeners.public.local_addr()?, "serving");

    let connections = metrics.http.connections.clone();
    let guard = Guard::new(metrics, config.max_in_flight);
    let app = routes::router(
        Api {
            store,
            secrets: Arc::new(secrets),
        },
        guard,
    );
    let closing = CancellationToken::new();
    let server = Server::new(app, config.max_connections, connections);
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
        let uncounted = IntGauge::new("operations_connections", "not exported")?;
        let server = Server::new(operations::router(probes), 64, uncounted);
        let serving = tokio::spawn(server.accept(listener, CancellationToken::new()));
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

/// One port.
struct Server {
    app: Router,
    http: http1::Builder,
    slots: Arc<Semaphore>,
    open: IntGauge,
    graceful: GracefulShutdown,
}

/// An open connection: counted while it lives.
struct Slot {
    open: IntGauge,
    _permit: OwnedSemaphorePermit,
}

impl Server {
    fn new(app: Router, max_connections: usize, open: IntGauge) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEADER_DEADLINE)
            .max_buf_size(MAX_BUFFER_BYTES);
        let slots = Arc::new(Semaphore::new(max_connections));
        Self {
            app,
            http,
            slots,
            open,
            graceful: GracefulShutdown::new(),
        }
    }

    /// Accepts until `closing`; what is returned knows the connections that are still open.
    async fn accept(self, listener: TcpListener, closing: CancellationToken) -> GracefulShutdown {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = closing.cancelled() => return self.graceful,
            };
            match accepted {
                Ok((stream, _peer)) => self.connect(stream),
                Err(error) => {
                    // Out of file descriptors, mostly: wait for some to be closed.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn connect(&self, stream: TcpStream) {
        // Over the limit the connection is dropped, which closes it.
        let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() else {
            return;
        };
        self.open.inc();
        let slot = Slot {
            open: self.open.clone(),
            _permit: permit,
        };
        // Answers are smaller than a segment: without this they wait for the peer's delayed ACK.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let service = TowerToHyperService::new(self.app.clone());
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            // A broken connection is the client's affair, and there may be thousands a second.
            let _ = connection.await;
            drop(slot);
        });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.dec();
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
