//! What a service of a test answers, its probes and its metrics.

#![expect(clippy::panic, reason = "a test says what it expects by panicking")]

use crate::patience::{ANSWERED, EVENTUALLY};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use signup_conformance::exposition::sum;
use std::time::{Duration, Instant};

/// An answer to a fault test's request.
#[derive(Debug)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its JSON.
    pub body: Value,
    /// `X-Served-By` and `X-Cache`, empty when there is none.
    pub served_by: String,
    /// See `served_by`.
    pub cache: String,
    /// `Retry-After`, empty when there is none.
    pub retry_after: String,
    /// From the request until all of it was there.
    pub took: Duration,
}

impl Answered {
    /// The receipt in the answer.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn receipt(&self) -> &str {
        let receipt = self.body["receipt"].as_str();
        receipt.unwrap_or_else(|| panic!("no receipt in {self:?}"))
    }
}

pub(crate) async fn sum_of_series(client: &Client, operations_url: &str, series: &str) -> f64 {
    let answer = client.get(format!("{operations_url}/metrics"));
    let text = async { answer.send().await?.text().await }.await;
    let text = text.unwrap_or_else(|error| panic!("/metrics: {error}"));
    sum(&text, series).unwrap_or_else(|error| panic!("/metrics: {error:#}"))
}

pub(crate) async fn probe_until(
    client: &Client,
    operations_url: &str,
    probe: &str,
    status: u16,
    within: Duration,
) {
    let url = format!("{operations_url}/{probe}");
    let began = Instant::now();
    loop {
        let answer = client.get(&url).send().await;
        let is = |answer: &Response| answer.status() == status;
        if answer.as_ref().is_ok_and(is) {
            return;
        }
        assert!(
            began.elapsed() < within,
            "{probe} is not {status} after {within:?}: {answer:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Asks again while the answer is 503, as a client should.
pub(crate) async fn until_admitted(ask: impl AsyncFn() -> Answered) -> Answered {
    let began = Instant::now();
    loop {
        let answer = ask().await;
        if answer.status != 503 {
            return answer;
        }
        assert!(
            began.elapsed() < EVENTUALLY,
            "refused for {EVENTUALLY:?}: {answer:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn answered(request: RequestBuilder) -> Answered {
    let began = Instant::now();
    let answer = async {
        let answer = request.timeout(ANSWERED).send().await?;
        let header = |name| {
            let value = answer.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        Ok::<_, reqwest::Error>(Answered {
            status: answer.status().as_u16(),
            served_by: header("x-served-by"),
            cache: header("x-cache"),
            retry_after: header("retry-after"),
            body: answer.json().await?,
            took: began.elapsed(),
        })
    };
    answer
        .await
        .unwrap_or_else(|error| panic!("no answer: {error:?}"))
}
