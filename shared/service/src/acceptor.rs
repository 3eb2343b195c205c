//! One socket: an accept loop of our own instead of `axum::serve`, which has neither a deadline for
//! slow headers nor one for the drain.

use crate::connections::{Arriving, ConnectionMetrics, Connections, Turn};
use crate::leaving::Leaving;
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
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_util::io::InspectReader;
use tokio_util::sync::CancellationToken;

/// How long a header may take to arrive, from the connection or the last answer on, and so how long an
/// idle connection stays open. What arrives in between does not prolong it.
const HEADER_DEADLINE: Duration = Duration::from_secs(4);

/// Most a connection buffers of what arrives, in bytes. A header block over this is answered by the HTTP
/// library itself, with a bare 431. Of answers it holds one, mostly under 10 kB: 4,608 connections stay
/// within 120 MB.
const MAX_BUFFER_BYTES: usize = 12 * 1024;

/// How often a request is worked on that was sent without waiting for the answer to the one before: one
/// at a time, of all connections. Browsers, libraries and the balancer wait. Who does not may read no
/// answer either, and must take neither the places of others nor their CPU time.
const EARLY_EVERY: Duration = Duration::from_millis(2);

/// What one socket accepts, and serves it with.
pub(crate) struct Acceptor {
    app: Router,
    http: http1::Builder,
    early: Arc<Mutex<()>>,
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
            early: Arc::default(),
            connections: Connections::new(max_connections, metrics),
            graceful: GracefulShutdown::new(),
        }
    }

    /// Accepts until `closing`; what is returned knows the connections that are still open. Others that
    /// accept from the same socket go first while this server is `leaving`.
    pub(crate) async fn accept(
        self,
        mut listener: Listener,
        leaving: Leaving,
        closing: CancellationToken,
    ) -> GracefulShutdown {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept(&leaving) => accepted,
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
            let app = TowerToHyperService::new(self.app.clone());
            let (early, turn) = (Arc::clone(&self.early), slot.turn.clone());
            let service = service_fn(move |request| answer(&app, &early, &turn, request));
            let turn = slot.turn.clone();
            let stream = InspectReader::new(stream, move |_: &[u8]| turn.hears());
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
    early: &Arc<Mutex<()>>,
    turn: &Turn,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let is_whole = request.body().is_end_stream();
    // One whose body is awaited must not keep the others from theirs.
    let early = (is_whole && turn.came_early()).then(|| Arc::clone(early));
    let turn = turn.clone();
    let arriving = |body| Arriving {
        body,
        turn: turn.clone(),
    };
    let answered = app.call(request.map(arriving));
    async move {
        let mut its_turn = None;
        if let Some(early) = &early {
            its_turn = Some(early.lock().await);
            tokio::time::sleep(EARLY_EVERY).await;
        }
        if is_whole {
            turn.is_ours();
        }
        let answer = answered.await?;
        drop(its_turn);
        // The export, which only the organiser may ask for, has no length: it is in progress until the
        // next request, and goes on however many clients come.
        if answer.body().size_hint().exact().is_some() {
            turn.is_the_clients();
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Path;
    use axum::routing::get;
    use prometheus::{IntCounter, IntGauge};
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Semaphore;
    use tokio::time::timeout;

    /// Serves `/NAME`; `/held` is counted, and answered when it is let through.
    async fn serve(begun: Arc<AtomicUsize>, let_through: Arc<Semaphore>) -> SocketAddr {
        let handler = get(async move |Path(name): Path<String>| {
            if name == "held" {
                begun.fetch_add(1, Ordering::Relaxed);
                let_through.acquire().await.unwrap().forget();
            }
            format!("<{name}>")
        });
        let metrics = ConnectionMetrics {
            open: IntGauge::new("open", "open").unwrap(),
            let_go: IntCounter::new("let_go", "let go").unwrap(),
        };
        let acceptor = Acceptor::new(Router::new().route("/{name}", handler), 16, metrics);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accept = acceptor.accept(
            listener.into(),
            Leaving::default(),
            CancellationToken::new(),
        );
        tokio::spawn(accept);
        address
    }

    async fn ask(client: &mut TcpStream, names: &[&str]) {
        let get = |name: &&str| format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n");
        let requests: String = names.iter().map(get).collect();
        client.write_all(requests.as_bytes()).await.unwrap();
    }

    async fn answered(client: &mut TcpStream, name: &str) {
        let (mut read, answer) = (Vec::new(), format!("<{name}>"));
        let reading = async {
            while !String::from_utf8_lossy(&read).ends_with(&answer) {
                assert!(client.read_buf(&mut read).await.unwrap() > 0, "closed");
            }
        };
        let reading = timeout(Duration::from_secs(60), reading).await;
        reading.unwrap_or_else(|_| panic!("{name} is not answered"));
    }

    #[tokio::test]
    async fn requests_sent_early_are_worked_on_one_at_a_time_and_keep_nobody_else() {
        let (begun, let_through) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let address = serve(Arc::clone(&begun), Arc::clone(&let_through)).await;
        let mut early = Vec::new();
        for _ in 0..3 {
            let mut client = TcpStream::connect(address).await.unwrap();
            ask(&mut client, &["first", "held"]).await;
            answered(&mut client, "first").await;
            early.push(client);
        }
        let mut patient = TcpStream::connect(address).await.unwrap();
        for name in ["one", "two", "three"] {
            ask(&mut patient, &[name]).await;
            answered(&mut patient, name).await;
        }
        assert!(begun.load(Ordering::Relaxed) <= 1);
        let_through.add_permits(3);
        for client in &mut early {
            answered(client, "held").await;
        }
        assert_eq!(begun.load(Ordering::Relaxed), 3);
    }
}
