//! A participant signs up once, however often and in whatever spelling.

use crate::event::{Event, Signup};
use crate::{Result, Target};
use anyhow::ensure;

/// 201 `recorded` or 202 `accepted`, with the receipt and where it can be checked.
pub async fn a_participant_signs_up_once(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let answer = event.signup("ann@example.org", "Ann").send().await?;
    let answer = answer.expect(&[201, 202])?;
    let signup: Signup = answer.json()?;
    let promised = if answer.status == 201 {
        "recorded"
    } else {
        "accepted"
    };
    answer.ensure(
        signup.status == promised,
        format!("the status {promised} beside {}", answer.status),
    )?;
    answer.ensure(signup.event == event.id, "the event signed up for")?;
    answer.utc(&signup.signed_up_at)?;
    let url_safe = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    answer.ensure(
        !signup.receipt.is_empty() && signup.receipt.chars().all(url_safe),
        "a receipt that is safe in a URL",
    )?;
    event.holds(&["ann@example.org"]).await?;
    Ok(())
}

/// `Location` leads to the receipt.
pub async fn location_leads_to_the_receipt(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let answer = event.signup("ann@example.org", "Ann").send().await?;
    let answer = answer.expect(&[201, 202])?;
    let signup: Signup = answer.json()?;
    let location = answer.required_header("location")?;
    answer.ensure(
        location == event.receipt_path(&signup.receipt),
        format!("Location {}", event.receipt_path(&signup.receipt)),
    )?;
    target.get(location).send().await?.expect(&[200])?;
    Ok(())
}

/// Repeating a signup gives the first receipt, and there is one row. Who answers 200 knows the first
/// signup and gives its time; who answers 202 cannot know it yet, and says no more than `accepted`.
pub async fn a_repeat_gives_the_first_receipt(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let first = event.sign_up("ann@example.org", "Ann").await?;
    for _ in 0..3 {
        let again = event.sign_up_again("ann@example.org", "Ann").await?;
        ensure!(
            again.receipt == first.receipt,
            "expected  the receipt of {first:?}\ngot       {again:?}"
        );
    }
    let recorded = event.recorded(&first.receipt).await?;
    let answer = event.signup("ann@example.org", "Ann").send().await?;
    let answer = answer.expect(&[200, 202])?;
    let again: Signup = answer.json()?;
    answer.ensure(again.receipt == first.receipt, "the first receipt")?;
    if answer.status == 200 {
        answer.ensure(
            again.status == "recorded" && Some(again.signed_up_at) == recorded.signed_up_at,
            format!("200 with what is recorded, {recorded:?}"),
        )?;
    } else {
        answer.ensure(again.status == "accepted", "202 to say `accepted`")?;
    }
    event.holds(&["ann@example.org"]).await?;
    Ok(())
}

/// A repeat never changes what was signed up: the first name and time stay.
pub async fn a_repeat_changes_nothing(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let first = event.sign_up("ann@example.org", "Ann").await?;
    let before = event.recorded(&first.receipt).await?;
    event.sign_up_again("ann@example.org", "Eve").await?;
    // By the time this one is seen, so would be a change that was queued before it.
    event.sign_up("last@example.org", "Last").await?;
    event
        .holds(&["ann@example.org", "last@example.org"])
        .await?;
    let after = event.check(&first.receipt).await?;
    ensure!(
        after.name.as_deref() == Some("Ann") && after.signed_up_at == before.signed_up_at,
        "expected  {before:?} to stay after a repeat as Eve\ngot       {after:?}"
    );
    Ok(())
}

