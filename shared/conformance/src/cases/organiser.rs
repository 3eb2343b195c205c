//! What only the organiser may do: 401 without a token, 403 with a wrong one.

use crate::event::Event;
use crate::target::Request;
use crate::{Result, Target};
use serde_json::json;

/// Creating an event and reading the list need a bearer token.
pub async fn without_a_token_the_organisers_routes_are_closed(target: &Target) -> Result {
    let event = Event::open(target).await?;
    event.sign_up("ann@example.org", "Ann").await?;
    event.holds(&["ann@example.org"]).await?;
    for authorization in [None, Some(""), Some("Basic cXp4djpxenh2"), Some("qzxv")] {
        for request in organiser_requests(&event) {
            let request = match authorization {
                None => request,
                Some(value) => request.header("authorization", value),
            };
            let answer = request.send().await?;
            answer.problem(401, "unauthorized")?;
            let challenge = answer.required_header("www-authenticate")?;
            answer.ensure(
                challenge.starts_with("Bearer"),
                "WWW-Authenticate: Bearer (RFC 9110 asks for it beside a 401)",
            )?;
            answer.never_echoes("qzxv")?;
            answer.never_echoes("ann@example.org")?;
        }
    }
    Ok(())
}

/// A wrong token is not the organiser's, also if it only starts or ends like it.
pub async fn with_a_wrong_token_the_organisers_routes_are_closed(target: &Target) -> Result {
    let event = Event::open(target).await?;
    event.sign_up("ann@example.org", "Ann").await?;
    event.holds(&["ann@example.org"]).await?;
    let token = &target.organiser_token;
    let swapped = |c: char| {
        if c.is_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    let mut shorter = token.clone();
    shorter.pop();
    let wrong = [
        "qzxv".to_owned(),
        shorter,
        format!("{token}x"),
        format!("x{token}"),
        token.chars().map(swapped).chain(['z']).collect(),
    ];
    for wrong in wrong.iter().filter(|wrong| !wrong.is_empty()) {
        for request in organiser_requests(&event) {
            let request = request.header("authorization", &format!("Bearer {wrong}"));
            let answer = request.send().await?;
            answer.problem(403, "forbidden")?;
            answer.never_echoes("qzxv")?;
            answer.never_echoes("ann@example.org")?;
        }
    }
    Ok(())
}

/// The name of the scheme is case-insensitive (RFC 9110).
pub async fn the_bearer_scheme_is_taken_in_any_case(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for scheme in ["bearer", "BEARER"] {
        let authorization = format!("{scheme} {}", target.organiser_token);
        let request = target.get(&event.signups_path());
        let request = request.header("authorization", &authorization);
        request.send().await?.expect(&[200])?;
    }
    Ok(())
}

/// Signing up and checking a receipt need no token, and a wrong one does not matter.
pub async fn a_participant_needs_no_token(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let request = event.signup("ann@example.org", "Ann");
    let answer = request
        .header("authorization", "Bearer qzxv")
        .send()
        .await?;
    answer.expect(&[201, 202])?;
    event.holds(&["ann@example.org"]).await?;
    Ok(())
}

/// One request for each thing only the organiser may do, without a token.
fn organiser_requests(event: &Event<'_>) -> [Request; 4] {
    let target = event.target;
    [
        target.post("/v1/events").json(&json!({"name": "Mine"})),
        target.get(&event.signups_path()),
        target.get(&format!("{}?limit=1", event.signups_path())),
        target
            .get(&event.signups_path())
            .header("accept", "application/x-ndjson"),
    ]
}
