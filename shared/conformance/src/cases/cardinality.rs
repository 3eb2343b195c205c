//! No request, however hostile, makes the metrics grow: a label is never what a client sent.

use crate::event::Event;
use crate::exposition::samples;
use crate::{Result, Target};
use anyhow::ensure;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Hostile requests sent.
const REQUESTS: usize = 10_000;

/// Requests at once: enough to be quick, few enough not to be refused for load.
const AT_ONCE: usize = 16;

/// Most series a metric may have, counting each bucket of a histogram as one.
const MAX_SERIES: usize = 100;

/// Growth that is allowed, in bytes: counters get longer by a few digits each.
const MAX_GROWTH: usize = 1_000;

/// 10,000 hostile paths, methods and e-mails leave every metric under 100 series, and `/metrics`
/// at most 1 kB larger.
pub async fn hostile_requests_do_not_grow_the_metrics(target: &Target) -> Result {
    let event = Event::open(target).await?;
    // One of each kind first, so that what is made at first use is there before.
    for i in 0..KINDS {
        hostile(&event, i).await?;
    }
    let before = scrape(target).await?;
    stream::iter(KINDS..REQUESTS)
        .map(|i| hostile(&event, i))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    let after = scrape(target).await?;
    let growth = after.len().saturating_sub(before.len());
    ensure!(
        growth <= MAX_GROWTH,
        "sent      {REQUESTS} hostile requests\n\
         expected  /metrics to grow by {MAX_GROWTH} bytes at most\n\
         got       {growth} more, from {} to {}",
        before.len(),
        after.len(),
    );
    for (family, series) in families(&after)? {
        ensure!(
            series < MAX_SERIES,
            "sent      {REQUESTS} hostile requests\n\
             expected  under {MAX_SERIES} series of {family}\ngot       {series}"
        );
    }
    Ok(())
}

const KINDS: usize = 10;

/// Sends the `i`th hostile request, unlike any before it.
async fn hostile(event: &Event<'_>, i: usize) -> Result {
    let target = event.target;
    let id = Uuid::new_v4();
    let request = match i % KINDS {
        0 => target.get(&format!("/hostile-{i}/{id}")),
        1 => target.get(&format!("/v1/events/{id}")),
        2 => target.get(&event.receipt_path(&format!("hostile-{i}"))),
        3 => {
            let method = Method::from_bytes(format!("HOSTILE{i}").as_bytes())?;
            target.request(method, &event.signups_path())
        }
        4 => event.signup(&format!("hostile-{i}@example.org"), &format!("Hostile {i}")),
        5 => event.signup(&format!("hostile-{i}@"), "Hostile"),
        6 => target
            .get(&format!("{}?hostile{i}={id}", event.signups_path()))
            .organiser(target),
        7 => target.get(&format!("/events/{id}")),
        8 => target.get(&format!("/assets/hostile-{i}")),
        _ => target
            .get("/openapi.json")
            .header(&format!("x-hostile-{i}"), &id.to_string())
            .header("user-agent", &format!("hostile/{i}")),
    };
    let answer = request.send().await?;
    // A refusal for load is a good answer too: here it is not what is asked about.
    answer.ensure(answer.status < 500 || answer.status == 503, "no 5xx")
}

async fn scrape(target: &Target) -> Result<String> {
    let answer = target.probe("/metrics")?.send().await?.expect(&[200])?;
    Ok(String::from_utf8(answer.body)?)
}

/// The number of lines of each metric.
fn families(text: &str) -> Result<BTreeMap<&str, usize>> {
    let mut families = BTreeMap::new();
    for sample in samples(text)? {
        *families.entry(sample.family).or_insert(0) += 1;
    }
    Ok(families)
}
