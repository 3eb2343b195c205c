//! Idle connections. The one used last is used next, so that few are in use and those stay warm.

use super::connection::Connection;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// On one machine a connection takes less than 1 ms, unless the server's accept queue is full.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The service closes connections that were idle for 4 s or more. Closing them first keeps a request
/// from meeting a connection that is just being closed, which would be an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// All connections that no slot holds: at most as many as there are slots.
pub(super) struct Pool {
    addresses: Vec<SocketAddr>,
    /// Given back earliest first. Only the end is taken from, so that order holds.
    idle: Mutex<VecDeque<Idle>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    pub(super) fn new(addresses: Vec<SocketAddr>) -> Self {
        Self {
            addresses,
            idle: Mutex::default(),
        }
    }

    /// An idle connection, or a new one. An error means that nothing was sent.
    pub(super) async fn take(&self) -> io::Result<Connection> {
        if let Some(connection) = self.take_idle() {
            return Ok(connection);
        }
        tokio::time::timeout(CONNECT_TIMEOUT, Connection::open(&self.addresses)).await?
    }

    fn take_idle(&self) -> Option<Connection> {
        let last = self.idle().pop_back()?;
        // Too old, and so all the others are older: they go with the next sweep.
        (last.since.elapsed() < IDLE_TIMEOUT).then_some(last.connection)
    }

    /// For the next request, unless it has ended.
    pub(super) fn give_back(&self, connection: Connection) {
        if connection.is_open() {
            let since = Instant::now();
            self.idle().push_back(Idle { connection, since });
        }
    }

    /// Closes what has been idle for too long. Nothing else does, as nobody polls an idle connection.
    pub(super) fn sweep(&self) {
        let mut idle = self.idle();
        let old = idle.partition_point(|idle| idle.since.elapsed() >= IDLE_TIMEOUT);
        idle.drain(..old);
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
