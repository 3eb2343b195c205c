//! One socket: an accept loop of our own instead of `axum::serve`, which has neither a deadline for
//! slow headers nor one for the drain.

use crate::socket::Listener;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use prometheus::IntGauge;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

/// How long a header may take to arrive, and an idle connection stays open.
const HEADER_DEADLINE: Duration = Duration::from_secs(4);

/// Most a connection buffers, in bytes: 4,096 connections stay within 64 MB. A header block over
/// this is answered by the HTTP library itself, with a bare 431.
const MAX_BUFFER_BYTES: usize = 16 * 1024;

/// What one socket accepts, and serves it with.
pub(crate) struct Acceptor {
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

impl Acceptor {
    pub(crate) fn new(app: Router, max_connections: usize, open: IntGauge) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEADER_DEADLINE)
            .max_buf_size(MAX_BUFFER_BYTES)
            // Head and body are copied together: one short write costs less than a vector of them.
            .writev(false);
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
    pub(crate) async fn accept(
        self,
        listener: Listener,
        closing: CancellationToken,
    ) -> GracefulShutdown {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = closing.cancelled() => return self.graceful,
            };
            match accepted {
                Ok(stream) => self.connect(stream),
                Err(error) => {
                    // Out of file descriptors, mostly: wait for some to be closed.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn connect(&self, stream: Either<TcpStream, UnixStream>) {
        // Over the limit the connection is dropped, which closes it.
        let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() else {
            return;
        };
        self.open.inc();
        let slot = Slot {
            open: self.open.clone(),
            _permit: permit,
        };
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
