//! Names as they were given, in any direction, and never as markup.

use crate::visit::{eventually, visit};
use serde_json::json;

/// It ends with a mark that belongs to it, hence to its left, and has a joiner that is not seen.
const PERSIAN: &str = "علی\u{200c}رضا!";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_written_from_right_to_left_stays_whole() {
    visit(async |visit| {
        visit.open_event("יום ההשקה!", None).await;
        visit.sign_up("ali@example.org", PERSIAN).await;
        let turned = "return ['h1', '#name', '#email']
                          .map((at) => getComputedStyle(document.querySelector(at)).direction)";
        let directions = json!(["rtl", "rtl", "ltr"]);
        assert_eq!(visit.run(turned, &[]).await, directions);
        let receipt = visit.receipt().await;
        visit.fill(&[("known", &receipt)]).await;
        visit.send("check").await;
        let said = visit.said_at_last("check").await;
        assert!(said.contains(PERSIAN), "{said}");
        // In a sentence from left to right.
        let order = "const { firstChild } = document.getElementById('message');
                     const left = (text) => {
                       const range = document.createRange();
                       const start = firstChild.data.indexOf(text);
                       range.setStart(firstChild, start);
                       range.setEnd(firstChild, start + 1);
                       return range.getBoundingClientRect().left;
                     };
                     const parts = ['good', '!', 'ض', 'ع', 'signed'];
                     return parts.sort((one, other) => left(one) - left(other))";
        let ordered = json!(["good", "!", "ض", "ع", "signed"]);
        assert_eq!(visit.run(order, &[]).await, ordered);
    })
    .await;
}

/// And if markup came through, the policy would stop it, and the console say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn markup_is_shown_and_a_script_in_the_page_is_stopped() {
    visit(async |visit| {
        let markup = "<script>document.title = 'harmed'</script>";
        visit.open_event(markup, None).await;
        let title = visit.driver.title().await.unwrap();
        assert_eq!(title, format!("{markup}: sign up"));
        let script = "const script = document.createElement('script');
                      script.textContent = 'document.title = \"harmed\"';
                      document.body.append(script);
                      return document.title";
        assert_eq!(visit.run(script, &[]).await, title);
        eventually("a complaint of the console", async || {
            let complaints = visit.complaints().await;
            let stopped = complaints
                .iter()
                .any(|said| said.contains("Content Security Policy"));
            stopped.then_some(())
        })
        .await;
    })
    .await;
}
