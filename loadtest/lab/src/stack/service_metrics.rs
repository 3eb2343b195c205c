//! What the service counted itself, from its operations port: the third opinion beside the
//! generator's and the databases'.

use anyhow::Context;
use lab_truth::evidence::ServiceCounts;
use reqwest::Client;
use std::time::Duration;

/// A process at its CPU cap answers within this; one that is paused never does.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Signups delivered to the writer and not yet committed and acknowledged, by shard.
const IN_HAND: &str = "writer_signups_in_hand";

/// Adds up the counts of all servers behind `operations`.
///
/// # Errors
/// When one does not answer.
pub async fn scrape(operations: &[&str]) -> anyhow::Result<ServiceCounts> {
    let client = super::http::client();
    let mut sum = ServiceCounts::default();
    for url in operations {
        let counts = read(&metrics(&client, url).await?);
        sum.signups += counts.signups;
        sum.acked += counts.acked;
        sum.failed += counts.failed;
    }
    Ok(sum)
}

/// Signups that the writer at `url` has in its hands, over all shards.
///
/// # Errors
/// When it does not answer, or does not say.
pub async fn in_hand(client: &Client, url: &str) -> anyhow::Result<u64> {
    read_in_hand(&metrics(client, url).await?).with_context(|| format!("{url}/metrics"))
}

/// What `/metrics` of an operations port says.
async fn metrics(client: &Client, url: &str) -> anyhow::Result<String> {
    let url = format!("{url}/metrics");
    let read = async {
        let answer = client.get(&url).timeout(TIMEOUT).send().await?;
        answer.error_for_status()?.text().await
    };
    read.await.with_context(|| format!("cannot read {url}"))
}

fn read_in_hand(text: &str) -> anyhow::Result<u64> {
    let series = text.lines().filter(|line| {
        let rest = line.strip_prefix(IN_HAND);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
    });
    let mut found = None;
    for line in series {
        let value = line
            .rsplit(' ')
            .next()
            .and_then(|value| value.parse::<u64>().ok());
        let value = value.with_context(|| format!("no number: {line}"))?;
        found = Some(found.unwrap_or(0) + value);
    }
    found.with_context(|| format!("it says nothing of {IN_HAND}"))
}

fn read(text: &str) -> ServiceCounts {
    const ROUTE: &str = "route=\"/v1/events/{event}/signups\"";
    let mut counts = ServiceCounts::default();
    for line in text.lines() {
        let Some((series, value)) = line.rsplit_once(' ') else {
            continue;
        };
        let ours = series.starts_with("http_requests_total{")
            && series.contains(ROUTE)
            && series.contains("method=\"POST\"");
        let Some(value) = value.parse::<u64>().ok().filter(|_| ours) else {
            continue;
        };
        counts.signups += value;
        if series.contains("class=\"2xx\"") {
            counts.acked += value;
        }
        if series.contains("class=\"5xx\"") {
            counts.failed += value;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_signup_requests_are_counted() {
        let text = "# HELP http_requests_total Requests answered\n\
            http_requests_total{class=\"2xx\",method=\"POST\",route=\"/v1/events/{event}/signups\"} 7\n\
            http_requests_total{class=\"5xx\",method=\"POST\",route=\"/v1/events/{event}/signups\"} 2\n\
            http_requests_total{class=\"4xx\",method=\"POST\",route=\"/v1/events/{event}/signups\"} 1\n\
            http_requests_total{class=\"2xx\",method=\"GET\",route=\"/v1/events/{event}/signups\"} 100\n\
            http_requests_total{class=\"2xx\",method=\"POST\",route=\"/v1/events\"} 100\n";
        assert_eq!(
            read(text),
            ServiceCounts {
                signups: 10,
                acked: 7,
                failed: 2
            }
        );
    }

    #[test]
    fn what_the_writer_has_in_hand_is_summed_over_the_shards() {
        let text = "# HELP writer_signups_in_hand Delivered and not yet acknowledged\n\
            # TYPE writer_signups_in_hand gauge\n\
            writer_signups_in_hand_seconds 9\n\
            writer_signups_in_hand{shard=\"0\"} 500\n\
            writer_signups_in_hand{shard=\"1\"} 12\n";
        assert_eq!(read_in_hand(text).unwrap(), 512);
        assert_eq!(read_in_hand("writer_signups_in_hand 0\n").unwrap(), 0);
        for wrong in [
            "",
            "writer_signups_in_hand{shard=\"0\"} NaN\n",
            "# TYPE writer_signups_in_hand gauge\n",
        ] {
            assert!(read_in_hand(wrong).is_err(), "{wrong}");
        }
    }
}
