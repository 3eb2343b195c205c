//! The page for who has no mouse, sees no screen, or runs no scripts.

use crate::visit::{Visit, visit};
use serde_json::json;
use thirtyfour::prelude::*;

/// Moves on by the Tab key, and expects the focus there, and that it is seen.
async fn tab_to(visit: &Visit, expected: &str) {
    press(visit, Key::Tab).await;
    assert_eq!(visit.focused().await, expected);
    let outline = "const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
                   return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2";
    let seen = visit.run(outline, &[]).await;
    assert_eq!(seen, true, "the focus on {expected} is not seen");
}

/// Types where the focus is.
async fn press(visit: &Visit, keys: impl Into<TypingData>) {
    let keys = visit.driver.action_chain().send_keys(keys);
    keys.perform().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_can_be_done_by_keyboard() {
    visit(async |visit| {
        visit.open("/").await;
        tab_to(visit, "email").await;
        press(visit, "ann@example.org").await;
        tab_to(visit, "name").await;
        press(visit, "Ann Lee").await;
        tab_to(visit, "Sign up").await;
        press(visit, Key::Enter).await;
        visit.said_at_last("signup").await;
        // Where it was, so that the next Tab goes on from here.
        assert_eq!(visit.focused().await, "Sign up");
        let receipt = visit.receipt().await;
        tab_to(visit, "copy").await;
        press(visit, Key::Enter).await;
        crate::visit::eventually("the receipt to be copied or marked", async || {
            let marked = visit.run("return String(getSelection())", &[]).await;
            (visit.text("copy").await == "Copied" || marked == receipt[..]).then_some(())
        })
        .await;
        tab_to(visit, "known").await;
        press(visit, receipt.as_str()).await;
        tab_to(visit, "Check").await;
        press(visit, Key::Enter).await;
        let said = visit.said_at_last("check").await;
        assert!(said.starts_with("This receipt is good."), "{said}");
        assert_eq!(visit.focused().await, "Check");
    })
    .await;
}

/// The button Repeat goes when it is pressed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_focus_of_a_button_that_goes_is_on_what_is_said() {
    visit(async |visit| {
        visit.open("/").await;
        visit
            .fill(&[("email", "ann@example.org"), ("name", "Ann Lee")])
            .await;
        visit.network.set(signup_testbed::Mode::Cut);
        visit.send("signup").await;
        assert_eq!(visit.said().await, crate::visit::UNKNOWN);
        tab_to(visit, "again").await;
        press(visit, Key::Enter).await;
        assert_eq!(visit.said().await, crate::visit::UNKNOWN);
        assert_eq!(visit.focused().await, "message");
        tab_to(visit, "again").await;
    })
    .await;
}

/// As a screen reader is given it: what is said is read out without the focus, and each field has a name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_is_read_out() {
    visit(async |visit| {
        visit.open("/").await;
        let live = "const region = document.getElementById('message').closest('[aria-live]');
                    return region.ariaLive";
        assert_eq!(visit.run(live, &[]).await, "polite");
        let named = "return [...document.querySelectorAll('input')]
                         .map((input) => input.labels[0]?.textContent ?? '')";
        let names = json!(["E-mail address", "Name", "Check a receipt"]);
        assert_eq!(visit.run(named, &[]).await, names);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_the_page_says_what_it_needs_and_sends_nothing() {
    visit(async |visit| {
        let off = json!({"value": true});
        visit
            .command("Emulation.setScriptExecutionDisabled", off)
            .await;
        visit.open("/").await;
        let main = visit.driver.find(By::Tag("main")).await.unwrap();
        let seen = main.text().await.unwrap();
        assert!(seen.starts_with("Launch day\n"), "{seen}");
        assert!(seen.contains("Signing up here needs JavaScript"), "{seen}");
        visit
            .fill(&[("email", "ann@example.org"), ("name", "Ann Lee")])
            .await;
        visit
            .element("name")
            .await
            .send_keys(Key::Enter)
            .await
            .unwrap();
        for button in visit.driver.find_all(By::Css("form button")).await.unwrap() {
            assert!(!button.is_enabled().await.unwrap());
            button.click().await.unwrap();
        }
        let url = visit.driver.current_url().await.unwrap();
        assert_eq!((url.path(), url.query()), ("/", None));
        assert_eq!(visit.stored().await, 0);
    })
    .await;
}
