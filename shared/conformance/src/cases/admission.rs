//! A service that has too much to do refuses, cheaply and without effect, and says when to come
//! again.

use crate::event::Event;
use crate::wire::Wire;
use crate::{Result, Target};
use anyhow::{Context, bail};

/// Most instances behind one URL that are filled before the case gives up.
const MAX_INSTANCES: usize = 4;

/// With all its places taken by slow clients, a service answers 503 and `Retry-After`; what it
/// refused is not stored, what it took is, and it serves again when the places are free.
pub async fn a_full_service_refuses_without_effect(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let places = limit(target).await?;
    let (mut slow, mut kept) = (Vec::new(), Vec::new());
    let refused = loop {
        if slow.len() > places * MAX_INSTANCES {
            bail!(
                "sent      {} requests whose bodies do not come\n\
                 expected  503 to the next one, at a limit of {places} requests in flight\n\
                 got       no refusal",
                slow.len()
            );
        }
        for _ in 0..16 {
            slow.push(occupy(&event).await?);
        }
        let email = format!("p{}@example.org", slow.len());
        let answer = event.signup(&email, "Participant").send().await?;
        if answer.status == 503 {
            break answer;
        }
        answer.expect(&[201, 202])?;
        kept.push(email);
    };
    refused.problem(503, "unavailable")?;
    let retry_after = refused.required_header("retry-after")?;
    refused.ensure(
        retry_after.parse::<u32>().is_ok_and(|seconds| seconds > 0),
        "Retry-After in whole seconds",
    )?;
    drop(slow);
    let last = "last@example.org".to_owned();
    event.sign_up_patiently(&last).await?.expect(&[201, 202])?;
    kept.push(last);
    event.holds(&kept).await?;
    Ok(())
}

/// Takes a place: a request whose body does not come.
async fn occupy(event: &Event<'_>) -> Result<Wire> {
    let mut wire = Wire::connect(event.target).await?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 60\r\n\r\n",
        event.signups_path(),
        wire.host,
    );
    wire.send(head.as_bytes()).await?;
    Ok(wire)
}

/// How many requests one instance takes at once, as it says itself.
async fn limit(target: &Target) -> Result<usize> {
    let answer = target.probe("/metrics")?.send().await?.expect(&[200])?;
    let text = String::from_utf8_lossy(&answer.body);
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("http_requests_in_flight_limit "));
    value
        .and_then(|value| value.parse().ok())
        .context("no http_requests_in_flight_limit in /metrics")
}
