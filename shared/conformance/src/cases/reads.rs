//! What every answer and every read says of itself.

use crate::event::{Event, Shown};
use crate::wait::eventually;
use crate::{Result, Target};
use anyhow::ensure;
use std::collections::BTreeSet;
use time::Duration;

/// `X-Cache` and `X-Served-By` say where a read was served from.
pub async fn a_read_says_where_it_was_served_from(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let receipt = event.sign_up("ann@example.org", "Ann").await?.receipt;
    event.recorded(&receipt).await?;
    for request in [
        target.get(&event.path()),
        target.get(&event.receipt_path(&receipt)),
        event.list_request(""),
        event
            .list_request("")
            .header("accept", "application/x-ndjson"),
    ] {
        request.send().await?.expect(&[200])?.says_where_from()?;
    }
    Ok(())
}

/// Every answer has a request id of its own, whatever the client sends as one.
pub async fn every_answer_has_a_request_id_of_its_own(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let mut ids = BTreeSet::new();
    for request in [
        target.get("/openapi.json"),
        target.get("/"),
        target.get(&event.path()),
        target.get("/qzxv"),
        target.post("/openapi.json"),
        target.post("/v1/events"),
        event.signup("ann@example.org", "Ann"),
        event.signup("ann@", "Ann"),
        target.get(&event.receipt_path("qzxv")),
        target.get(&event.signups_path()),
        target.get(&format!("/{}", "q".repeat(5_000))),
    ] {
        let answer = request.header("x-request-id", "same").send().await?;
        let id = answer.required_header("x-request-id")?;
        answer.ensure(
            !id.is_empty() && ids.insert(id.to_owned()),
            "a new x-request-id",
        )?;
    }
    Ok(())
}

/// `as_of` says how old the count is: it moves on, and goes back no further than the age of a
/// cached count when another instance answers.
pub async fn as_of_moves_on(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let show = async || {
        let answer = target.get(&event.path()).send().await?.expect(&[200])?;
        let shown: Shown = answer.json()?;
        answer.utc(&shown.as_of)
    };
    let first = show().await?;
    eventually(target, || async {
        let now = show().await?;
        ensure!(
            now > first - Duration::SECOND,
            "expected  as_of of {first} not to go back more than a second\ngot       {now}"
        );
        ensure!(
            now > first,
            "expected  as_of to move on from {first}\ngot       {now}"
        );
        Ok(())
    })
    .await
}

/// Headers that make no sense, or ask for what is not offered, never end in a 5xx.
pub async fn headers_that_make_no_sense_are_never_a_5xx(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let path = event.signups_path();
    for (name, value) in [
        ("accept", "text/*;q=nonsense,,;".to_owned()),
        ("accept", "application/x-ndjson;q=0".into()),
        ("range", "bytes=0-0".into()),
        ("if-none-match", "*".into()),
        ("if-modified-since", "never".into()),
        ("expect", "200-ok".into()),
        ("cookie", "a=b; ".repeat(100)),
        ("x-forwarded-for", "' OR 1=1 --".into()),
        ("traceparent", "00-zz-zz-zz".into()),
        ("upgrade", "h2c".into()),
    ] {
        for request in [
            target.get(&event.path()),
            target.get(&path).organiser(target),
            event.signup("ann@example.org", "Ann"),
        ] {
            let answer = request.header(name, &value).send().await?;
            answer.ensure(answer.status < 500, "no 5xx")?;
        }
    }
    event.holds(&["ann@example.org"]).await?;
    Ok(())
}
