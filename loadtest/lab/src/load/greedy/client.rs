//! One greedy client: it connects, holds the connection, and comes again when the service has ended it.

use super::tally::Tally;
use anyhow::{Context, ensure};
use reqwest::Url;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

/// A byte every so often: a service that only asks whether anything still comes is content.
const DRIP: Duration = Duration::from_secs(2);

/// Before a client comes again. All of 4,500 refused at once are 4,500 new connections a second at most.
const PAUSE: Duration = Duration::from_secs(1);

/// As a participant's.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Reads that a stalled reader asks for in one go: 120 kB of answers, more than the send buffer that a
/// container's connection begins with (87 kB).
const PIPELINED: usize = 200;

/// What the kernel is to keep for a stalled reader, in bytes; it takes twice as much.
const RECEIVE_BUFFER_BYTES: u32 = 4_096;

/// Length that a slow body claims to have: less than the 4 KiB over which a service refuses it at once.
const BODY_BYTES: usize = 2_048;

/// Where an answer has its status: `HTTP/1.1 408`.
const STATUS: Range<usize> = 9..12;

/// How a connection ended of which no answer was read.
const CLOSED: &str = "closed";
const RESET: &str = "reset";
const NOT_CONNECTED: &str = "not_connected";

/// Where the greedy clients go.
pub(super) struct Target {
    address: SocketAddr,
    host: String,
    /// Path of the event.
    event: String,
}

/// What a client sends.
pub(super) enum Client {
    /// A beginning at once, and then one byte after the other, so many at most.
    Slow {
        first: Vec<u8>,
        then: u8,
        most: usize,
    },
    /// Requests at once, whose answers nobody reads, and then one more after the other.
    Stalled { request: Vec<u8> },
}

impl Target {
    /// Looks the service's name up.
    pub(super) fn new(base: &Url, event: &str) -> anyhow::Result<Self> {
        ensure!(base.scheme() == "http", "{base} is not an http:// URL");
        let addresses = base.socket_addrs(|| None)?;
        Ok(Self {
            address: *addresses.first().context("a service without an address")?,
            host: base.authority().to_owned(),
            event: base.join(&format!("/v1/events/{event}"))?.path().to_owned(),
        })
    }

    async fn connect(&self, stalled: bool) -> io::Result<TcpStream> {
        let socket = match self.address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if stalled {
            socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
        }
        // Dropped, it is reset: at 1,000 connections a second those that wait out their minute in
        // TIME_WAIT would take the participants' ports.
        socket.set_zero_linger()?;
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Client {
    pub(super) fn slow_header(target: &Target) -> Self {
        let Target { host, event, .. } = target;
        Self::Slow {
            first: format!("GET {event} HTTP/1.1\r\nHost: {host}\r\nX-Slow: ").into(),
            then: b'a',
            most: usize::MAX,
        }
    }

    /// The signup is whole from the beginning, and only blanks are missing, so that a service that took
    /// it before its end would keep a row: of an address that is no participant's, which the ledger
    /// calls unexpected.
    pub(super) fn slow_body(target: &Target, number: u32) -> Self {
        let Target { host, event, .. } = target;
        let body =
            format!(r#"{{"email":"greedy-{number}@greedy.example","name":"Greedy {number}"}}"#);
        let head = format!(
            "POST {event}/signups HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {BODY_BYTES}\r\n\r\n"
        );
        Self::Slow {
            // The last byte never comes.
            most: BODY_BYTES - body.len() - 1,
            first: (head + &body).into(),
            then: b' ',
        }
    }

    pub(super) fn stalled_reader(target: &Target) -> Self {
        let Target { host, event, .. } = target;
        Self::Stalled {
            request: format!("GET {event} HTTP/1.1\r\nHost: {host}\r\n\r\n").into(),
        }
    }

    /// Holds one connection after the other, until it is dropped.
    pub(super) async fn hold(self, target: &Target, tally: &Arc<Tally>) {
        let stalled = matches!(self, Self::Stalled { .. });
        loop {
            let connected = timeout(CONNECT_TIMEOUT, target.connect(stalled)).await;
            let ended = match connected {
                Ok(Ok(stream)) => {
                    let _open = tally.open();
                    self.keep(stream).await
                }
                Ok(Err(_)) | Err(_) => NOT_CONNECTED.to_owned(),
            };
            tally.ended(ended);
            sleep(PAUSE).await;
        }
    }

    /// Returns how the service ended it: the status of its first answer, if there was one.
    async fn keep(&self, mut stream: TcpStream) -> String {
        let (mut answers, mut requests) = stream.split();
        let mut read = Vec::new();
        match self {
            Self::Slow { first, then, most } => tokio::select! {
                ended = first_answer(&mut answers, &mut read) => return ended,
                _broken = drip(&mut requests, first, *then, *most) => {}
            },
            Self::Stalled { request } => {
                let _broken = pipeline(&mut requests, request).await;
            }
        }
        // What it answered before it ended the connection can still be read.
        first_answer(&mut answers, &mut read).await
    }
}

/// Ends only when the connection has.
async fn drip(
    requests: &mut WriteHalf<'_>,
    first: &[u8],
    then: u8,
    most: usize,
) -> io::Result<Infallible> {
    requests.write_all(first).await?;
    for _ in 0..most {
        sleep(DRIP).await;
        requests.write_all(&[then]).await?;
    }
    pending().await
}

/// Ends only when the connection has.
async fn pipeline(requests: &mut WriteHalf<'_>, request: &[u8]) -> io::Result<Infallible> {
    requests.write_all(&request.repeat(PIPELINED)).await?;
    loop {
        sleep(DRIP).await;
        requests.write_all(request).await?;
    }
}

/// Waits for it, or for the end.
async fn first_answer(answers: &mut ReadHalf<'_>, read: &mut Vec<u8>) -> String {
    while read.len() < STATUS.end {
        match answers.read_buf(read).await {
            Ok(0) => return CLOSED.to_owned(),
            Ok(_) => {}
            Err(_) => return RESET.to_owned(),
        }
    }
    String::from_utf8_lossy(&read[STATUS]).into_owned()
}
