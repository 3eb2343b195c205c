//! Every acknowledged receipt, asked for again through the service: all that can be known of a
//! stranger's, and what a participant of a phase would be told.

use crate::run::Steps;
use crate::stack::http;
use futures::StreamExt;
use lab_truth::evidence::{Kind, LoadSeen, Receipt};
use lab_truth::plan::Participants;
use lab_truth::record::Receipts;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// So many are asked for at once: enough to keep a phase busy, and far from what it refuses.
const AT_ONCE: usize = 32;

/// How long all of it may take: this, and something for each receipt. At 3,000 a second a receipt takes a
/// fifteenth of that.
const PATIENCE: Duration = Duration::from_secs(120);
const A_RECEIPT: Duration = Duration::from_millis(5);

/// A receipt that is unknown for so long is not found. What reads a replica may be behind for a moment.
const DOUBT: Duration = Duration::from_secs(10);

/// After an answer that decides nothing.
const AGAIN: Duration = Duration::from_millis(250);

/// The contract answers within 2 s.
const ANSWER: Duration = Duration::from_secs(10);

/// How many are answered between two lines of progress.
const LINE_EVERY: u64 = 100;

/// Who asks, whom, and for what.
pub(super) struct Question<'a> {
    pub(super) base: &'a Url,
    pub(super) event: &'a str,
    pub(super) participants: &'a Participants,
    pub(super) give_up: &'a CancellationToken,
}

/// What is read of the answer.
#[derive(Deserialize)]
struct Body {
    status: String,
    name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Class {
    Found,
    Altered,
    NotFound,
    Waiting,
    NotKnown,
}

impl Question<'_> {
    /// Asks for every one until it is recorded.
    pub(super) async fn ask_all(
        &self,
        load: &LoadSeen,
        steps: &dyn Steps,
    ) -> anyhow::Result<Receipts> {
        steps.step("asking for every acknowledged receipt");
        let (given, without) = acknowledged(load);
        let all = given.len();
        let until = Instant::now() + PATIENCE + A_RECEIPT * u32::try_from(all)?;
        let client = http::client();
        let answers = given.into_iter().map(|(participant, receipt)| {
            let client = &client;
            async move { self.ask(client, participant, receipt, until).await }
        });
        let mut answers = futures::stream::iter(answers).buffer_unordered(AT_ONCE);
        // An acknowledgement that proves nothing is worth as much as one that nobody knows.
        let mut receipts = Receipts {
            not_found: without,
            ..Receipts::default()
        };
        while let Some(class) = answers.next().await {
            *match class {
                Class::Found => &mut receipts.found,
                Class::Altered => &mut receipts.altered,
                Class::NotFound => &mut receipts.not_found,
                Class::Waiting => &mut receipts.waiting,
                Class::NotKnown => &mut receipts.not_known,
            } += 1;
            if receipts.all().is_multiple_of(LINE_EVERY) {
                steps.say(&line(&receipts, all));
            }
        }
        Ok(receipts)
    }

    async fn ask(
        &self,
        client: &Client,
        participant: u32,
        receipt: Receipt,
        until: Instant,
    ) -> Class {
        let mut unknown_since = None;
        loop {
            if self.give_up.is_cancelled() {
                return Class::NotKnown;
            }
            let class = self.ask_once(client, participant, receipt).await;
            let now = Instant::now();
            match class {
                Class::Found | Class::Altered => return class,
                Class::NotFound if now - *unknown_since.get_or_insert(now) >= DOUBT => {
                    return class;
                }
                Class::NotFound => {}
                Class::Waiting | Class::NotKnown => unknown_since = None,
            }
            if now >= until {
                return match class {
                    Class::Waiting => Class::Waiting,
                    _ => Class::NotKnown,
                };
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = self.give_up.cancelled() => {}
            }
        }
    }

    async fn ask_once(&self, client: &Client, participant: u32, receipt: Receipt) -> Class {
        let path = format!("/v1/events/{}/signups/{receipt}", self.event);
        let Ok(url) = self.base.join(&path) else {
            return Class::NotKnown;
        };
        let Ok(answer) = client.get(url).timeout(ANSWER).send().await else {
            return Class::NotKnown;
        };
        match answer.status() {
            StatusCode::NOT_FOUND => Class::NotFound,
            StatusCode::OK => match answer.json::<Body>().await {
                Ok(Body { status, name }) if status == "recorded" => {
                    let sent = self.participants.name(participant);
                    let altered = name.is_some_and(|name| name != sent);
                    if altered {
                        Class::Altered
                    } else {
                        Class::Found
                    }
                }
                Ok(Body { status, .. }) if status == "accepted" => Class::Waiting,
                _ => Class::NotKnown,
            },
            _ => Class::NotKnown,
        }
    }
}

/// Every receipt that was given, each with its participant, and how many participants were told yes
/// without one.
fn acknowledged(load: &LoadSeen) -> (Vec<(u32, Receipt)>, u64) {
    let signups = load.attempts.iter().filter(|a| a.kind == Kind::Signup);
    let (mut given, mut without) = (Vec::new(), Vec::new());
    for signup in signups.filter(|signup| signup.ending.is_success()) {
        match signup.receipt {
            Some(receipt) => given.push((signup.participant, receipt)),
            None => without.push(signup.participant),
        }
    }
    given.sort_unstable();
    given.dedup();
    without.sort_unstable();
    without.dedup();
    (given, without.len() as u64)
}

fn line(receipts: &Receipts, all: usize) -> String {
    format!(
        "asking for every receipt: {} of {all}, {} found",
        receipts.all(),
        receipts.found
    )
}
