//! Where a service listens: a TCP port, one that it shares with others, or a Unix socket for a balancer on
//! the same machine.

use crate::handed::Handed;
use crate::leaving::Leaving;
use crate::unix;
use socket2::SockRef;
use std::fmt;
use std::io;
use std::net::{AddrParseError, IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::either::Either;

/// How long a client may take nothing of an answer that is ready for it, before the connection is
/// ended. Whoever takes some begins anew: an export may be read slowly. More than the 8 s for which a
/// busy reader stands still.
const WRITE_DEADLINE: Duration = Duration::from_secs(12);

/// Most that the kernel keeps of answers beyond what is on its way to the client, in bytes; without this
/// it is megabytes a connection. About three ordinary answers: whoever asks on and reads none has no more
/// worked on.
const MAX_UNSENT_BYTES: u32 = 2 * 1024;

/// A connection, and the address of its client; behind the balancer, on a Unix socket, it has none.
pub(crate) type Accepted = (Either<TcpStream, UnixStream>, Option<IpAddr>);

/// An address to listen on: `IP:port`, `unix:/path`, or `handed:/path`.
#[derive(Debug, Clone)]
pub enum Address {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A Unix socket. A file of that name is replaced.
    Unix(PathBuf),
    /// A TCP port that somebody else listens on, who hands it out at this path.
    Handed(PathBuf),
}

impl FromStr for Address {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            Some(("handed", path)) => Ok(Self::Handed(path.into())),
            _ => text.parse().map(Self::Tcp),
        }
    }
}

/// A bound address.
pub enum Listener {
    /// A TCP port.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
    /// A TCP port shared with other processes.
    Handed(Handed),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl Listener {
    /// Binds `address`.
    ///
    /// # Errors
    /// When it cannot be bound.
    pub async fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            Address::Unix(path) => unix::listen(path).map(Self::Unix),
            // Not waited for: the probes are to answer meanwhile.
            Address::Handed(path) => Ok(Self::Handed(Handed::at(path))),
        }
    }

    /// The next connection; while this process is `leaving`, of those that others might accept only what they
    /// do not.
    pub(crate) async fn accept(&mut self, leaving: &Leaving) -> io::Result<Accepted> {
        let (stream, peer) = match self {
            Self::Tcp(listener) => listener.accept().await?,
            Self::Handed(handed) => handed.accept(leaving).await?,
            // The deadline for writing is the balancer's own.
            Self::Unix(listener) => return Ok((Either::Right(listener.accept().await?.0), None)),
        };
        // A client that is gone already will show in the first read.
        let _ = set_options(&stream);
        Ok((Either::Left(stream), Some(peer.ip())))
    }

    /// Whether other processes accept from it, too.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Handed(_))
    }
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    // Answers are smaller than a segment: without this they wait for the peer's delayed ACK.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    // The kernel's deadline, and not one of our own: it knows what the client has taken, we only
    // what the kernel has.
    socket.set_tcp_user_timeout(Some(WRITE_DEADLINE))?;
    socket.set_tcp_notsent_lowat(MAX_UNSENT_BYTES)
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => address.fmt(f),
                Err(_) => f.write_str("a TCP port"),
            },
            Self::Unix(listener) => {
                let address = listener.local_addr();
                let path = address
                    .as_ref()
                    .ok()
                    .and_then(|address| address.as_pathname());
                write!(f, "unix:{}", path.unwrap_or("".as_ref()).display())
            }
            Self::Handed(handed) => write!(f, "handed:{}", handed.path().display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_socket_left_behind_by_a_killed_process_is_replaced() {
        let name = format!("signup-service-{}.sock", std::process::id());
        let path = std::env::temp_dir().join(name);
        let address: Address = format!("unix:{}", path.display()).parse().unwrap();
        drop(Listener::bind(&address).await.unwrap());
        assert!(path.exists(), "dropping a listener leaves its file");
        let mut listener = Listener::bind(&address).await.unwrap();
        let mut client = UnixStream::connect(&path).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        let (mut stream, _) = listener.accept(&Leaving::default()).await.unwrap();
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn an_address_is_a_port_or_a_path() {
        assert!(matches!("127.0.0.1:8080".parse(), Ok(Address::Tcp(_))));
        assert!(matches!("unix:/tmp/x".parse(), Ok(Address::Unix(path)) if path == *"/tmp/x"));
        assert!("localhost".parse::<Address>().is_err());
    }
}
