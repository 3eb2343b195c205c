//! The participants' HTTP client: a request out, the whole answer in.

use super::connection::{Failure, Whole};
use super::limit::Limit;
use super::pool::Pool;
use super::ticket::Request as Wanted;
use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::http::response::Parts;
use hyper::{HeaderMap, Method, Request, Uri};
use lab_truth::evidence::{Ending, Kind, Provenance, Receipt, State};
use lab_truth::plan::Participants;
use reqwest::Url;
use serde::Deserialize;

/// What came back.
pub(super) struct Answer {
    pub(super) ending: Ending,
    pub(super) receipt: Option<Receipt>,
    pub(super) state: Option<State>,
    pub(super) provenance: Option<Provenance>,
}

/// What is read of the body of a signup or a receipt check.
#[derive(Deserialize)]
struct Body<'a> {
    receipt: Option<&'a str>,
    status: Option<&'a str>,
}

pub(super) struct Client {
    pool: Pool,
    headers: HeaderMap,
    event: Uri,
    signups: Uri,
    participants: Participants,
}

impl Answer {
    pub(super) fn without(ending: Ending) -> Self {
        Self {
            ending,
            receipt: None,
            state: None,
            provenance: None,
        }
    }
}

impl Client {
    /// The service's name is looked up here, once.
    pub(super) fn new(base: &Url, event: &str, participants: Participants) -> anyhow::Result<Self> {
        ensure!(base.scheme() == "http", "{base} is not an http:// URL");
        let addresses = base.socket_addrs(|| None)?;
        let host = base.host_str().context("a URL without a host")?;
        let host = match base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let event = base.join(&format!("/v1/events/{event}"))?;
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse()?);
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        Ok(Self {
            pool: Pool::new(addresses),
            headers,
            event: event.path().parse()?,
            signups: format!("{}/signups", event.path()).parse()?,
            participants,
        })
    }

    /// Closes connections that have been idle for too long. To be called several times a second.
    pub(super) fn sweep(&self) {
        self.pool.sweep();
    }

    pub(super) async fn send(&self, wanted: &Wanted, limit: &mut Limit) -> Answer {
        let Ok(request) = self.request(wanted) else {
            return Answer::without(Ending::NeverSent);
        };
        match limit.wait_for(self.exchange(request)).await {
            Ok(Ok((head, body))) => read(wanted.arrival.kind, &head, &body),
            Ok(Err(ending)) | Err(ending) => Answer::without(ending),
        }
    }

    async fn exchange(&self, mut request: Whole) -> Result<(Parts, Bytes), Ending> {
        loop {
            let connection = self.pool.take().await;
            let mut connection = connection.map_err(|_| Ending::NeverSent)?;
            match connection.exchange(request).await {
                Ok(answer) => {
                    self.pool.give_back(connection);
                    return Ok(answer);
                }
                // Idle, and closed by the service meanwhile: the next one. A new connection that is
                // closed at once is the service's answer.
                Err(Failure::Unsent(same)) if connection.has_served() => request = *same,
                Err(Failure::Unsent(_)) => return Err(Ending::NeverSent),
                Err(Failure::Broken) => return Err(Ending::Broken),
            }
        }
    }

    fn request(&self, wanted: &Wanted) -> anyhow::Result<Whole> {
        let mut request = Request::new(Full::default());
        *request.headers_mut() = self.headers.clone();
        match (wanted.arrival.kind, wanted.receipt) {
            (Kind::Signup, _) => {
                *request.method_mut() = Method::POST;
                *request.uri_mut() = self.signups.clone();
                let json = HeaderValue::from_static("application/json");
                request.headers_mut().insert(CONTENT_TYPE, json);
                let body = self.participants.body(wanted.arrival.participant);
                *request.body_mut() = Full::from(body);
            }
            (Kind::Receipt, Some(receipt)) => {
                *request.uri_mut() = format!("{}/{receipt}", self.signups.path()).parse()?;
            }
            (Kind::Event | Kind::Count | Kind::Receipt, _) => {
                *request.uri_mut() = self.event.clone();
            }
        }
        Ok(request)
    }
}

/// Where a read says it was answered from.
fn provenance(headers: &HeaderMap) -> Option<Provenance> {
    let value = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    Provenance::parse(value("x-served-by")?, value("x-cache")?)
}

/// An answer counts when it is whole: a status line alone is not an acknowledgement.
fn read(kind: Kind, head: &Parts, body: &[u8]) -> Answer {
    let mut answer = Answer::without(Ending::Status(head.status.as_u16()));
    answer.provenance = match kind {
        Kind::Signup => None,
        Kind::Event | Kind::Receipt | Kind::Count => provenance(&head.headers),
    };
    if head.status.is_success()
        && matches!(kind, Kind::Signup | Kind::Receipt)
        && let Ok(body) = serde_json::from_slice::<Body<'_>>(body)
    {
        answer.receipt = body.receipt.and_then(Receipt::parse);
        answer.state = match body.status {
            Some("recorded") => Some(State::Recorded),
            Some("accepted") => Some(State::Accepted),
            _ => None,
        };
    }
    answer
}

#[cfg(test)]
mod tests;
