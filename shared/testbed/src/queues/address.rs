//! Where the RabbitMQ is that all tests share.

use reqwest::Url;

/// Where the RabbitMQ of the `test` profile listens.
const DEFAULT_QUEUE: &str = "amqp://signup:test@127.0.0.1:15673";

/// The URL of a RabbitMQ that all tests share, password included. `TEST_QUEUE_URL`, or the
/// `test-queue` of the compose file.
#[must_use]
pub fn queue_url() -> String {
    std::env::var("TEST_QUEUE_URL").unwrap_or_else(|_| DEFAULT_QUEUE.to_owned())
}

/// `host:port` of the same, as an upstream for a [`FaultProxy`](crate::FaultProxy).
#[must_use]
pub fn queue_address() -> String {
    let url = parsed_url();
    let host = url.host_str().unwrap_or("127.0.0.1");
    format!("{host}:{}", url.port().unwrap_or(5672))
}

/// The same, taken apart.
///
/// # Panics
/// When it is no URL.
pub(super) fn parsed_url() -> Url {
    let url = queue_url();
    url.parse().unwrap_or_else(|error| {
        panic!("TEST_QUEUE_URL is not amqp://user:password@host:port: {error}")
    })
}
