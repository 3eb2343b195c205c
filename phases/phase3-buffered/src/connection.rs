//! A connection to the queue that ends, with all it holds, when it is dropped.
//!
//! lapin runs each connection on a thread of its own, which waits for the broker for ever while the
//! connection is being opened or closed: its heartbeat is looked at only in between. A broker that accepts
//! and does not answer would cost a thread, a socket and buffers an attempt. So the socket is opened here,
//! and shut down here: the thread then reads its end, and ends too.

use anyhow::Context;
use async_compat::CompatExt;
use lapin::runtime::default_runtime;
use lapin::uri::AMQPUri;
use lapin::{AsyncTcpStream, ConnectionProperties};
use std::io;
use std::net::{Shutdown, TcpStream as Handle};
use std::ops::Deref;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A queue in this network says goodbye in milliseconds; one that does not is left without.
const CLOSE: Duration = Duration::from_secs(1);

/// An open connection. Whoever lets the opening, or a closing, take no longer than so long drops it.
pub(crate) struct Connection {
    lapin: lapin::Connection,
    _socket: Socket,
}

/// A second handle on the connection's socket.
struct Socket(Handle);

impl Connection {
    /// Connects and logs in. Dropping the future gives that up, wherever it is.
    ///
    /// # Errors
    /// When the broker cannot be reached, or refuses.
    pub(crate) async fn open(
        uri: AMQPUri,
        properties: ConnectionProperties,
    ) -> anyhow::Result<Self> {
        let address = (uri.authority.host.as_str(), uri.authority.port);
        let stream = TcpStream::connect(address).await?;
        // Small frames back and forth: waiting to fill a packet would be a delay nobody asked for.
        stream.set_nodelay(true)?;
        let socket = Socket(Handle::from(stream.as_fd().try_clone_to_owned()?));
        // lapin asks for a stream once: it is not told to connect again by itself.
        let stream = Mutex::new(Some(stream.compat()));
        let hand_over = async move |_: AMQPUri, _| {
            let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            let stream = stream.take().ok_or(io::ErrorKind::ConnectionAborted);
            let stream = stream.map_err(io::Error::from)?;
            Ok::<_, lapin::Error>(AsyncTcpStream::Plain(stream))
        };
        let runtime = default_runtime()?;
        let lapin = lapin::Connection::connector(uri, runtime, hand_over, properties).await?;
        Ok(Self {
            lapin,
            _socket: socket,
        })
    }

    /// Says goodbye, so that the broker logs no lost connection.
    ///
    /// # Errors
    /// When the broker does not answer; the connection has ended all the same.
    pub(crate) async fn close(self, why: &str) -> anyhow::Result<()> {
        let closed = timeout(CLOSE, self.lapin.close(200, why.into())).await;
        Ok(closed.context("no goodbye in time")??)
    }
}

impl Deref for Connection {
    type Target = lapin::Connection;

    fn deref(&self) -> &lapin::Connection {
        &self.lapin
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It fails only for a connection that has ended.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signup_testbed::{FaultProxy, Mode};
    use std::fs;
    use std::time::Instant;

    /// Connections that are given up.
    const ABANDONED: usize = 20;

    /// Long enough to be in the middle of it.
    const PATIENCE: Duration = Duration::from_millis(20);

    /// Far longer than a thread takes to end.
    const ENDED: Duration = Duration::from_secs(20);

    fn uri(address: impl std::fmt::Display) -> AMQPUri {
        let mut uri: AMQPUri = signup_testbed::queue_url().parse().unwrap();
        let to: AMQPUri = format!("amqp://{address}").parse().unwrap();
        (uri.authority.host, uri.authority.port) = (to.authority.host, to.authority.port);
        uri
    }

    async fn open(uri: &AMQPUri) -> anyhow::Result<Connection> {
        Connection::open(uri.clone(), ConnectionProperties::default()).await
    }

    /// lapin's threads, of which nobody else has any in this process, and all sockets of the process.
    fn held() -> (usize, usize) {
        let is_lapins = |task: &fs::DirEntry| {
            let name = fs::read_to_string(task.path().join("comm"));
            name.is_ok_and(|name| name.trim() == "lapin-io-loop")
        };
        let is_socket = |file: &fs::DirEntry| {
            let is = fs::read_link(file.path());
            is.is_ok_and(|is| is.to_string_lossy().starts_with("socket:"))
        };
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
        let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
        (
            tasks.filter(is_lapins).count(),
            files.filter(is_socket).count(),
        )
    }

    async fn until_held(threads: usize, sockets: usize, when: &str) {
        let began = Instant::now();
        loop {
            let held = held();
            if held.0 <= threads && held.1 <= sockets {
                return;
            }
            assert!(began.elapsed() < ENDED, "{when}: {held:?}");
            tokio::time::sleep(PATIENCE).await;
        }
    }

    /// One test, because what it counts is the process's.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_abandoned_connection_ends_with_all_it_holds_wherever_it_is() {
        let proxy = FaultProxy::start(signup_testbed::queue_address()).await;
        let proxy = proxy.unwrap();
        let uri = uri(proxy.address());
        // The first leaves a runtime behind: async-compat keeps one for threads that have none.
        open(&uri).await.unwrap().close("tested").await.unwrap();
        until_held(0, usize::MAX, "after the first").await;
        let (_, sockets) = held();
        // The proxy's own, while it hangs: it must not be what ends them.
        let by_proxy = 2 * ABANDONED;

        proxy.set(Mode::Hang);
        for _ in 0..ABANDONED {
            assert!(timeout(PATIENCE, open(&uri)).await.is_err());
        }
        until_held(0, sockets + by_proxy, "while they were being opened").await;
        proxy.set(Mode::Pass);
        until_held(0, sockets, "while they were being opened").await;

        let mut connections = Vec::new();
        for _ in 0..ABANDONED {
            connections.push(open(&uri).await.unwrap());
        }
        assert_eq!(held().0, ABANDONED);
        proxy.set(Mode::Hang);
        // Some while their channel is being opened, some while they are being closed.
        for (number, connection) in connections.into_iter().enumerate() {
            if number % 2 == 0 {
                let channel = timeout(PATIENCE, connection.create_channel()).await;
                assert!(channel.is_err());
            } else {
                let closed = timeout(PATIENCE, connection.close("tested")).await;
                assert!(closed.is_err());
            }
        }
        until_held(0, sockets + by_proxy, "when they were open").await;
        proxy.set(Mode::Pass);
        until_held(0, sockets, "when they were open").await;
        open(&uri).await.unwrap().close("tested").await.unwrap();
        until_held(0, sockets, "after a goodbye").await;
    }
}
