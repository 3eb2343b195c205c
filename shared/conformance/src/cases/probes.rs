//! The operations port: probes and metrics.

use crate::event::Event;
use crate::exposition::select;
use crate::{Result, Target};
use serde_json::Value;

/// The process turns, it has started, and it can serve.
pub async fn a_healthy_service_says_so(target: &Target) -> Result {
    for path in ["/livez", "/startupz", "/readyz"] {
        target.probe(path)?.send().await?.expect(&[200])?;
    }
    Ok(())
}

/// `/readyz` says which instance on which host is ready: behind a balancer one must know.
pub async fn readiness_names_instance_and_host(target: &Target) -> Result {
    let answer = target.probe("/readyz")?.send().await?;
    let body: Value = answer.json()?;
    let said = |field: &str| match &body[field] {
        Value::String(text) => !text.is_empty(),
        value => value.is_number(),
    };
    answer.ensure(said("instance"), "an instance")?;
    answer.ensure(said("host"), "a host name")
}

/// The contract is on the public port only.
pub async fn the_contract_is_not_on_the_operations_port(target: &Target) -> Result {
    for path in ["/v1/events/00000000-0000-7000-8000-000000000001", "/"] {
        target.probe(path)?.send().await?.expect(&[404])?;
    }
    Ok(())
}

/// The golden signals are there in Prometheus' text format: traffic, errors, latency, saturation.
pub async fn the_golden_signals_are_exported(target: &Target) -> Result {
    Event::open(target).await?;
    let answer = target.probe("/metrics")?.send().await?.expect(&[200])?;
    answer.has_media_type("text/plain")?;
    let text = std::str::from_utf8(&answer.body)?;
    let (counter, gauge, histogram) = ("counter", "gauge", "histogram");
    for (kind, selector) in [
        (
            counter,
            "http_requests_total{class=\"2xx\",method=\"POST\",route=\"/v1/events/{event}/signups\"}",
        ),
        (
            counter,
            "http_requests_total{class=\"5xx\",method=\"<other>\",route=\"<unknown>\"}",
        ),
        (
            histogram,
            "http_request_duration_seconds_bucket{class=\"2xx\",kind=\"write\",le=\"0.0005\"}",
        ),
        (
            histogram,
            "http_request_duration_seconds_bucket{class=\"5xx\",kind=\"read\",le=\"+Inf\"}",
        ),
        (gauge, "http_requests_in_flight"),
        (gauge, "http_requests_in_flight_limit"),
        (counter, "http_requests_refused_total"),
        (gauge, "http_connections_open"),
        (gauge, "scrape_size_bytes"),
        (counter, "process_cpu_seconds_total"),
        (gauge, "process_resident_memory_bytes"),
        (gauge, "build_info"),
    ] {
        let samples = select(text, selector)?;
        answer.ensure(
            samples.iter().any(|sample| sample.kind == kind),
            format!("a {kind} {selector}"),
        )?;
    }
    Ok(())
}

/// No e-mail, name, receipt or event reaches a metric.
pub async fn no_personal_data_is_in_the_metrics(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let signup = event.sign_up("qzxv@example.org", "Qzxv").await?;
    event.check(&signup.receipt).await?;
    event.list(10).await?;
    event.signup("qzxv@", "Qzxv").send().await?;
    let answer = target.probe("/metrics")?.send().await?.expect(&[200])?;
    for text in ["qzxv", "Qzxv", &signup.receipt, &event.id] {
        answer.never_echoes(text)?;
    }
    Ok(())
}
