//! The service under test, and requests to it that remember what was sent.

use crate::Result;
use crate::answer::{Answer, excerpt};
use anyhow::{Context, bail};
use reqwest::{Method, header};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Every request is answered within this, whatever is broken behind the service.
pub(crate) const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

/// How much later a patient target may do whatever has a bound.
const PATIENCE: Duration = Duration::from_secs(60);

/// When to stop waiting for an answer that is already late.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Between two tries of what is refused for load.
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Where a service is, and how to be its organiser.
///
/// Make one for each runtime: the connections inside belong to the runtime that opened them.
#[derive(Debug)]
pub struct Target {
    /// Base URL of the public port, such as `http://127.0.0.1:8080`.
    pub base_url: String,
    /// Base URL of the operations port; `None` leaves out the cases that need it.
    pub operations_url: Option<String>,
    /// The organiser's bearer token.
    pub organiser_token: String,
    /// How much later than the contract says it may be.
    pub(crate) patience: Duration,
    client: reqwest::Client,
}

/// A request to be sent.
#[derive(Debug)]
pub(crate) struct Request {
    builder: reqwest::RequestBuilder,
    patience: Duration,
    sent: String,
}

impl Target {
    /// A service by its URLs.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(
        base_url: impl Into<String>,
        operations_url: Option<String>,
        organiser_token: impl Into<String>,
    ) -> Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // Under the time after which a service may close an idle connection, so that no
            // request meets a connection that is just being closed.
            .pool_idle_timeout(Duration::from_secs(1))
            .build()?;
        Ok(Self {
            base_url: base_url.into().trim_end_matches('/').to_owned(),
            operations_url: operations_url.map(|url| url.trim_end_matches('/').to_owned()),
            organiser_token: organiser_token.into(),
            patience: Duration::ZERO,
            client,
        })
    }

    /// The same on a machine that does other things, too: being late by up to a minute is no fault,
    /// being hung is.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.patience = PATIENCE;
        self
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        Request {
            sent: format!("{method} {}", excerpt(path.as_bytes())),
            builder: self
                .client
                .request(method, format!("{}{path}", self.base_url))
                .timeout(TIMEOUT + self.patience),
            patience: self.patience,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// A GET on the operations port.
    pub(crate) fn probe(&self, path: &str) -> Result<Request> {
        let Some(base_url) = &self.operations_url else {
            bail!("this case needs the URL of the operations port");
        };
        Ok(Request {
            sent: format!("GET {path} on the operations port"),
            builder: self
                .client
                .get(format!("{base_url}{path}"))
                .timeout(TIMEOUT + self.patience),
            patience: self.patience,
        })
    }

    /// `Authorization` of the organiser.
    pub(crate) fn organiser(&self) -> String {
        format!("Bearer {}", self.organiser_token)
    }
}

impl Request {
    /// Adds a header; a token is not repeated in the report of a failure.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let shown = match name {
            "authorization" => "…".into(),
            _ => excerpt(value.as_bytes()),
        };
        self.sent = format!("{} [{name}: {shown}]", self.sent);
        self.builder = self.builder.header(name, value);
        self
    }

    pub(crate) fn organiser(self, target: &Target) -> Self {
        self.header("authorization", &target.organiser())
    }

    /// Sets the body as it is, without a content type.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        self.sent = format!("{} {}", self.sent, excerpt(&body));
        self.builder = self.builder.body(body);
        self
    }

    /// Sets the body, said to be JSON whatever it is.
    pub(crate) fn raw_json(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.builder = self
            .builder
            .header(header::CONTENT_TYPE, "application/json");
        self.body(body)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw_json(body.to_string())
    }

    /// Sends it again while it is refused for load, as a client should: a refusal has no effect. A
    /// service that has little to do refuses nothing, so only a patient target is asked again.
    pub(crate) async fn send_until_served(self) -> Result<Answer> {
        let patience = self.patience;
        self.send_again_for(patience).await
    }

    /// Sends it again for so long while it is refused for load.
    pub(crate) async fn send_again_for(self, long: Duration) -> Result<Answer> {
        let began = Instant::now();
        loop {
            let request = Self {
                builder: self
                    .builder
                    .try_clone()
                    .context("a body that is sent once")?,
                patience: self.patience,
                sent: self.sent.clone(),
            };
            let answer = request.send().await?;
            if ![429, 503].contains(&answer.status) || began.elapsed() > long {
                return Ok(answer);
            }
            answer.required_header("retry-after")?;
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }

    /// Sends the request and reads the whole answer, which must come within 2 s (and the target's
    /// patience).
    pub(crate) async fn send(self) -> Result<Answer> {
        let start = Instant::now();
        let sent = self.sent;
        let no_answer = || format!("sent      {sent}\nexpected  an answer\ngot       none");
        let response = self.builder.send().await.with_context(no_answer)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.with_context(no_answer)?.to_vec();
        let answer = Answer {
            sent,
            status,
            headers,
            body,
        };
        let elapsed = start.elapsed();
        let within = ANSWER_DEADLINE + self.patience;
        if elapsed > within {
            return Err(answer.wrong(format!(
                "an answer within {within:?}, not after {elapsed:.1?}"
            )));
        }
        Ok(answer)
    }
}
