//! How the page looks in each of its states: on a phone and on a desk, light and dark. A picture of each is
//! left in `target/tmp`, for a person to look at.

use crate::visit::{UNKNOWN, Visit, visit};
use serde_json::json;
use signup_testbed::Mode;
use std::path::Path;

/// The longest name, and nowhere to break it.
fn longest(letter: &str) -> String {
    letter.repeat(200)
}

async fn looks_well(visit: &Visit, state: &str) {
    for width in [320, 1_024] {
        for scheme in ["light", "dark"] {
            visit.resize(width).await;
            let scheme_is = json!([{"name": "prefers-color-scheme", "value": scheme}]);
            let media = json!({"features": scheme_is});
            visit.command("Emulation.setEmulatedMedia", media).await;
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
            let picture = folder.join(format!("page-{state}-{width}-{scheme}.png"));
            visit.driver.screenshot(&picture).await.unwrap();
            let seen = visit.run(include_str!("inspect.js"), &[]).await;
            let well = json!({"wrong": [], "width": width, "dark": scheme == "dark"});
            assert_eq!(seen, well, "{state}: see {}", picture.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_state_fits_a_phone_and_can_be_read_in_the_dark() {
    visit(async |visit| {
        visit.open("/").await;
        looks_well(visit, "fresh").await;
        visit.open_event(&longest("W"), None).await;
        looks_well(visit, "event-of-the-longest-name").await;
        let said = visit.sign_up("a@b", "\u{3164}").await;
        assert!(
            said.starts_with("Nothing of this attempt was stored."),
            "{said}"
        );
        looks_well(visit, "to-be-corrected").await;
        visit.sign_up("ann@example.org", &longest("M")).await;
        let receipt = visit.receipt().await;
        looks_well(visit, "signed-up").await;
        visit.fill(&[("known", &receipt)]).await;
        visit.send("check").await;
        visit.said_at_last("check").await;
        looks_well(visit, "receipt-of-the-longest-name").await;
        visit.network.set(Mode::Cut);
        visit.send("signup").await;
        assert_eq!(visit.said().await, UNKNOWN);
        looks_well(visit, "not-known").await;
    })
    .await;
}
