//! An event of a case's own, with what a participant and the organiser can do with it.

use crate::Result;
use crate::answer::Answer;
use crate::target::{Request, Target};
use crate::wait::eventually;
use anyhow::{bail, ensure};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How long a signup among many may be refused.
const A_WHILE: Duration = Duration::from_secs(10);

/// The answer to a signup.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signup {
    pub(crate) receipt: String,
    pub(crate) event: String,
    pub(crate) status: String,
    pub(crate) signed_up_at: String,
}

/// The answer to the check of a receipt. A signup that is only accepted may not be readable yet,
/// so its name and time may be null until it is recorded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checked {
    pub(crate) receipt: String,
    pub(crate) event: String,
    pub(crate) status: String,
    pub(crate) name: Option<String>,
    pub(crate) signed_up_at: Option<String>,
}

/// An event as it is shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) opens_at: Option<String>,
    pub(crate) closes_at: Option<String>,
    pub(crate) signups: u64,
    pub(crate) as_of: String,
}

/// A row of the attendance list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attendee {
    pub(crate) receipt: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) signed_up_at: String,
}

/// A page of the attendance list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    pub(crate) signups: Vec<Attendee>,
    pub(crate) next: Option<String>,
}

/// An event made for one case.
#[derive(Debug)]
pub(crate) struct Event<'t> {
    pub(crate) target: &'t Target,
    pub(crate) id: String,
}

impl<'t> Event<'t> {
    /// An event that is always open.
    pub(crate) async fn open(target: &'t Target) -> Result<Self> {
        Self::between(target, None, None).await
    }

    /// An event with a signup period.
    pub(crate) async fn between(
        target: &'t Target,
        opens_at: Option<OffsetDateTime>,
        closes_at: Option<OffsetDateTime>,
    ) -> Result<Self> {
        let text = |time: Option<OffsetDateTime>| time.map(|t| t.format(&Rfc3339)).transpose();
        let body = json!({
            "name": "Conformance",
            "opens_at": text(opens_at)?,
            "closes_at": text(closes_at)?,
        });
        let request = target.post("/v1/events").organiser(target).json(&body);
        let shown: Shown = request.send_until_served().await?.expect(&[201])?.json()?;
        Ok(Self {
            target,
            id: shown.id,
        })
    }

    pub(crate) fn path(&self) -> String {
        format!("/v1/events/{}", self.id)
    }

    pub(crate) fn signups_path(&self) -> String {
        format!("{}/signups", self.path())
    }

    pub(crate) fn receipt_path(&self, receipt: &str) -> String {
        format!("{}/{receipt}", self.signups_path())
    }

    /// A signup that has not been sent yet.
    pub(crate) fn signup(&self, email: &str, name: &str) -> Request {
        self.target
            .post(&self.signups_path())
            .json(&json!({ "email": email, "name": name }))
    }

    /// Signs a new participant up.
    pub(crate) async fn sign_up(&self, email: &str, name: &str) -> Result<Signup> {
        let answer = self.signup(email, name).send_until_served().await?;
        answer.expect(&[201, 202])?.json()
    }

    /// Signs a participant up who had signed up before.
    pub(crate) async fn sign_up_again(&self, email: &str, name: &str) -> Result<Signup> {
        let answer = self.signup(email, name).send_until_served().await?;
        answer.expect(&[200, 202])?.json()
    }

    /// Signs up `count` participants, `p0@example.org` and so on.
    pub(crate) async fn sign_up_many(&self, count: usize) -> Result<Vec<String>> {
        let mut emails = Vec::new();
        for i in 0..count {
            let email = format!("p{i}@example.org");
            self.sign_up(&email, "Participant").await?;
            emails.push(email);
        }
        Ok(emails)
    }

    /// Checks a receipt.
    pub(crate) async fn check(&self, receipt: &str) -> Result<Checked> {
        let answer = self
            .target
            .get(&self.receipt_path(receipt))
            .send_until_served()
            .await?;
        answer.expect(&[200])?.json()
    }

    /// Waits until a receipt is of a recorded signup.
    pub(crate) async fn recorded(&self, receipt: &str) -> Result<Checked> {
        eventually(self.target, || async {
            let checked = self.check(receipt).await?;
            ensure!(
                checked.status == "recorded",
                "expected  {} to be recorded\ngot       {checked:?}",
                self.receipt_path(receipt),
            );
            Ok(checked)
        })
        .await
    }

    /// The event as it is shown now.
    pub(crate) async fn show(&self) -> Result<Shown> {
        let answer = self.target.get(&self.path()).send_until_served().await?;
        answer.expect(&[200])?.json()
    }

    /// A request for a part of the attendance list; `query` starts with `?`, or is empty.
    pub(crate) fn list_request(&self, query: &str) -> Request {
        self.target
            .get(&format!("{}{query}", self.signups_path()))
            .organiser(self.target)
    }

    /// The whole attendance list, read in pages of `limit` rows.
    pub(crate) async fn list(&self, limit: usize) -> Result<Vec<Attendee>> {
        let mut rows: Vec<Attendee> = Vec::new();
        let mut after = String::new();
        loop {
            let answer = self
                .list_request(&format!("?limit={limit}{after}"))
                .send_until_served()
                .await?;
            let answer = answer.expect(&[200])?;
            let page: Page = answer.json()?;
            answer.ensure(page.signups.len() <= limit, format!("{limit} rows at most"))?;
            let empty = page.signups.is_empty();
            rows.extend(page.signups);
            match page.next {
                None => return Ok(rows),
                Some(_) if empty => bail!("an empty page says that there is a next one"),
                Some(next) => after = format!("&after={next}"),
            }
        }
    }

    /// Waits until exactly these participants (canonical e-mails) are listed, once each, and
    /// counted.
    pub(crate) async fn holds<T: AsRef<str>>(&self, emails: &[T]) -> Result<Vec<Attendee>> {
        let expected: BTreeSet<&str> = emails.iter().map(AsRef::as_ref).collect();
        eventually(self.target, || async {
            let rows = self.list(1000).await?;
            let listed: BTreeSet<&str> = rows.iter().map(|row| row.email.as_str()).collect();
            ensure!(
                listed == expected && rows.len() == expected.len(),
                "expected  the attendance list to be {expected:?}\ngot       {rows:?}",
            );
            let counted = self.show().await?.signups;
            ensure!(
                counted == expected.len() as u64,
                "expected  GET {} to count {} signups\ngot       {counted}",
                self.path(),
                expected.len(),
            );
            Ok(rows)
        })
        .await
    }

    /// Fails if anything was stored so far: signs one participant up, waits until that one is
    /// seen, and expects no other. So it also finds what was only queued before.
    pub(crate) async fn stored_nothing(&self) -> Result {
        self.sign_up("last@example.org", "Last").await?;
        self.holds(&["last@example.org"]).await?;
        Ok(())
    }

    /// Sends a signup until it is not refused for load: a refusal has no effect, so that is what a
    /// client should do.
    pub(crate) async fn sign_up_patiently(&self, email: &str) -> Result<Answer> {
        let patience = A_WHILE + self.target.patience;
        self.signup(email, "Participant")
            .send_again_for(patience)
            .await
    }
}
