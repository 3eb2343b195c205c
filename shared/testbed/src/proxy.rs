//! A TCP proxy inside the test process that breaks the network on command.
//!
//! It stands between a phase and its database (or cache, or queue), so that a test can cut, hang
//! or slow that one connection without touching the server, which other tests share.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the proxy does with connections, from the moment it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Forwards everything.
    Pass,
    /// Resets open connections, and new ones as soon as they are made: a killed server.
    Cut,
    /// Keeps connections open, takes new ones, swallows what arrives and answers nothing: a
    /// paused server or a silent network.
    Hang,
    /// Forwards everything on open connections; takes new ones and answers nothing: a server that is
    /// busy with what it has.
    HangNew,
    /// Swallows what clients send, and forwards what the server sends: what was delivered was worked
    /// on, and the server never learns of it.
    LoseRequests,
    /// Forwards what clients send, and swallows what the server sends: what was asked for is done,
    /// and the client never learns of it.
    LoseAnswers,
    /// Forwards each piece of data, in both directions, so much later: a slow network.
    Delay(Duration),
}

/// Where a piece of data is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Server,
    Client,
}

impl Mode {
    fn swallows(self, to: To) -> bool {
        match self {
            Self::Pass | Self::Cut | Self::HangNew | Self::Delay(_) => false,
            Self::Hang => true,
            Self::LoseRequests => to == To::Server,
            Self::LoseAnswers => to == To::Client,
        }
    }
}

/// A running proxy. Dropping it resets all its connections.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    /// Listens on a free port of the loopback address and forwards to `upstream` (`host:port`),
    /// in mode [`Mode::Pass`].
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(upstream: impl Into<String>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (mode, seen) = watch::channel(Mode::Pass);
        let accepting = tokio::spawn(accept(listener, upstream.into(), seen));
        Ok(Self {
            address,
            mode,
            accepting,
        })
    }

    /// Where to connect instead of the upstream.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the mode, for open connections too.
    ///
    /// A connection of which something was swallowed is reset when the mode is one that would forward
    /// it: a stream with a hole in it must not go on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.mode.send_replace(Mode::Cut);
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, upstream: String, mode: watch::Receiver<Mode>) {
    loop {
        // An error here is one client's (gone before it was accepted), not the listener's.
        if let Ok((client, _)) = listener.accept().await {
            if *mode.borrow() == Mode::HangNew {
                tokio::spawn(hold(client, mode.clone()));
            } else {
                tokio::spawn(relay(client, upstream.clone(), mode.clone()));
            }
        }
    }
}

/// Holds a connection, and resets it when the mode is another: a stream that nobody read must not go on.
async fn hold(client: TcpStream, mut mode: watch::Receiver<Mode>) {
    let _ = mode.wait_for(|mode| *mode != Mode::HangNew).await;
    reset(&client);
}

/// Serves one connection until either side closes it or the mode ends it.
async fn relay(mut client: TcpStream, upstream: String, mode: watch::Receiver<Mode>) {
    let mut cut = mode.clone();
    let Some(mut server) = ({
        tokio::select! {
            server = TcpStream::connect(upstream) => server.ok(),
            _ = cut.wait_for(|mode| *mode == Mode::Cut) => None,
        }
    }) else {
        reset(&client);
        return;
    };
    // Small messages back and forth: waiting to fill a packet would be a delay nobody asked for.
    let _ = client.set_nodelay(true).and(server.set_nodelay(true));
    let broken = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both = async {
            tokio::try_join!(
                pump(from_client, to_server, To::Server, mode.clone()),
                pump(from_server, to_client, To::Client, mode.clone()),
            )
        };
        tokio::select! {
            both = both => both.is_err(),
            // Here and not in the pumps: a pump may be waiting for a peer that reads nothing.
            _ = cut.wait_for(|mode| *mode == Mode::Cut) => true,
        }
    };
    if broken {
        reset(&client);
        reset(&server);
    }
}

/// Makes the drop of `stream` a reset, not an orderly end.
fn reset(stream: &TcpStream) {
    // It fails only for a stream that is already gone.
    let _ = stream.set_zero_linger();
}

/// Forwards one direction until its end; an error asks for a reset.
async fn pump(
    mut from: ReadHalf<'_>,
    mut into: WriteHalf<'_>,
    to: To,
    mut mode: watch::Receiver<Mode>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let mut swallowed = false;
    loop {
        let length = tokio::select! {
            length = from.read(&mut buffer) => length?,
            left = mode.wait_for(|mode| !mode.swallows(to)), if swallowed => {
                let _ = left;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        };
        let current = *mode.borrow();
        if let Mode::Delay(delay) = current {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                _ = mode.wait_for(|mode| mode.swallows(to)) => {}
            }
        }
        let swallows = mode.borrow().swallows(to);
        if swallows {
            swallowed = true;
            if length == 0 {
                // The end is swallowed too: the other side must not notice anything.
                let _ = mode.wait_for(|mode| !mode.swallows(to)).await;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        } else if length == 0 {
            return into.shutdown().await;
        } else {
            into.write_all(&buffer[..length]).await?;
        }
    }
}

#[cfg(test)]
mod tests;
