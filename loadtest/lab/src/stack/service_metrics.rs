//! What the service counted itself, from its operations port: the third opinion beside the
//! generator's and the databases'.

use anyhow::Context;
use lab_truth::evidence::ServiceCounts;
use reqwest::Client;
use signup_conformance::exposition::sum;
use std::time::Duration;

/// A process at its CPU cap answers within this; one that is paused never does.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Signups, as all phases name their route.
const ROUTE: &str = "/v1/events/{event}/signups";

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
        let counts = counts.with_context(|| format!("{url}/metrics"))?;
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
    sum(&metrics(client, url).await?, IN_HAND).with_context(|| format!("{url}/metrics"))
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

/// All signups are counted, whatever became of them: a class that nobody has met yet is there as 0.
fn read(text: &str) -> anyhow::Result<ServiceCounts> {
    let signups = |class| {
        sum(
            text,
            &format!("http_requests_total{{route=\"{ROUTE}\",method=\"POST\"{class}}}"),
        )
    };
    Ok(ServiceCounts {
        signups: signups("")?,
        acked: signups(",class=\"2xx\"")?,
        failed: signups(",class=\"5xx\"")?,
    })
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
            read(text).unwrap(),
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
        assert_eq!(sum::<u64>(text, IN_HAND).unwrap(), 512);
        for wrong in [
            "",
            "writer_signups_in_hand{shard=\"0\"} NaN\n",
            "# TYPE writer_signups_in_hand gauge\n",
        ] {
            assert!(sum::<u64>(wrong, IN_HAND).is_err(), "{wrong}");
        }
    }
}
