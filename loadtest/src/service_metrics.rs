//! What the service counted itself, from its operations port: the third opinion beside the
//! generator's and the databases'.

use anyhow::Context;

/// Requests the public port has answered since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceCounts {
    /// Signup requests.
    pub signups: u64,
    /// Signup requests answered 2xx.
    pub acked: u64,
    /// Signup requests refused or failed (5xx).
    pub failed: u64,
}

/// Adds up the counts of all servers behind `operations`.
///
/// # Errors
/// When one does not answer.
pub async fn scrape(operations: &[&str]) -> anyhow::Result<ServiceCounts> {
    let mut sum = ServiceCounts::default();
    for url in operations {
        let answer = reqwest::get(format!("{url}/metrics"))
            .await?
            .error_for_status()?;
        let text = answer
            .text()
            .await
            .with_context(|| format!("cannot read {url}/metrics"))?;
        let counts = read(&text);
        sum.signups += counts.signups;
        sum.acked += counts.acked;
        sum.failed += counts.failed;
    }
    Ok(sum)
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
}
