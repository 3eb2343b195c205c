//! Signups at the same time: one participant is one row, and nobody's is lost.

use crate::event::{Event, Signup};
use crate::{Result, Target};
use anyhow::ensure;
use futures::future::try_join_all;
use std::collections::BTreeSet;

/// The same participant 100 times at once: one row, one receipt, one 201.
pub async fn a_hundred_signups_of_one_participant_are_one_row(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let sent = (0..100).map(|_| event.sign_up_patiently("ann@example.org"));
    let (mut receipts, mut times, mut made) = (BTreeSet::new(), BTreeSet::new(), 0);
    for answer in try_join_all(sent).await? {
        let answer = answer.expect(&[200, 201, 202])?;
        made += usize::from(answer.status == 201);
        let signup: Signup = answer.json()?;
        receipts.insert(signup.receipt);
        if signup.status == "recorded" {
            times.insert(signup.signed_up_at);
        }
    }
    ensure!(
        receipts.len() == 1 && times.len() <= 1,
        "sent      one participant 100 times at once\nexpected  one receipt and one time\n\
         got       {receipts:?} {times:?}"
    );
    ensure!(
        made <= 1,
        "sent      one participant 100 times at once\nexpected  one 201 at most\ngot       {made}"
    );
    event.holds(&["ann@example.org"]).await?;
    Ok(())
}

/// 100 participants at once: each has a receipt of its own, and all are listed and counted.
pub async fn a_hundred_participants_at_once_are_all_kept(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let emails: Vec<String> = (0..100).map(|i| format!("p{i}@example.org")).collect();
    let sent = emails.iter().map(|email| event.sign_up_patiently(email));
    let mut receipts = BTreeSet::new();
    for answer in try_join_all(sent).await? {
        let signup: Signup = answer.expect(&[201, 202])?.json()?;
        receipts.insert(signup.receipt);
    }
    ensure!(
        receipts.len() == emails.len(),
        "expected  a receipt for each of {} participants\ngot       {}",
        emails.len(),
        receipts.len()
    );
    let listed = event.holds(&emails).await?;
    let listed: BTreeSet<_> = listed.into_iter().map(|row| row.receipt).collect();
    ensure!(
        listed == receipts,
        "expected  the receipts that were handed out on the list\ngot       {listed:?}"
    );
    Ok(())
}

/// Two spellings of one address at the same time are one participant.
pub async fn two_spellings_at_once_are_one_row(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let spellings = [
        "rené@example.org",
        "RENE\u{301}@EXAMPLE.ORG ",
        " René@example.org",
    ];
    let sent = (0..30).map(|i| event.sign_up_patiently(spellings[i % spellings.len()]));
    let mut receipts = BTreeSet::new();
    for answer in try_join_all(sent).await? {
        let signup: Signup = answer.expect(&[200, 201, 202])?.json()?;
        receipts.insert(signup.receipt);
    }
    ensure!(
        receipts.len() == 1,
        "sent      {spellings:?} at once\nexpected  one receipt\ngot       {receipts:?}"
    );
    event.holds(&["rené@example.org"]).await?;
    Ok(())
}
