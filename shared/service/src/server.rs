//! Starting, serving and draining a process.

use crate::acceptor::Acceptor;
use crate::admission::Admission;
use crate::connections::ConnectionMetrics;
use crate::guard::Guard;
use crate::leaving::Leaving;
use crate::operations::{self, Operations, Ready};
use crate::routes::{self, api::Api};
use crate::socket::Listener;
use crate::{Metrics, Secrets, ServiceConfig, SignupStore};
use anyhow::bail;
use futures::FutureExt;
use hyper_util::server::graceful::GracefulShutdown;
use prometheus::{IntCounter, IntGauge};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// After the end, how long a thread that blocks (a name being looked up) may keep the process.
const LEFT_BEHIND: Duration = Duration::from_millis(500);

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

/// Serves until `stop` and then drains: the probes answer from the beginning, and the contract refuses with
/// 503 until `startup` (migrations) is done. `stop` is obeyed at any moment.
///
/// # Errors
/// When `startup` fails, or when a task that accepts connections has stopped.
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
    let asked = store.clone();
    let whole: Ready = Arc::new(move || {
        let store = asked.clone();
        async move { store.whole().await }.boxed()
    });
    let mut operations = OperationsPort::open(listeners.operations, ready, &metrics, &stop)?;
    let connections = metrics.http.connections.clone();
    let admission = Admission::new(&metrics);
    let leaving = Leaving::new(admission.clone());
    let guard = Guard::new(metrics, admission.clone(), leaving.clone());
    let app = routes::router(
        Api {
            store,
            admission: admission.clone(),
            secrets: Arc::new(secrets),
        },
        guard,
    );
    let closing = CancellationToken::new();
    let _closed_at_the_end = closing.clone().drop_guard();
    let address = listeners.public.to_string();
    let is_shared = listeners.public.is_shared();
    if is_shared {
        leaving.follow(whole, closing.clone());
    }
    let server = Acceptor::new(app, config.max_connections, connections);
    let accept = server.accept(listeners.public, leaving.clone(), closing.clone());
    let mut server = tokio::spawn(accept);
    if !operations.start_up(startup, &stop).await? {
        return Ok(());
    }
    admission.open(config.max_in_flight);
    tracing::info!(address, "serving");

    tokio::select! {
        () = stop.cancelled() => {}
        // Nobody can come any more. Exit, so that the restart policy starts another process.
        _ = &mut server => bail!("the task that accepts connections has stopped"),
        () = operations.stopped() => bail!("the task that accepts probes has stopped"),
    }
    tracing::info!("draining");
    if is_shared {
        // Others accept, and whoever keeps a connection needs a moment to ask once more and be told that it ends.
        leaving.for_good();
        closing.cancel();
    }
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
    Ok(())
}

/// Runs a process that has no public port: once `startup` is done, `work`, which ends by itself
/// after `stop`. The probes answer from the beginning; `ready` says whether the work can be done.
///
/// # Errors
/// When `startup` or `work` fails, or when the task that accepts probes has stopped.
pub async fn serve_worker(
    operations: TcpListener,
    metrics: &Metrics,
    ready: Ready,
    startup: impl Future<Output = anyhow::Result<()>>,
    work: impl Future<Output = anyhow::Result<()>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut operations = OperationsPort::open(operations, ready, metrics, &stop)?;
    if operations.start_up(startup, &stop).await? {
        tracing::info!("working");
        tokio::select! {
            worked = work => worked?,
            () = operations.stopped() => bail!("the task that accepts probes has stopped"),
        }
        tracing::info!("stopped");
    }
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
        let serving = tokio::spawn(server.accept(
            listener.into(),
            Leaving::default(),
            CancellationToken::new(),
        ));
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

    /// Returns when its task has stopped, which only a panic in it can do.
    async fn stopped(&mut self) {
        let _ = (&mut self.serving).await;
    }
}

impl Drop for OperationsPort {
    fn drop(&mut self) {
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
    let runtime = builder.enable_all().build()?;
    let ended = runtime.block_on(main);
    runtime.shutdown_timeout(LEFT_BEHIND);
    ended
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn port(metrics: &Metrics) -> OperationsPort {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ready: Ready = Arc::new(|| async { Ok(()) }.boxed());
        OperationsPort::open(listener, ready, metrics, &CancellationToken::new()).unwrap()
    }

    #[tokio::test]
    async fn it_is_seen_when_the_task_that_accepts_probes_has_stopped() {
        let mut port = port(&Metrics::of_worker("test").unwrap()).await;
        assert!(futures::poll!(Box::pin(port.stopped())).is_pending());
        port.serving.abort();
        port.stopped().await;
    }

    #[tokio::test]
    async fn a_start_that_never_ends_is_left_when_the_process_is_stopped() {
        let port = port(&Metrics::of_worker("test").unwrap()).await;
        let stop = CancellationToken::new();
        let mut start = Box::pin(port.start_up(std::future::pending(), &stop));
        assert!(futures::poll!(&mut start).is_pending());
        stop.cancel();
        assert!(!start.await.unwrap());
    }

    #[test]
    fn a_thread_that_blocks_does_not_keep_the_process() {
        let (unblock, blocked) = std::sync::mpsc::channel::<()>();
        block_on(1, async {
            tokio::task::spawn_blocking(move || blocked.recv());
            Ok(())
        })
        .unwrap();
        // Only now: the thread was still there when `block_on` returned.
        drop(unblock);
    }
}
