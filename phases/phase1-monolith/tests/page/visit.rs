//! A participant's visit to the page: a server, the network to it, and a browser, for one test.

use crate::browser::Browser;
use crate::server::Server;
use serde_json::{Value, json};
use signup_testbed::{EVENTUALLY, FaultProxy};
use std::ops::Deref;
use std::time::{Duration, Instant};
use thirtyfour::prelude::*;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What the page says to whoever may try again.
pub(crate) const BUSY: &str = "The service is busy, and stored nothing of this attempt.";
pub(crate) const UNKNOWN: &str = "It is not known whether your signup was stored. Repeating is safe: \
                                  you get one signup and one receipt.";
const UNCHECKED: &str = "The receipt could not be checked now, which says nothing about it.";

pub(crate) struct Visit {
    pub(crate) browser: Browser,
    /// Between browser and server.
    pub(crate) network: FaultProxy,
    pub(crate) server: Server,
}

/// One visit. Afterwards the console must have nothing to complain of.
pub(crate) async fn visit(test: impl AsyncFnOnce(&Visit)) {
    let server = Server::start().await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let visit = Visit {
        browser: Browser::start().await,
        network: FaultProxy::start(address).await.unwrap(),
        server,
    };
    test(&visit).await;
    let complaints = visit.browser.complaints().await;
    assert!(complaints.is_empty(), "the console says: {complaints:#?}");
    visit.browser.driver.clone().quit().await.unwrap();
}

/// Asks until the answer is `Some`.
pub(crate) async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(began.elapsed() < EVENTUALLY, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Deref for Visit {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl Visit {
    /// Opens the page at `path`; again while the server is too busy to show it.
    pub(crate) async fn open(&self, path: &str) {
        let url = format!("http://{}{path}", self.network.address());
        eventually("the page", async || {
            self.driver.goto(url.as_str()).await.unwrap();
            self.driver.find(By::Id("signup")).await.ok()
        })
        .await;
    }

    /// Opens the page of a new event of this name, which may close.
    pub(crate) async fn open_event(&self, name: &str, closes_at: Option<OffsetDateTime>) {
        let closes_at = closes_at.map(|time| time.format(&Rfc3339).unwrap());
        let event = json!({"name": name, "closes_at": closes_at});
        let id = self.server.create_event(&event).await;
        self.open(&format!("/events/{id}")).await;
    }

    pub(crate) async fn element(&self, id: &str) -> WebElement {
        self.driver.find(By::Id(id)).await.unwrap()
    }

    /// The text of an element, whether it is seen or not.
    pub(crate) async fn text(&self, id: &str) -> String {
        let script = "return document.getElementById(arguments[0]).textContent";
        let text = self.run(script, &[json!(id)]).await;
        text.as_str().unwrap().to_owned()
    }

    /// The id of the element with the focus, or its name.
    pub(crate) async fn focused(&self) -> String {
        let script = "const at = document.activeElement; return at.id || at.textContent";
        let id = self.run(script, &[]).await;
        id.as_str().unwrap().to_owned()
    }

    pub(crate) async fn fill(&self, fields: &[(&str, &str)]) {
        for (id, value) in fields {
            let field = self.element(id).await;
            field.clear().await.unwrap();
            field.send_keys(*value).await.unwrap();
        }
    }

    /// Presses the button of a form by key, which is never the second half of a double click.
    pub(crate) async fn send(&self, form: &str) {
        let button = By::Css(format!("#{form} button"));
        let button = self.driver.find(button).await.unwrap();
        button.send_keys(Key::Enter).await.unwrap();
    }

    /// What the page says to the last attempt, when it has an answer.
    pub(crate) async fn said(&self) -> String {
        eventually("an answer", async || {
            let said = self.text("message").await;
            // It waits for the answer, or has asked to wait for so many seconds.
            let waits = said.ends_with('…') || said.contains(BUSY) && said.ends_with(" s.");
            (!said.is_empty() && !waits).then_some(said)
        })
        .await
    }

    /// The same; what a busy machine refused or was late for is tried again, as the page says.
    pub(crate) async fn said_at_last(&self, form: &str) -> String {
        eventually("an answer that is not to try again", async || {
            let said = self.said().await;
            if [BUSY, UNKNOWN, UNCHECKED]
                .iter()
                .any(|try_again| said.contains(try_again))
            {
                self.send(form).await;
                return None;
            }
            Some(said)
        })
        .await
    }

    /// Signs a participant up, and tells the answer.
    pub(crate) async fn sign_up(&self, email: &str, name: &str) -> String {
        self.fill(&[("email", email), ("name", name)]).await;
        self.send("signup").await;
        self.said_at_last("signup").await
    }

    /// The receipt that is shown.
    pub(crate) async fn receipt(&self) -> String {
        let shown = self.element("receipt").await;
        assert!(shown.is_displayed().await.unwrap(), "no receipt is shown");
        let receipt = shown.text().await.unwrap();
        assert_eq!(receipt.len(), 43, "{receipt}");
        let url = self.driver.current_url().await.unwrap();
        assert_eq!(url.fragment(), Some(&receipt[..]), "the address holds it");
        receipt
    }

    /// The number of signups of "Launch day" in the database.
    pub(crate) async fn stored(&self) -> u64 {
        eventually("a fresh count", async || {
            let event = self.server.event().await;
            let fresh = event.status == 200 && event.served_by == "primary";
            fresh.then(|| event.body["signups"].as_u64()).flatten()
        })
        .await
    }

    /// How many signups the page has sent since it was opened.
    pub(crate) async fn sent(&self) -> Value {
        let script = "return performance.getEntriesByType('resource')
                          .filter((entry) => entry.name.endsWith('/signups')).length";
        self.run(script, &[]).await
    }
}

/// Whether this is the answer to a first signup: on a busy machine the answer to the first attempt may
/// have been lost, and the next one says that it is a repeat.
pub(crate) fn is_signed_up(said: &str) -> bool {
    (said.starts_with("You are signed up.") || said.starts_with("You had signed up before, on "))
        && said.ends_with(" Recorded: the signup is in the database.")
}
