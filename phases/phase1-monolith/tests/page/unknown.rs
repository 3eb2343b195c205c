//! What the page says when it cannot know: never that nothing happened.

use crate::visit::{BUSY, UNKNOWN, Visit, eventually, is_signed_up, visit};
use signup_testbed::Mode;
use std::time::Duration;
use time::OffsetDateTime;

const ANN: [(&str, &str); 2] = [("email", "ann@example.org"), ("name", "Ann Lee")];
const BEFORE: &str = " Whether an earlier attempt was stored is not known yet; repeating is safe.";

/// Repeats until the answer to that has `text` in it.
async fn repeat_until(visit: &Visit, text: &str) -> String {
    eventually(text, async || {
        let said = visit.said().await;
        if said.contains(text) {
            return Some(said);
        }
        visit.send("signup").await;
        None
    })
    .await
}

/// The database takes the signup and its answer is lost; then the database is away; then all is well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_does_not_hide_that_an_earlier_attempt_may_be_stored() {
    visit(async |visit| {
        visit.open("/").await;
        // So that a connection is there on which the next can be sent.
        visit.server.sign_up_until_admitted("first").await;
        visit.server.proxy.set(Mode::LoseAnswers);
        visit.fill(&ANN).await;
        visit.send("signup").await;
        repeat_until(visit, UNKNOWN).await;
        visit.server.proxy.set(Mode::Cut);
        let said = repeat_until(visit, BUSY).await;
        assert_eq!(said, format!("{BUSY}{BEFORE} Please try again now."));
        // Others have nothing to be unsure of. To a busy machine's late answer there is another one.
        let mut number = 0;
        let said = loop {
            let other = format!("ben{number}@example.org");
            visit.fill(&[("email", &other)]).await;
            visit.send("signup").await;
            let said = visit.said().await;
            number += 1;
            if said != UNKNOWN || number == 10 {
                break said;
            }
        };
        assert_eq!(said, format!("{BUSY} Please try again now."));
        visit.server.proxy.set(Mode::Pass);
        visit.fill(&ANN).await;
        visit.send("signup").await;
        let said = visit.said_at_last("signup").await;
        assert!(is_signed_up(&said), "{said}");
        // Ann, once, and the first.
        assert_eq!(visit.stored().await, 2);
    })
    .await;
}

/// The network loses the answer, and the button Repeat gets the receipt of the first attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_had_by_repeating() {
    visit(async |visit| {
        visit.open("/").await;
        visit.fill(&ANN).await;
        visit.network.set(Mode::LoseAnswers);
        visit.send("signup").await;
        assert_eq!(visit.said().await, UNKNOWN);
        visit.network.set(Mode::Pass);
        let again = visit.element("again").await;
        assert!(again.is_displayed().await.unwrap(), "Repeat is offered");
        eventually("the receipt, by Repeat", async || {
            let again = visit.element("again").await;
            if again.is_displayed().await.unwrap() {
                again.click().await.unwrap();
            }
            let said = visit.said_at_last("signup").await;
            is_signed_up(&said).then_some(())
        })
        .await;
        visit.receipt().await;
        assert_eq!(visit.stored().await, 1);
    })
    .await;
}

/// The request is lost, and the event closes: it is refused, and what became of the first is not said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_event_does_not_hide_it_either() {
    visit(async |visit| {
        let closes_at = OffsetDateTime::now_utc() + Duration::from_secs(1);
        visit.open_event("Short", Some(closes_at)).await;
        visit.fill(&ANN).await;
        visit.network.set(Mode::LoseRequests);
        visit.send("signup").await;
        assert_eq!(visit.said().await, UNKNOWN);
        visit.network.set(Mode::Pass);
        let said = repeat_until(visit, "This event takes no more signups.").await;
        assert!(said.ends_with(BEFORE), "{said}");
        let again = visit.element("again").await;
        assert!(again.is_displayed().await.unwrap(), "it may be repeated");
    })
    .await;
}
