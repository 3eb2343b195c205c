//! An event takes signups from `opens_at` on and until `closes_at`; outside, nothing is kept.

use crate::event::{Event, Shown};
use crate::wait::{SETTLED, eventually};
use crate::{Result, Target};
use anyhow::ensure;
use serde_json::json;
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

/// Times have microseconds from the first answer on: what is finer is cut, also at the end of the last
/// year, where rounding would leave it.
pub async fn a_time_finer_than_a_microsecond_is_cut(target: &Target) -> Result {
    const TIMES: [(&str, &str); 3] = [
        (
            "1969-07-20T20:17:40.1234569Z",
            "1969-07-20T20:17:40.123456Z",
        ),
        ("2020-01-01T00:00:00.000000999Z", "2020-01-01T00:00:00Z"),
        (
            "9999-12-31T23:59:59.9999999999Z",
            "9999-12-31T23:59:59.999999Z",
        ),
    ];
    for (asked, kept) in TIMES {
        let body = json!({"name": "A", "opens_at": asked});
        let request = target.post("/v1/events").organiser(target).json(&body);
        let created = request.send().await?.expect(&[201])?;
        let made: Shown = created.json()?;
        let path = format!("/v1/events/{}", made.id);
        let shown = eventually(target, || async {
            target.get(&path).send().await?.expect(&[200])
        })
        .await?;
        let seen: Shown = shown.json()?;
        for (answer, event) in [(&created, &made), (&shown, &seen)] {
            let at = event.opens_at.as_deref();
            answer.ensure(at == Some(kept), format!("{asked} as {kept}"))?;
        }
    }
    Ok(())
}

/// A period that begins and ends within one microsecond is none: 422, not a fault of the database.
pub async fn a_period_within_a_microsecond_is_refused(target: &Target) -> Result {
    const SECOND: &str = "2030-01-01T00:00:00";
    for (opens, closes) in [
        (".0000001Z", ".0000002Z"),
        ("Z", ".000000999Z"),
        (".123456Z", ".123456789Z"),
        (".0000001Z", ".0000001Z"),
        (".0000002+00:00", ".0000001-00:00"),
    ] {
        let body = json!({
            "name": "A",
            "opens_at": format!("{SECOND}{opens}"),
            "closes_at": format!("{SECOND}{closes}"),
        });
        let request = target.post("/v1/events").organiser(target).json(&body);
        let answer = request.send().await?;
        let errors = answer.problem(422, "invalid_field")?;
        answer.ensure(
            errors == [("/closes_at".to_owned(), "invalid_field".to_owned())],
            "`errors` to name /closes_at",
        )?;
    }
    Ok(())
}

/// Repeating is safe after the end of the period, too: who is in gets the first receipt again, and who is
/// not gets nothing.
pub async fn after_it_closes_who_signed_up_gets_the_first_receipt_again(target: &Target) -> Result {
    let closes_at = OffsetDateTime::now_utc() + Duration::seconds(3);
    let event = Event::between(target, None, Some(closes_at)).await?;
    let signup = event.sign_up("ann@example.org", "Ann").await?;
    let first = event.recorded(&signup.receipt).await?;
    let left = closes_at - OffsetDateTime::now_utc() + Duration::milliseconds(500);
    tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    for (email, name) in [("ann@example.org", "Ann"), (" ANN@Example.org ", "Anna")] {
        let again = event.sign_up_again(email, name).await?;
        ensure!(
            again.receipt == signup.receipt
                && Some(&again.signed_up_at) == first.signed_up_at.as_ref(),
            "expected  the receipt and the time of {first:?}\ngot       {again:?}"
        );
    }
    let late = event.signup("bob@example.org", "Bob").send().await?;
    late.problem(409, "event_closed")?;
    let rows = event.holds(&["ann@example.org"]).await?;
    ensure!(
        rows.iter().all(|row| row.name == "Ann"),
        "expected  the name as it was\ngot       {rows:?}"
    );
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
