//! Signing up, doing so again, and what becomes of the receipt.

use crate::visit::{UNKNOWN, Visit, eventually, is_signed_up, visit};
use signup_testbed::Mode;
use std::time::Duration;
use thirtyfour::prelude::*;
use time::OffsetDateTime;

const ANN: (&str, &str) = ("ann@example.org", "Ann Lee");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signup_and_its_repeat_get_one_receipt() {
    visit(async |visit| {
        visit.open("/").await;
        let said = visit.sign_up(ANN.0, ANN.1).await;
        assert!(is_signed_up(&said), "{said}");
        let receipt = visit.receipt().await;
        let checked = visit.server.receipt_until_admitted(&receipt).await;
        assert_eq!(checked.body["name"], "Ann Lee");
        let said = visit.sign_up(" ANN@example.org ", ANN.1).await;
        assert!(said.starts_with("You had signed up before, on "), "{said}");
        assert_eq!(visit.receipt().await, receipt);
        assert_eq!(visit.stored().await, 1);
        // The page counts by itself.
        let count = async || (visit.text("count").await == "1").then_some(());
        eventually("the count on the page", count).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_keeps_the_receipt() {
    visit(async |visit| {
        visit.open("/").await;
        visit.sign_up(ANN.0, ANN.1).await;
        let receipt = visit.receipt().await;
        visit.driver.refresh().await.unwrap();
        is_good(visit, &receipt).await;
        visit.driver.goto("about:blank").await.unwrap();
        visit.driver.back().await.unwrap();
        is_good(visit, &receipt).await;
        visit.open("/").await;
        assert_eq!(visit.text("message").await, "");
        let bookmark = format!("http://example.org/events/x#{receipt}");
        visit.fill(&[("known", &bookmark)]).await;
        visit.send("check").await;
        is_good(visit, &receipt).await;
        visit.fill(&[("known", &"A".repeat(43))]).await;
        visit.send("check").await;
        let said = visit.said_at_last("check").await;
        assert_eq!(said, "This is not a receipt for this event.");
        assert!(!visit.element("receipt").await.is_displayed().await.unwrap());
    })
    .await;
}

async fn is_good(visit: &Visit, receipt: &str) {
    eventually("a good receipt", async || {
        let said = visit.said().await;
        if said.starts_with("The receipt could not be checked now") {
            visit.fill(&[("known", receipt)]).await;
            visit.send("check").await;
            return None;
        }
        let good = "This receipt is good. \u{2068}Ann Lee\u{2069} signed up on ";
        assert!(said.starts_with(good), "{said}");
        Some(())
    })
    .await;
    assert_eq!(visit.receipt().await, receipt);
}

/// Also when the second click comes after the answer to the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_click_is_one_signup() {
    visit(async |visit| {
        visit.open("/").await;
        visit.fill(&[("email", ANN.0), ("name", ANN.1)]).await;
        let button = visit.driver.find(By::Css("#signup button")).await.unwrap();
        let clicks = visit.driver.action_chain();
        clicks
            .double_click_element(&button)
            .perform()
            .await
            .unwrap();
        visit.said().await;
        assert_eq!(visit.sent().await, 1);
        let said = visit.said_at_last("signup").await;
        assert!(is_signed_up(&said), "{said}");
        assert_eq!(visit.stored().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pressed_while_an_answer_is_waited_for_sends_nothing() {
    visit(async |visit| {
        // The page waits for 5 s; a busy machine may need longer to press three times.
        eventually("three presses in time", async || {
            visit.network.set(Mode::Pass);
            visit.open("/").await;
            visit.fill(&[("email", ANN.0), ("name", ANN.1)]).await;
            visit.network.set(Mode::LoseAnswers);
            visit.send("signup").await;
            visit.send("signup").await;
            let name = visit.element("name").await;
            name.send_keys(Key::Enter).await.unwrap();
            let in_time = visit.text("message").await == "Signing up…";
            assert_eq!(visit.said().await, UNKNOWN);
            let sent = visit.sent().await;
            in_time.then(|| assert_eq!(sent, 1))
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_beside_its_field() {
    visit(async |visit| {
        visit.open("/").await;
        let said = visit.sign_up("ann@example.org.", "An\u{3164}n").await;
        assert_eq!(
            said,
            "Nothing of this attempt was stored. Please correct what is marked."
        );
        assert_eq!(visit.focused().await, "email");
        for field in ["email", "name"] {
            let input = visit.element(field).await;
            assert_eq!(input.attr("aria-invalid").await.unwrap().unwrap(), "true");
            let described = input.attr("aria-describedby").await.unwrap().unwrap();
            let error = visit.element(&described).await;
            assert!(error.is_displayed().await.unwrap(), "{field}");
        }
        assert_eq!(visit.stored().await, 0);
        let said = visit.sign_up(ANN.0, ANN.1).await;
        assert!(is_signed_up(&said), "{said}");
        assert_eq!(visit.text("email-error").await, "");
    })
    .await;
}

/// The event closes while Ann has signed up and Ben is about to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_closes_while_the_form_is_open_keeps_who_is_in() {
    visit(async |visit| {
        // On a slow machine Ann is late, and another event stays open for longer.
        let mut open = Duration::from_secs(4);
        let (receipt, closes_at) = loop {
            let closes_at = OffsetDateTime::now_utc() + open;
            visit.open_event("Short", Some(closes_at)).await;
            let said = visit.sign_up(ANN.0, ANN.1).await;
            if is_signed_up(&said) {
                break (visit.receipt().await, closes_at);
            }
            assert!(open < Duration::from_secs(120), "{said}");
            open *= 2;
        };
        visit
            .fill(&[("email", "ben@example.org"), ("name", "Ben")])
            .await;
        let left = closes_at - OffsetDateTime::now_utc();
        tokio::time::sleep(left.try_into().unwrap_or_default()).await;
        visit.send("signup").await;
        let said = visit.said_at_last("signup").await;
        let closed = "This event takes no more signups. A receipt that you have stays good.";
        assert!(said.starts_with(closed), "{said}");
        assert!(!visit.element("receipt").await.is_displayed().await.unwrap());
        let said = visit.sign_up(ANN.0, ANN.1).await;
        assert!(said.starts_with("You had signed up before, on "), "{said}");
        assert_eq!(visit.receipt().await, receipt);
    })
    .await;
}
