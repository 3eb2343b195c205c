//! One connection to the service: hyper's HTTP/1 client on a socket, driven by whoever uses it.
//!
//! hyper wants its connection polled beside the request. A task of its own for that would be two
//! more wake-ups a request: here the slot that sends polls both, and nobody polls an idle connection.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::http::response::Parts;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Context;
use tokio::net::TcpStream;

/// A request whose body is there already.
pub(super) type Whole = Request<Full<Bytes>>;

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// A connection on which one request is answered after the other.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// `None` when it has ended. In a box because it is a kilobyte, and goes to and fro.
    driver: Option<Box<Driver>>,
    /// Whether a request was answered on it.
    served: bool,
}

/// Why there is no answer.
pub(super) enum Failure {
    /// Not a byte was written: the connection was found closed before. hyper returns the request.
    Unsent(Box<Whole>),
    /// The connection broke after the request may have left.
    Broken,
}

impl Connection {
    /// Connects to the first of `addresses` that answers. Nothing is sent yet.
    pub(super) async fn open(addresses: &[SocketAddr]) -> io::Result<Self> {
        let stream = TcpStream::connect(addresses).await?;
        stream.set_nodelay(true)?;
        // Head and body are copied together: one short write costs less than a vector of them. In
        // HTTP/1 hyper sends nothing to shake hands.
        let mut builder = http1::Builder::new();
        let handshake = builder.writev(false).handshake(TokioIo::new(stream));
        let (sender, driver) = handshake.await.map_err(io::Error::other)?;
        Ok(Self {
            sender,
            driver: Some(Box::new(driver)),
            served: false,
        })
    }

    /// Sends the request and waits for the whole answer. Given up before its end, the connection is
    /// of no more use.
    ///
    /// hyper looks at the socket before it writes: when Tokio has heard that the service closed it,
    /// or said something unasked, the request is [`Failure::Unsent`]. What the system knows and
    /// Tokio has not heard, within the same turn of the runtime, ends as [`Failure::Broken`].
    pub(super) async fn exchange(&mut self, request: Whole) -> Result<(Parts, Bytes), Failure> {
        let response = self.sender.try_send_request(request);
        let mut answer = pin!(async { whole(response.await.map_err(Failure::from)?).await });
        let driver = &mut self.driver;
        let answer = poll_fn(|context| {
            drive(driver, context);
            answer.as_mut().poll(context)
        });
        let answer = answer.await?;
        self.served = true;
        Ok(answer)
    }

    /// Whether another request may be sent, as far as is known without looking.
    pub(super) fn is_open(&self) -> bool {
        self.driver.is_some()
    }

    /// Whether a request was answered on it: then the service may have closed it since.
    pub(super) fn has_served(&self) -> bool {
        self.served
    }
}

/// One that has ended is dropped: only then does hyper return a request it has not begun.
fn drive(driver: &mut Option<Box<Driver>>, context: &mut Context<'_>) {
    if let Some(running) = driver
        && Pin::new(&mut **running).poll(context).is_ready()
    {
        *driver = None;
    }
}

async fn whole(response: Response<Incoming>) -> Result<(Parts, Bytes), Failure> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Failure::Broken)?;
    Ok((head, body.to_bytes()))
}

impl From<TrySendError<Whole>> for Failure {
    fn from(mut error: TrySendError<Whole>) -> Self {
        match error.take_message() {
            Some(request) => Self::Unsent(Box::new(request)),
            None => Self::Broken,
        }
    }
}
