//! An event takes signups from `opens_at` on and until `closes_at`; outside, nothing is kept.

use crate::event::Event;
use crate::wait::SETTLED;
use crate::{Result, Target};
use anyhow::ensure;
use time::{Duration, OffsetDateTime};

/// 409 `event_not_open` before the period, with no effect.
pub async fn before_it_opens_an_event_takes_no_signups(target: &Target) -> Result {
    let tomorrow = OffsetDateTime::now_utc() + Duration::DAY;
    let event = Event::between(target, Some(tomorrow), None).await?;
    refused(&event, "event_not_open").await
}

/// 409 `event_closed` after the period, with no effect.
pub async fn after_it_closes_an_event_takes_no_signups(target: &Target) -> Result {
    let yesterday = OffsetDateTime::now_utc() - Duration::DAY;
    let event = Event::between(target, None, Some(yesterday)).await?;
    refused(&event, "event_closed").await
}

/// A period that has begun and not ended takes signups.
pub async fn within_its_period_an_event_takes_signups(target: &Target) -> Result {
    let now = OffsetDateTime::now_utc();
    let event = Event::between(target, Some(now - Duration::DAY), Some(now + Duration::DAY));
    let event = event.await?;
    event.sign_up("ann@example.org", "Ann").await?;
    event.holds(&["ann@example.org"]).await?;
    Ok(())
}

/// The period ends on time, also at a service that remembers the event; receipts stay good.
pub async fn an_event_closes_while_it_is_served(target: &Target) -> Result {
    let closes_at = OffsetDateTime::now_utc() + Duration::seconds(3);
    let event = Event::between(target, None, Some(closes_at)).await?;
    let signup = event.sign_up("ann@example.org", "Ann").await?;
    let left = closes_at - OffsetDateTime::now_utc() + Duration::milliseconds(500);
    tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    let late = event.signup("bob@example.org", "Bob").send().await?;
    late.problem(409, "event_closed")?;
    event.recorded(&signup.receipt).await?;
    event.holds(&["ann@example.org"]).await?;
    Ok(())
}

/// Expects signups to be refused, and none to be there, now or a moment later.
async fn refused(event: &Event<'_>, code: &str) -> Result {
    for email in ["ann@example.org", "ann@example.org", "bob@example.org"] {
        let answer = event.signup(email, "Ann").send().await?;
        answer.problem(409, code)?;
        answer.never_echoes(email)?;
    }
    tokio::time::sleep(SETTLED).await;
    let (listed, counted) = (event.list(100).await?, event.show().await?.signups);
    ensure!(
        listed.is_empty() && counted == 0,
        "expected  no signup after {code}\ngot       {counted} counted, {listed:?} listed"
    );
    Ok(())
}
