//! A listening socket that several servers share: one process holds it and hands it out over a Unix
//! socket, and whoever has a hand free accepts. So the kernel spreads connections over the servers, one
//! that stands still gets none, and what waits to be accepted outlives each of them.

use crate::leaving::Leaving;
use crate::unix;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::sleep;

/// From one attempt to get the socket to the next, while nobody holds it.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a server that would rather not accept looks whether others do.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// More looks than so many in a row find somebody when nobody else accepts: 200 ms, more than a server at its
/// CPU cap stands still (of 100 ms).
const LOOKS: u32 = 10;

/// Holds `listener`, and hands it to every server that comes for it to the Unix socket `path`; a file of
/// that name is replaced. It is none of tokio's, which would wake this process for each connection.
///
/// # Errors
/// When `path` cannot be listened on.
pub async fn hold(listener: StdListener, path: &Path) -> io::Result<()> {
    let servers = unix::listen(path)?;
    // Open until this process ends: so a server sees that it has.
    let mut handed: Vec<UnixStream> = Vec::new();
    loop {
        let server = match servers.accept().await {
            Ok((server, _)) => server,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a server");
                sleep(PAUSE).await;
                continue;
            }
        };
        match hand_out(&listener, &server).await {
            Ok(()) => {
                handed.retain(is_open);
                handed.push(server);
                tracing::info!(servers = handed.len(), "handed out");
            }
            Err(error) => tracing::warn!(%error, "cannot hand out"),
        }
    }
}

/// A server says nothing: what can be read is its end.
fn is_open(server: &UnixStream) -> bool {
    !matches!(server.try_read(&mut [0]), Ok(0))
}

async fn hand_out(listener: &StdListener, server: &UnixStream) -> io::Result<()> {
    let send = || {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = [listener.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&fds));
        // Without a byte beside it a descriptor does not travel.
        let sent = sendmsg(
            server,
            &[IoSlice::new(&[0])],
            &mut control,
            SendFlags::NOSIGNAL,
        )?;
        Ok(sent)
    };
    server.async_io(Interest::WRITABLE, send).await.map(drop)
}

/// The socket as one server has it.
pub struct Handed {
    path: PathBuf,
    held: Option<Held>,
}

struct Held {
    listener: TcpListener,
    /// Says nothing: it ends with its process, and with that the network of the socket.
    holder: UnixStream,
    /// So many looks in a row found somebody who waits to be accepted.
    waits: u32,
}

impl Handed {
    /// The socket that is handed out at `path`; taken when it is needed, and again when its holder is
    /// another.
    #[must_use]
    pub(crate) fn at(path: &Path) -> Self {
        Self {
            path: path.into(),
            held: None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection; while this server is `leaving`, only one that no other accepts.
    pub(crate) async fn accept(
        &mut self,
        leaving: &Leaving,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            let held = match &mut self.held {
                Some(held) => held,
                None => self.held.insert(take(&self.path).await),
            };
            let Held {
                listener,
                holder,
                waits,
            } = held;
            let accept = async {
                turn(listener, waits, leaving).await?;
                listener.accept().await
            };
            tokio::select! {
                accepted = accept => return accepted,
                () = ended(holder) => {
                    tracing::warn!("whoever held the listening socket has gone");
                    self.held = None;
                }
            }
        }
    }
}

/// Waits until the holder has gone: it never says a second word.
async fn ended(holder: &UnixStream) {
    loop {
        let read = match holder.readable().await {
            Ok(()) => holder.try_read(&mut [0]),
            Err(error) => Err(error),
        };
        match read {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}

async fn take(path: &Path) -> Held {
    let mut told = false;
    loop {
        match try_take(path).await {
            Ok(held) => return held,
            Err(error) if !told => {
                told = true;
                tracing::warn!(%error, path = %path.display(), "no listening socket yet");
            }
            Err(_) => {}
        }
        sleep(PAUSE).await;
    }
}

async fn try_take(path: &Path) -> io::Result<Held> {
    let holder = UnixStream::connect(path).await?;
    let receive = || receive(&holder);
    let listener = holder.async_io(Interest::READABLE, receive).await?;
    let listener = StdListener::from(listener);
    listener.set_nonblocking(true)?;
    Ok(Held {
        listener: TcpListener::from_std(listener)?,
        holder,
        waits: 0,
    })
}

fn receive(holder: &UnixStream) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let iov = &mut [IoSliceMut::new(&mut byte)];
    recvmsg(holder, iov, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let handed = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    handed.ok_or_else(|| io::Error::new(ErrorKind::UnexpectedEof, "nothing was handed over"))
}

/// Waits for as long as this server is `leaving`, until somebody has waited for so long that nobody else
/// accepts; from then on until nobody waits any more, for nothing. `waits` is how often somebody did.
async fn turn(listener: &TcpListener, waits: &mut u32, leaving: &Leaving) -> io::Result<()> {
    while leaving.yields() {
        let mut look = [PollFd::new(listener, PollFlags::IN)];
        let somebody_waits = poll(&mut look, Some(&Timespec::default()))? > 0;
        if somebody_waits {
            *waits += 1;
        } else {
            if (1..=LOOKS).contains(waits) {
                // Another has accepted who waited.
                leaving.set_alone(false);
            }
            *waits = 0;
        }
        if *waits > LOOKS {
            leaving.set_alone(true);
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
    *waits = 0;
    leaving.set_alone(false);
    Ok(())
}
