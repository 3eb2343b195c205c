//! HTTP by hand over TCP: what an HTTP client would normalise, complete or refuse to send.

use crate::Result;
use crate::answer::{Answer, excerpt};
use crate::target::{ANSWER_DEADLINE, Target};
use anyhow::{Context, bail};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

/// A connection to the public port.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    /// `host:port`, for the `Host` header.
    pub(crate) host: String,
    sent: String,
    patience: Duration,
}

/// How the service ended an exchange.
#[derive(Debug)]
pub(crate) enum End {
    Answered(Box<Answer>),
    /// Closed or reset without an answer.
    Closed,
}

impl Wire {
    pub(crate) async fn connect(target: &Target) -> Result<Self> {
        let host = host(target)?;
        let stream = TcpStream::connect(&host).await.context("connecting")?;
        Self::over(stream, host, target)
    }

    /// A connection with little room for answers, so that they fill it when they are not read.
    pub(crate) async fn connect_to_read_little(target: &Target) -> Result<Self> {
        let host = host(target)?;
        let addresses = lookup_host(&host).await.context("looking the host up")?;
        let address = addresses.into_iter().next().context("no such host")?;
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_recv_buffer_size(4 * 1024)?;
        let stream = socket.connect(address).await.context("connecting")?;
        Self::over(stream, host, target)
    }

    fn over(stream: TcpStream, host: String, target: &Target) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            host,
            sent: String::new(),
            patience: target.patience,
        })
    }

    /// Sends one request with this request line (without the version), extra header lines and
    /// body, on a connection of its own, and reads the answer.
    pub(crate) async fn exchange(
        target: &Target,
        line: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<Answer> {
        let mut wire = Self::connect(target).await?;
        let host = &wire.host;
        let head = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
        wire.send(&[head.as_bytes(), body].concat()).await?;
        wire.answer(ANSWER_DEADLINE).await
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result {
        self.sent.push_str(&excerpt(bytes));
        let sent = || format!("sent      {}", self.sent);
        self.stream.write_all(bytes).await.with_context(sent)
    }

    /// Sends as much of this as goes without waiting.
    pub(crate) fn send_what_fits(&mut self, bytes: &[u8]) -> Result {
        match self.stream.try_write(bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error).context("sending"),
        }
    }

    /// Sends `piece` again and again, reading nothing, until the connection is broken off, which must
    /// be within the given time.
    pub(crate) async fn refused_while_sending(&mut self, piece: &[u8], within: Duration) -> Result {
        let within = within + self.patience;
        let write = async { while self.stream.write_all(piece).await.is_ok() {} };
        timeout(within, write).await.with_context(|| {
            format!(
                "sent      {:?} again and again, and read nothing\n\
                 expected  a closed connection within {within:?}\ngot       an open one",
                excerpt(piece),
            )
        })
    }

    /// Waits for an answer.
    pub(crate) async fn answer(&mut self, within: Duration) -> Result<Answer> {
        match self.end(within).await? {
            End::Answered(answer) => Ok(*answer),
            End::Closed => bail!(
                "sent      {}\nexpected  an answer\ngot       a closed connection",
                self.sent
            ),
        }
    }

    /// Waits for an answer or the end of the connection, sending nothing.
    pub(crate) async fn end(&mut self, within: Duration) -> Result<End> {
        self.end_while_sending(b"", Duration::from_secs(3600), within)
            .await
    }

    /// Sends `piece` again and again until the service answers or closes, which it must do within
    /// the given time.
    pub(crate) async fn end_while_sending(
        &mut self,
        piece: &[u8],
        every: Duration,
        within: Duration,
    ) -> Result<End> {
        let within = within + self.patience;
        let (mut reader, mut writer) = self.stream.split();
        let write = async {
            loop {
                tokio::time::sleep(every).await;
                if writer.write_all(piece).await.is_err() {
                    // Closed: the reader will see it, and perhaps an answer before it.
                    std::future::pending::<Infallible>().await;
                }
            }
        };
        let end = tokio::select! {
            end = timeout(within, read_end(&mut reader, &self.sent)) => end,
            never = write => match never {},
        };
        match end {
            Ok(end) => end,
            Err(_elapsed) => bail!(
                "sent      {} and then {:?} every {every:?}\n\
                 expected  an answer or a closed connection within {within:?}\ngot       neither",
                self.sent,
                excerpt(piece),
            ),
        }
    }
}

/// `host:port` of the public port.
fn host(target: &Target) -> Result<String> {
    let url: Url = target.base_url.parse()?;
    let (Some(host), Some(port), "http") =
        (url.host_str(), url.port_or_known_default(), url.scheme())
    else {
        bail!("this case speaks plain HTTP only, not {url}");
    };
    Ok(format!("{host}:{port}"))
}

/// Reads one answer, or the end of the connection before there is a whole header.
async fn read_end(reader: &mut (impl AsyncRead + Unpin), sent: &str) -> Result<End> {
    let mut bytes = Vec::new();
    loop {
        if let Some(answer) = parse(&bytes, sent)?
            && answer.body.len() >= content_length(&answer)
        {
            return Ok(End::Answered(Box::new(answer)));
        }
        // A reset after the answer is how a server ends a body that it did not read.
        if matches!(reader.read_buf(&mut bytes).await, Ok(0) | Err(_)) {
            return Ok(match parse(&bytes, sent)? {
                Some(answer) => End::Answered(Box::new(answer)),
                None => End::Closed,
            });
        }
    }
}

/// Length of the body; without one it lasts until the connection ends.
fn content_length(answer: &Answer) -> usize {
    answer
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(usize::MAX)
}

/// The answer in `bytes` as far as it has come; `None` before its header is complete.
fn parse(bytes: &[u8], sent: &str) -> Result<Option<Answer>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).context("reading the header of an answer")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok());
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        headers.append(
            HeaderName::from_bytes(name.as_bytes())?,
            HeaderValue::from_str(value.trim())?,
        );
    }
    Ok(Some(Answer {
        sent: sent.to_owned(),
        status: status.with_context(|| format!("not an HTTP answer: {head}"))?,
        headers,
        body: bytes[end + 4..].to_vec(),
    }))
}
