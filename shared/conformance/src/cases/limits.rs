//! Requests that are too large: refused as soon as that is known, and nothing stored.

use crate::answer::Answer;
use crate::event::Event;
use crate::target::ANSWER_DEADLINE;
use crate::wire::{End, Wire};
use crate::{Result, Target};
use anyhow::bail;
use serde_json::json;
use std::time::Duration;

/// Largest body, in bytes.
const MAX_BODY: usize = 4 * 1024;

/// How soon a body that is too large must be refused while it is being sent.
const SOON: Duration = ANSWER_DEADLINE;

/// 4 KiB is taken, and one byte more is 413.
pub async fn a_body_over_4_kib_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for (email, length, fits) in [
        ("fits@example.org", MAX_BODY, true),
        ("over@example.org", MAX_BODY + 1, false),
        ("far-over@example.org", 1 << 20, false),
    ] {
        let mut body = json!({"email": email, "name": "Ann"}).to_string();
        body.push_str(&" ".repeat(length - body.len()));
        let request = target.post(&event.signups_path()).raw_json(body.clone());
        if fits {
            request.send().await?.expect(&[201, 202])?;
        } else if length == MAX_BODY + 1 {
            request.send().await?.problem(413, "too_large")?;
        } else {
            // By hand: a client that is still sending may miss the answer.
            let mut wire = Wire::connect(target).await?;
            let head = head(&event, &wire, &format!("Content-Length: {length}"));
            wire.send(head.as_bytes()).await?;
            let body = body.as_bytes();
            let end = wire.end_while_sending(&body[..1024], Duration::from_millis(5), SOON);
            answered(end.await?)?.problem(413, "too_large")?;
        }
    }
    event.holds(&["fits@example.org"]).await?;
    Ok(())
}

/// A length that is too large is refused without waiting for the body.
pub async fn an_announced_length_over_the_limit_is_refused_at_once(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for length in ["4097", "1000000000", "9223372036854775807"] {
        let mut wire = Wire::connect(target).await?;
        let head = head(&event, &wire, &format!("Content-Length: {length}"));
        wire.send(head.as_bytes()).await?;
        let answer = wire.answer(ANSWER_DEADLINE).await?;
        answer.problem(413, "too_large")?;
    }
    event.stored_nothing().await
}

/// A chunked body without an end is refused without reading it all.
pub async fn an_endless_chunked_body_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let start = json!({"email": "ann@example.org", "name": "Ann"}).to_string();
    let mut wire = Wire::connect(target).await?;
    let head = head(&event, &wire, "Transfer-Encoding: chunked");
    let first = format!("{head}{:x}\r\n{start}\r\n", start.len());
    wire.send(first.as_bytes()).await?;
    let chunk = format!("200\r\n{}\r\n", " ".repeat(0x200));
    let end = wire.end_while_sending(chunk.as_bytes(), Duration::from_millis(5), SOON);
    answered(end.await?)?.problem(413, "too_large")?;
    event.stored_nothing().await
}

/// Chunks are as good as a length, when they end in time.
pub async fn a_chunked_body_within_the_limit_is_taken(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let body = json!({"email": "ann@example.org", "name": "Ann"}).to_string();
    let (one, two) = body.split_at(10);
    let chunks = format!(
        "{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    );
    let headers = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    let line = format!("POST {}", event.signups_path());
    let answer = Wire::exchange(target, &line, headers, chunks.as_bytes()).await?;
    answer.expect(&[201, 202])?;
    event.holds(&["ann@example.org"]).await?;
    Ok(())
}

/// A URI over 4 KiB: 414, also when only its query is long; one that no buffer holds may also be
/// cut off.
pub async fn an_over_long_uri_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let long = "q".repeat(5_000);
    for path in [
        format!("/{long}"),
        format!("/v1/events/{long}"),
        format!("{}?{long}", event.path()),
        format!("{}?after={long}", event.signups_path()),
    ] {
        let answer = target.get(&path).send().await?;
        answer.problem(414, "uri_too_long")?;
        answer.never_echoes("qqqq")?;
    }
    let longer = "q".repeat(100_000);
    refused_or_closed(
        target,
        &format!("GET /{longer} HTTP/1.1\r\nHost: a\r\n\r\n"),
    )
    .await
}

/// Headers over 8 KiB: 431; more than any buffer holds, or too many, may be answered without a
/// body or cut off.
pub async fn over_large_headers_are_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for request in [
        target.get(&event.path()),
        event.signup("ann@example.org", "Ann"),
    ] {
        let answer = request.header("x-filler", &"q".repeat(9 * 1024)).send();
        let answer = answer.await?;
        answer.problem(431, "headers_too_large")?;
        answer.never_echoes("qqqq")?;
    }
    let large = format!("X-Filler: {}\r\n", "q".repeat(64 * 1024));
    let many: String = (0..2_000).map(|i| format!("X-{i}: q\r\n")).collect();
    for headers in [large, many] {
        let request = format!("GET {} HTTP/1.1\r\nHost: a\r\n{headers}\r\n", event.path());
        refused_or_closed(target, &request).await?;
    }
    event.stored_nothing().await
}

fn head(event: &Event<'_>, wire: &Wire, length: &str) -> String {
    format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{length}\r\n\r\n",
        event.signups_path(),
        wire.host,
    )
}

fn answered(end: End) -> Result<Answer> {
    match end {
        End::Answered(answer) => Ok(*answer),
        End::Closed => bail!("expected  413\ngot       a closed connection without an answer"),
    }
}

/// Sends what no buffer holds and expects 414, 431 or a closed connection.
async fn refused_or_closed(target: &Target, request: &str) -> Result {
    let mut wire = Wire::connect(target).await?;
    // The service may close while this is being sent.
    if wire.send(request.as_bytes()).await.is_ok()
        && let End::Answered(answer) = wire.end(ANSWER_DEADLINE).await?
    {
        answer.expect(&[414, 431])?;
    }
    Ok(())
}
