//! A receipt proves one signup for one event, and nothing else is a receipt.

use crate::event::Event;
use crate::{Result, Target};
use anyhow::ensure;
use uuid::Uuid;

/// A receipt can be checked at once: `recorded`, or `accepted` until it is.
pub async fn a_receipt_is_good_at_once(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let signup = event.sign_up("ann@example.org", "Ann").await?;
    let checked = event.check(&signup.receipt).await?;
    ensure!(
        ["recorded", "accepted"].contains(&checked.status.as_str())
            && (signup.status == "accepted" || checked.status == "recorded"),
        "expected  the status of {signup:?}, or recorded\ngot       {checked:?}"
    );
    Ok(())
}

/// A recorded signup is shown with its name and time, and without the address.
pub async fn a_receipt_shows_the_signup(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let signup = event.sign_up("ann@example.org", "Ann").await?;
    let checked = event.recorded(&signup.receipt).await?;
    ensure!(
        checked.receipt == signup.receipt
            && checked.event == event.id
            && checked.name.as_deref() == Some("Ann")
            && checked.signed_up_at.as_ref() == Some(&signup.signed_up_at),
        "expected  Ann, as in {signup:?}\ngot       {checked:?}"
    );
    let answer = target.get(&event.receipt_path(&signup.receipt)).send();
    answer.await?.never_echoes("ann@example.org")
}

/// A receipt is of one event only.
pub async fn a_receipt_of_another_event_is_refused(target: &Target) -> Result {
    let (one, two) = (Event::open(target).await?, Event::open(target).await?);
    let receipt = one.sign_up("ann@example.org", "Ann").await?.receipt;
    two.sign_up("ann@example.org", "Ann").await?;
    let answer = target.get(&two.receipt_path(&receipt)).send().await?;
    answer.problem(404, "receipt_not_found")?;
    Ok(())
}

/// Changing any one character makes another string, not another receipt.
pub async fn a_forged_receipt_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let receipt = event.sign_up("ann@example.org", "Ann").await?.receipt;
    for at in 0..receipt.len() {
        let mut forged = receipt.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged)?;
        let answer = target.get(&event.receipt_path(&forged)).send().await?;
        answer.problem(404, "receipt_not_found")?;
        answer.never_echoes(&forged)?;
    }
    Ok(())
}

/// What is no receipt at all is 404, whatever it is.
pub async fn a_malformed_receipt_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let receipt = event.sign_up("ann@example.org", "Ann").await?.receipt;
    let malformed = [
        "x".to_owned(),
        "A".repeat(receipt.len()),
        "A".repeat(1_000),
        Uuid::new_v4().to_string(),
        format!("{receipt}="),
        format!("{receipt}A"),
        format!("{receipt}%00"),
        format!("%20{receipt}"),
        receipt[..receipt.len() - 1].to_owned(),
        receipt.chars().rev().collect(),
        "%ff%fe".to_owned(),
        "%00".to_owned(),
        "' OR 1=1 --".replace(' ', "%20"),
        "%F0%9F%8E%AB".to_owned(),
    ];
    for text in malformed {
        let answer = target.get(&event.receipt_path(&text)).send().await?;
        answer.problem(404, "receipt_not_found")?;
    }
    Ok(())
}

/// A good receipt is not one under an event that does not exist.
pub async fn a_receipt_under_an_unknown_event_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let receipt = event.sign_up("ann@example.org", "Ann").await?.receipt;
    for id in [Uuid::new_v4().to_string(), "launch-day".to_owned()] {
        let path = format!("/v1/events/{id}/signups/{receipt}");
        let answer = target.get(&path).send().await?;
        // Both are true, and the contract does not say which is said.
        if answer.problem(404, "receipt_not_found").is_err() {
            answer.problem(404, "event_not_found")?;
        }
    }
    Ok(())
}
