//! Who is connected: how many at once, and who has to go when there is no room for one more.
//!
//! A connection either has a request in progress or waits for its client: for the next request, for
//! the rest of one, or until its answer is read. Those that wait are what slow and greedy clients can
//! pile up, so they go first: of the client that has most of them, those that waited longest.

use hyper::body::{Body, Frame, Incoming, SizeHint};
use prometheus::{IntCounter, IntGauge};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::task::AbortHandle;

/// The part of all connections that goes at once, so that not every new one has all of them looked at.
const GO_AT_ONCE: usize = 64;

/// What is counted of connections.
#[derive(Clone)]
pub(crate) struct ConnectionMetrics {
    pub(crate) open: IntGauge,
    /// Closed for want of room.
    pub(crate) let_go: IntCounter,
}

/// The open connections of one socket.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    open: Mutex<HashMap<u64, Connection>>,
    limit: usize,
    clock: Clock,
    metrics: ConnectionMetrics,
}

struct Connection {
    client: Option<IpAddr>,
    turn: Turn,
    /// `None` until the task is there.
    task: Option<AbortHandle>,
}

/// Counts connections and answers: what has the smaller number came earlier.
#[derive(Clone)]
struct Clock(Arc<AtomicU64>);

/// Whose turn it is on a connection.
#[derive(Clone)]
pub(crate) struct Turn(Arc<TurnOf>);

struct TurnOf {
    /// Since when it is the client's; 0 while it is ours.
    waits_since: AtomicU64,
    /// Whether anything has arrived since the last answer.
    heard: AtomicBool,
    clock: Clock,
}

/// A place among the open connections, given back when it is dropped.
pub(crate) struct Slot {
    id: u64,
    pub(crate) turn: Turn,
    connections: Connections,
}

impl Connections {
    pub(crate) fn new(limit: usize, metrics: ConnectionMetrics) -> Self {
        Self(Arc::new(Shared {
            open: Mutex::default(),
            limit,
            clock: Clock(Arc::new(AtomicU64::new(1))),
            metrics,
        }))
    }

    /// Serves a new connection of `client` in a task of its own; without room it is dropped, which
    /// closes it.
    pub(crate) fn serve<F>(&self, client: Option<IpAddr>, serve: impl FnOnce(Slot) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(slot) = self.slot(client) else {
            return;
        };
        let id = slot.id;
        let task = tokio::spawn(serve(slot)).abort_handle();
        // Unless it has ended already.
        if let Some(connection) = self.lock().get_mut(&id) {
            connection.task = Some(task);
        }
    }

    fn slot(&self, client: Option<IpAddr>) -> Option<Slot> {
        let mut open = self.lock();
        if open.len() >= self.0.limit {
            self.make_room(&mut open);
        }
        if open.len() >= self.0.limit {
            return None;
        }
        let id = self.0.clock.now();
        let turn = Turn(Arc::new(TurnOf {
            waits_since: AtomicU64::new(id),
            heard: AtomicBool::new(false),
            clock: self.0.clock.clone(),
        }));
        let connection = Connection {
            client: client.map(network),
            turn: turn.clone(),
            task: None,
        };
        open.insert(id, connection);
        self.0.metrics.open.inc();
        Some(Slot {
            id,
            turn,
            connections: self.clone(),
        })
    }

    fn make_room(&self, open: &mut HashMap<u64, Connection>) {
        let mut waiting: HashMap<Option<IpAddr>, Vec<(u64, u64)>> = HashMap::new();
        for (id, connection) in open.iter() {
            let since = connection.turn.0.waits_since.load(Ordering::Relaxed);
            if since > 0 && connection.task.is_some() {
                let of_client = waiting.entry(connection.client).or_default();
                of_client.push((since, *id));
            }
        }
        let Some(mut greediest) = waiting.into_values().max_by_key(Vec::len) else {
            return;
        };
        greediest.sort_unstable();
        let go = self.0.limit.div_ceil(GO_AT_ONCE);
        for (_, id) in greediest.into_iter().take(go) {
            if let Some(task) = open.remove(&id).and_then(|connection| connection.task) {
                task.abort();
                self.0.metrics.let_go.inc();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Connection>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock {
    fn now(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
        self.connections.0.metrics.open.dec();
    }
}

impl Turn {
    /// All of a request is there.
    pub(crate) fn is_ours(&self) {
        self.0.waits_since.store(0, Ordering::Relaxed);
    }

    /// It is answered.
    pub(crate) fn is_the_clients(&self) {
        let now = self.0.clock.now();
        self.0.waits_since.store(now, Ordering::Relaxed);
        self.0.heard.store(false, Ordering::Relaxed);
    }

    /// Something has arrived.
    pub(crate) fn hears(&self) {
        self.0.heard.store(true, Ordering::Relaxed);
    }

    /// Whether the request that is there now was sent without waiting for the answer to the one before.
    pub(crate) fn came_early(&self) -> bool {
        !self.0.heard.load(Ordering::Relaxed)
    }
}

/// What one client has to itself: an IPv4 address, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

/// A body that says when all of it is there.
pub(crate) struct Arriving {
    pub(crate) body: Incoming,
    pub(crate) turn: Turn,
}

impl Body for Arriving {
    type Data = <Incoming as Body>::Data;
    type Error = <Incoming as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(None) = frame {
            self.turn.is_ours();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    /// Opens a connection on which nothing happens.
    fn connect(connections: &Connections, client: &str) -> Option<Turn> {
        let mut turn = None;
        connections.serve(Some(client.parse().unwrap()), |slot| {
            turn = Some(slot.turn.clone());
            async move {
                let _open = slot;
                pending::<()>().await;
            }
        });
        turn
    }

    /// Whether the connection with this turn is still there.
    fn is_open(turn: &Turn) -> bool {
        // Its task has one, and the list another.
        Arc::strong_count(&turn.0) == 3
    }

    fn connections(limit: usize) -> (Connections, ConnectionMetrics) {
        let metrics = ConnectionMetrics {
            open: IntGauge::new("open", "open").unwrap(),
            let_go: IntCounter::new("let_go", "let go").unwrap(),
        };
        (Connections::new(limit, metrics.clone()), metrics)
    }

    #[tokio::test]
    async fn the_longest_waiting_of_the_greediest_goes_first() {
        let (connections, metrics) = connections(5);
        let other = connect(&connections, "2001:db8::1").unwrap();
        // Two addresses of one network are one client.
        let first = connect(&connections, "2001:db8:0:1::1").unwrap();
        let second = connect(&connections, "2001:db8:0:1::2").unwrap();
        let third = connect(&connections, "2001:db8:0:1::3").unwrap();
        let fourth = connect(&connections, "2001:db8:0:1::4").unwrap();
        // One has a request in progress, and one has had an answer since.
        first.is_ours();
        second.is_the_clients();
        let new = connect(&connections, "203.0.113.1").unwrap();
        tokio::task::yield_now().await;
        assert!(!is_open(&third));
        for open in [&other, &first, &second, &fourth, &new] {
            assert!(is_open(open));
        }
        assert_eq!((metrics.open.get(), metrics.let_go.get()), (5, 1));
    }

    #[tokio::test]
    async fn who_has_a_request_in_progress_is_not_let_go() {
        let (connections, metrics) = connections(2);
        for _ in 0..2 {
            connect(&connections, "203.0.113.1").unwrap().is_ours();
        }
        assert!(connect(&connections, "203.0.113.2").is_none());
        assert_eq!((metrics.open.get(), metrics.let_go.get()), (2, 0));
    }
}