/// Unicode NFC, trimmed, lower-cased: spellings of one address are one participant.
pub async fn spellings_of_an_address_are_one_participant(target: &Target) -> Result {
    let event = Event::open(target).await?;
    // ASCII alone may take a path of its own through a service.
    for (email, spellings) in [
        (
            "ann@example.org",
            [
                " ann@example.org",
                "ANN@EXAMPLE.ORG",
                "\tAnn@Example.org\r\n",
            ],
        ),
        (
            "rené@example.org",
            [
                "RENÉ@EXAMPLE.ORG ",
                "rene\u{301}@example.org",
                "\nRENE\u{301}@Example.Org",
            ],
        ),
    ] {
        let first = event.sign_up(email, "René").await?;
        for spelling in spellings {
            let again = event.sign_up_again(spelling, "René").await?;
            ensure!(
                again.receipt == first.receipt,
                "sent      {spelling:?} after {email}\nexpected  {}\ngot       {}",
                first.receipt,
                again.receipt,
            );
        }
    }
    event
        .holds(&["ann@example.org", "rené@example.org"])
        .await?;
    Ok(())
}

/// Addresses that only look alike are different participants.
pub async fn different_participants_get_different_receipts(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let emails = [
        "ann@example.org",
        "ann@example.com",
        "a.nn@example.org",
        "ann+1@example.org",
        "an\u{ff4e}@example.org",
    ];
    let mut receipts = Vec::new();
    for email in emails {
        let receipt = event.sign_up(email, "Ann").await?.receipt;
        ensure!(
            !receipts.contains(&receipt),
            "sent      {email}\nexpected  a receipt of its own\ngot       {receipt}, of another"
        );
        receipts.push(receipt);
    }
    event.holds(&emails).await?;
    Ok(())
}

/// One participant at two events is two signups with two receipts.
pub async fn one_participant_at_two_events_is_two_signups(target: &Target) -> Result {
    let (one, two) = (Event::open(target).await?, Event::open(target).await?);
    let first = one.sign_up("ann@example.org", "Ann").await?;
    let second = two.sign_up("ann@example.org", "Ann").await?;
    ensure!(
        first.receipt != second.receipt,
        "expected  two receipts\ngot       one, {}",
        first.receipt
    );
    one.holds(&["ann@example.org"]).await?;
    two.holds(&["ann@example.org"]).await?;
    Ok(())
}

/// SQL, template and script text in a name is a name: stored and returned as it is.
pub async fn markup_in_a_name_is_kept_verbatim(target: &Target) -> Result {
    const NAMES: [&str; 10] = [
        "'; DROP TABLE signups; --",
        "Robert\"); DROP TABLE signups;--",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "{{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
        "&amp; &lt; %00 %s %n \\u0041 \\x41 \\",
        "=HYPERLINK(\"http://example.org\")",
        "../../etc/passwd",
        "O'Brien, Zoë, 山田太郎, Ωμέγα, 👩",
        "NULL",
    ];
    names_are_kept(target, &NAMES).await
}

/// Signs up with each name: it is returned as it was sent, on the receipt and on the list.
pub(super) async fn names_are_kept(target: &Target, names: &[&str]) -> Result {
    let event = Event::open(target).await?;
    let mut emails = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let email = format!("p{i}@example.org");
        let receipt = event.sign_up(&email, name).await?.receipt;
        let shown = event.recorded(&receipt).await?.name;
        ensure!(
            shown.as_deref() == Some(*name),
            "sent      the name {name:?}\nexpected  the same on the receipt\ngot       {shown:?}"
        );
        emails.push(email);
    }
    for row in event.holds(&emails).await? {
        let i: usize = row.email[1..row.email.len() - "@example.org".len()].parse()?;
        ensure!(
            row.name == names[i],
            "sent      the name {:?}\nexpected  the same on the list\ngot       {:?}",
            names[i],
            row.name
        );
    }
    Ok(())
}

/// The longest name (200 characters) and address (254) are taken.
pub async fn the_longest_name_and_address_are_taken(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let email = format!("{}@example.org", "a".repeat(254 - "@example.org".len()));
    let name = "é".repeat(200);
    let receipt = event.sign_up(&email, &name).await?.receipt;
    let shown = event.recorded(&receipt).await?.name;
    ensure!(
        shown.as_ref() == Some(&name),
        "sent      200 times é\nexpected  the same\ngot       {shown:?}"
    );
    event.holds(&[email]).await?;
    Ok(())
}
