//! One HTTP exchange: a request out, the whole answer in.

use super::Request;
use crate::attempt::{Kind, Outcome, Receipt, State};
use crate::participant::Participants;
use crate::source::Source;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use std::time::Duration;

/// No answer within this is a timeout. The contract answers within 2 s, so it is generous.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// On one machine a connection takes less than 1 ms, unless the server's accept queue is full.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The service closes connections that were idle for 4 s or more. Closing them first keeps a request
/// from meeting a connection that is just being closed, which would be an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// What came back.
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) receipt: Option<Receipt>,
    pub(super) state: Option<State>,
    pub(super) source: Option<Source>,
}

/// What is read of the body of a signup or a receipt check.
#[derive(Deserialize)]
struct Body<'a> {
    receipt: Option<&'a str>,
    status: Option<&'a str>,
}

pub(super) struct Exchange {
    client: Client,
    event: Url,
    signups: Url,
    participants: Participants,
}

impl Answer {
    pub(super) fn without(outcome: Outcome) -> Self {
        Self {
            outcome,
            receipt: None,
            state: None,
            source: None,
        }
    }
}

impl Exchange {
    /// One client for all slots, with one pool of at most `slots` idle connections.
    pub(super) fn new(
        base: &Url,
        event: &str,
        participants: Participants,
        slots: usize,
    ) -> anyhow::Result<Self> {
        let client = Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            // A repeat is a request of its own and belongs to the schedule.
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(slots)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .build()?;
        let event = base.join(&format!("/v1/events/{event}"))?;
        let signups = base.join(&format!("{}/signups", event.path()))?;
        Ok(Self {
            client,
            event,
            signups,
            participants,
        })
    }

    /// The client, for goose to give to its users.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) async fn send(&self, request: &Request) -> Answer {
        let participant = request.arrival.participant;
        let builder = match (request.arrival.kind, request.receipt) {
            (Kind::Signup, _) => self
                .client
                .post(self.signups.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(self.participants.body(participant)),
            (Kind::Receipt, Some(receipt)) => {
                let mut url = self.signups.clone();
                url.set_path(&format!("{}/{receipt}", self.signups.path()));
                self.client.get(url)
            }
            (Kind::Event | Kind::Count | Kind::Receipt, _) => self.client.get(self.event.clone()),
        };
        match builder.send().await {
            Ok(response) => read(request.arrival.kind, response).await,
            Err(error) => Answer::without(outcome(&error)),
        }
    }
}

/// An answer counts when it is whole: a status line alone is not an acknowledgement.
async fn read(kind: Kind, response: Response) -> Answer {
    let status: StatusCode = response.status();
    let source = match kind {
        Kind::Signup => None,
        Kind::Event | Kind::Receipt | Kind::Count => Source::of(response.headers()),
    };
    let body = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return Answer::without(outcome(&error)),
    };
    let mut answer = Answer::without(Outcome::Status(status.as_u16()));
    answer.source = source;
    if status.is_success()
        && matches!(kind, Kind::Signup | Kind::Receipt)
        && let Ok(body) = serde_json::from_slice::<Body<'_>>(&body)
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

fn outcome(error: &reqwest::Error) -> Outcome {
    // First: a timeout while connecting is both, and nothing was sent.
    if error.is_connect() {
        Outcome::NeverSent
    } else if error.is_timeout() {
        Outcome::Timeout
    } else {
        Outcome::Broken
    }
}
