//! Names and addresses in every script: written as their owners write them, and one participant each.

use super::signups::names_are_kept;
use crate::event::{Event, Signup};
use crate::{Result, Target};
use anyhow::ensure;

/// A joiner or variation selector that changes how a name is read belongs to it: stored and returned.
pub async fn a_name_keeps_the_joiners_it_needs(target: &Target) -> Result {
    const NAMES: [&str; 8] = [
        // Persian with ZWNJ, also where nothing would join; Sinhala, Bengali and Marathi with ZWJ at a virama.
        "علی\u{200c}رضا",
        "امیر\u{200c}حسین",
        "ශ\u{dca}\u{200d}රී",
        "র\u{200d}\u{9cd}যাচেল",
        "सुऱ\u{94d}\u{200d}या",
        // Emoji that are several: a family, a flag, a person with a skin tone and a profession.
        "Ann 👩\u{200d}👩\u{200d}👧\u{200d}👦",
        "🏳\u{fe0f}\u{200d}🌈 ❤\u{fe0f}",
        "🧑🏽\u{200d}💻",
    ];
    names_are_kept(target, &NAMES).await
}

/// A domain has a spelling for people and one for DNS: they are one participant, listed as people read
/// it.
pub async fn both_spellings_of_a_domain_are_one_participant(target: &Target) -> Result {
    const DOMAINS: [(&str, [&str; 3]); 2] = [
        (
            "exämple.org",
            ["xn--exmple-cua.org", "EXÄMPLE.ORG", "exa\u{308}mple.Org"],
        ),
        (
            "почта.рф",
            ["xn--80a1acny.xn--p1ai", "ПОЧТА.РФ", "XN--80A1ACNY.рф"],
        ),
    ];
    let event = Event::open(target).await?;
    let mut emails = Vec::new();
    for (i, (domain, spellings)) in DOMAINS.iter().enumerate() {
        // Whichever comes first: people's spelling of one, that of DNS of the other.
        let mut domains = vec![*domain];
        domains.extend(spellings);
        domains.rotate_left(i);
        let mut receipts = Vec::new();
        for spelling in domains {
            let answer = event.signup(&format!("x@{spelling}"), "X").send().await?;
            let signup: Signup = answer.expect(&[200, 201, 202])?.json()?;
            receipts.push(signup.receipt);
        }
        receipts.dedup();
        ensure!(
            receipts.len() == 1,
            "sent      x@{domain} in {} spellings\nexpected  one receipt\ngot       {receipts:?}",
            spellings.len() + 1,
        );
        emails.push(format!("x@{domain}"));
    }
    event.holds(&emails).await?;
    Ok(())
}
