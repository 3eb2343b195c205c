//! The attendance list: every signup exactly once, in pages or as one export.

use crate::event::{Attendee, Event, Page};
use crate::wait::eventually;
use crate::{Result, Target};
use anyhow::{Context, ensure};
use std::collections::BTreeSet;

/// Whatever the page size, the pages hold every signup once, in one order.
pub async fn pages_hold_every_signup_exactly_once(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let emails = event.sign_up_many(21).await?;
    let whole = event.holds(&emails).await?;
    for limit in [1, 2, 7, 20, 21, 22, 1000] {
        let pages = event.list(limit).await?;
        ensure!(
            pages == whole,
            "expected  pages of {limit} to be the list in pages of 1000, {whole:?}\n\
             got       {pages:?}"
        );
    }
    Ok(())
}

/// A row has what the receipt has, and the canonical address.
pub async fn a_row_is_the_signup_with_its_address(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let signup = event.sign_up(" Ann@Example.ORG ", "Ann").await?;
    let rows = event.holds(&["ann@example.org"]).await?;
    let expected = Attendee {
        receipt: signup.receipt,
        email: "ann@example.org".into(),
        name: "Ann".into(),
        signed_up_at: signup.signed_up_at,
    };
    ensure!(
        rows == [expected],
        "expected  the signup\ngot       {rows:?}"
    );
    Ok(())
}

/// 100 rows a page when the client does not say, and the last page says that it is the last.
pub async fn a_page_has_100_rows_by_default(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let emails = event.sign_up_many(101).await?;
    event.holds(&emails).await?;
    let answer = event.list_request("").send().await?.expect(&[200])?;
    let first: Page = answer.json()?;
    answer.ensure(first.signups.len() == 100, "100 rows")?;
    let last = first.signups.last().map(|row| row.receipt.clone());
    let next = first.next.context("no `next` after 100 of 101 rows")?;
    answer.ensure(
        Some(&next) == last.as_ref(),
        "`next` to be the last receipt",
    )?;
    let answer = event.list_request(&format!("?after={next}")).send().await?;
    let second: Page = answer.json()?;
    answer.ensure(second.signups.len() == 1, "the one row left")?;
    answer.ensure(second.next.is_none(), "no next page")
}

/// An event without signups has an empty list.
pub async fn an_event_without_signups_has_an_empty_list(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let answer = event.list_request("").send().await?.expect(&[200])?;
    let page: Page = answer.json()?;
    answer.ensure(
        page.signups.is_empty() && page.next.is_none(),
        "no rows and no next page",
    )?;
    let export = event
        .list_request("")
        .header("accept", "application/x-ndjson");
    let answer = export.send().await?.expect(&[200])?;
    answer.has_media_type("application/x-ndjson")?;
    answer.ensure(answer.body.is_empty(), "an empty export")
}

/// `Accept: application/x-ndjson` exports all rows, one JSON object a line, in the list's order.
pub async fn the_export_is_the_whole_list(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let emails = event.sign_up_many(120).await?;
    let whole = event.holds(&emails).await?;
    for (query, expected) in [
        (String::new(), &whole[..]),
        (format!("?after={}", whole[49].receipt), &whole[50..]),
        (format!("?after={}", whole[119].receipt), &[]),
    ] {
        eventually(target, || async {
            let rows = export(&event, &query).await?;
            ensure!(
                rows == expected,
                "sent      an export with {query:?}\nexpected  {} rows, as listed\n\
                 got       {} rows: {rows:?}",
                expected.len(),
                rows.len(),
            );
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn export(event: &Event<'_>, query: &str) -> Result<Vec<Attendee>> {
    let request = event
        .list_request(query)
        .header("accept", "application/x-ndjson");
    let answer = request.send().await?.expect(&[200])?;
    answer.has_media_type("application/x-ndjson")?;
    let text = std::str::from_utf8(&answer.body)?;
    answer.ensure(
        text.is_empty() || text.ends_with('\n'),
        "every line to be ended",
    )?;
    let row = |line| {
        serde_json::from_str(line)
            .map_err(|error| answer.wrong(format!("one row a line ({error})")))
    };
    text.lines().map(row).collect()
}

/// `limit` is 1 to 1,000 and `after` a receipt of this event; anything else is 400.
pub async fn a_wrong_query_is_refused(target: &Target) -> Result {
    let (event, other) = (Event::open(target).await?, Event::open(target).await?);
    event.sign_up("ann@example.org", "Ann").await?;
    let foreign = other.sign_up("ann@example.org", "Ann").await?.receipt;
    let wrong = [
        "?limit=0".to_owned(),
        "?limit=1001".to_owned(),
        "?limit=-1".to_owned(),
        "?limit=1.5".to_owned(),
        "?limit=ten".to_owned(),
        "?limit=".to_owned(),
        "?limit=99999999999999999999".to_owned(),
        "?after=qzxv".to_owned(),
        "?after=".to_owned(),
        "?after=%00".to_owned(),
        "?after=%ff".to_owned(),
        format!("?after={foreign}"),
    ];
    for query in wrong {
        let answer = event.list_request(&query).send().await?;
        answer.problem(400, "invalid_query")?;
        answer.never_echoes("qzxv")?;
    }
    event
        .list_request("?limit=1000")
        .send()
        .await?
        .expect(&[200])?;
    Ok(())
}

/// A page is not disturbed by signups that come between the pages.
pub async fn signups_between_pages_lose_no_row(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let emails = event.sign_up_many(10).await?;
    event.holds(&emails).await?;
    let (mut listed, mut after, mut late) = (Vec::new(), String::new(), 0);
    loop {
        let request = event.list_request(&format!("?limit=3{after}"));
        let page: Page = request.send().await?.expect(&[200])?.json()?;
        listed.extend(page.signups.into_iter().map(|row| row.email));
        let Some(next) = page.next else { break };
        after = format!("&after={next}");
        late += 1;
        event
            .sign_up(&format!("late{late}@example.org"), "Late")
            .await?;
        ensure!(late < 100, "the list does not end");
    }
    let unique: BTreeSet<&String> = listed.iter().collect();
    ensure!(
        unique.len() == listed.len() && emails.iter().all(|email| unique.contains(email)),
        "expected  {emails:?} once each, and perhaps late ones\ngot       {listed:?}"
    );
    Ok(())
}
