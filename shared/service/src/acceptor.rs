//! One socket: an accept loop of our own instead of `axum::serve`, which has neither a deadline for
//! slow headers nor one for the drain.

use crate::connections::{Arriving, ConnectionMetrics, Connections, Turn};
use crate::socket::{Accepted, Listener};
use axum::Router;
use axum::response::Response;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a header may take to arrive, from the connection or the last answer on, and so how long an
/// idle connection stays open. What arrives in between does not prolong it.
const HEADER_DEADLINE: Duration = Duration::from_secs(4);

/// Most a connection buffers of what arrives, in bytes. A header block over this is answered by the HTTP
/// library itself, with a bare 431. Of answers it holds one, mostly under 10 kB: 4,608 connections stay
/// within 120 MB.
const MAX_BUFFER_BYTES: usize = 12 * 1024;

/// What one socket accepts, and serves it with.
pub(crate) struct Acceptor {
    app: Router,
    http: http1::Builder,
    connections: Connections,
    graceful: GracefulShutdown,
}

impl Acceptor {
    pub(crate) fn new(app: Router, max_connections: usize, metrics: ConnectionMetrics) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEADER_DEADLINE)
            .max_buf_size(MAX_BUFFER_BYTES)
            // Head and body are copied together: one short write costs less than a vector of them.
            .writev(false);
        Self {
            app,
            http,
            connections: Connections::new(max_connections, metrics),
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
                Ok(accepted) => self.connect(accepted),
                Err(error) => {
                    // Out of file descriptors, mostly: wait for some to be closed.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn connect(&self, (stream, client): Accepted) {
        self.connections.serve(client, |slot| {
            let (app, turn) = (
                TowerToHyperService::new(self.app.clone()),
                slot.turn.clone(),
            );
            let service = service_fn(move |request| answer(&app, &turn, request));
            let connection = self.http.serve_connection(TokioIo::new(stream), service);
            let connection = self.graceful.watch(connection);
            async move {
                // A broken connection is the client's affair, and there may be thousands a second.
                let _ = connection.await;
                drop(slot);
            }
        });
    }
}

/// Has `app` answer, and keeps whose turn it is on the connection.
fn answer(
    app: &TowerToHyperService<Router>,
    turn: &Turn,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    if request.body().is_end_stream() {
        turn.is_ours();
    }
    let turn = turn.clone();
    let arriving = |body| Arriving {
        body,
        turn: turn.clone(),
    };
    let answered = app.call(request.map(arriving));
    async move {
        let answer = answered.await?;
        // The export, which only the organiser may ask for, has no length: it is in progress until the
        // next request, and goes on however many clients come.
        if answer.body().size_hint().exact().is_some() {
            turn.is_the_clients();
        }
        Ok(answer)
    }
}
