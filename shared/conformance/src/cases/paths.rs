//! Paths that lead nowhere, also those that an HTTP client would tidy up before sending them.

use crate::event::Event;
use crate::wire::Wire;
use crate::{Result, Target};

/// An unknown path is 404 `not_found`, with any method.
pub async fn an_unknown_path_is_not_found(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let receipt = event.sign_up("ann@example.org", "Ann").await?.receipt;
    for path in [
        "/v1".to_owned(),
        "/v1/".to_owned(),
        "/v1/events/".to_owned(),
        "/v1/event".to_owned(),
        "/v2/events".to_owned(),
        "/V1/EVENTS".to_owned(),
        "/openapi.json/".to_owned(),
        "/openapi.yaml".to_owned(),
        "/.env".to_owned(),
        "/.git/config".to_owned(),
        "/wp-login.php".to_owned(),
        "/%00".to_owned(),
        "/%ff".to_owned(),
        format!("{}/", event.path()),
        format!("{}/signup", event.path()),
        format!("{}/", event.signups_path()),
        format!("{}/", event.receipt_path(&receipt)),
        format!("{}/name", event.receipt_path(&receipt)),
    ] {
        target.get(&path).send().await?.problem(404, "not_found")?;
        let post = target.post(&path).raw_json("{}").send().await?;
        post.problem(404, "not_found")?;
        post.never_echoes(&path[1..])?;
    }
    Ok(())
}

/// Probes and metrics are on the operations port only.
pub async fn operations_are_not_public(target: &Target) -> Result {
    for path in ["/metrics", "/livez", "/readyz", "/startupz", "/debug/pprof"] {
        target.get(path).send().await?.problem(404, "not_found")?;
    }
    Ok(())
}

/// `..` and `//` are not resolved: a path is what it says, or nothing.
pub async fn dots_and_double_slashes_lead_nowhere(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let id = &event.id;
    for path in [
        "//".to_owned(),
        "//v1/events".to_owned(),
        format!("//v1/events/{id}"),
        format!("/v1//events/{id}"),
        format!("/v1/events//{id}"),
        "/v1/events//signups".to_owned(),
        format!("/v1/events/{id}//signups"),
        format!("/v1/events/{id}/signups//"),
        format!("/v1/../v1/events/{id}"),
        format!("/../v1/events/{id}"),
        format!("/./v1/events/{id}"),
        format!("/v1/./events/{id}"),
        "/../../../../etc/passwd".to_owned(),
        "/%2e%2e/%2e%2e/etc/passwd".to_owned(),
        "/..%2f..%2fetc/passwd".to_owned(),
        "/v1/events/..%5c..%5c/signups/x/y".to_owned(),
        format!("/v1/events/{id};x=1/signups/x/y"),
    ] {
        let answer = Wire::exchange(target, &format!("GET {path}"), "", b"").await?;
        answer.problem(404, "not_found")?;
    }
    Ok(())
}

/// `..` where an event or a receipt belongs is not one either.
pub async fn dots_are_no_event_and_no_receipt(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let id = &event.id;
    for path in [
        "/v1/events/..".to_owned(),
        "/v1/events/.".to_owned(),
        "/v1/events/../signups".to_owned(),
        "/v1/events/%2e%2e".to_owned(),
        format!("/v1/events/{id}/.."),
        format!("/v1/events/{id}/signups/.."),
        format!("/v1/events/{id}/signups/%2e%2e"),
        format!("/v1/events/{id}/../{id}"),
        format!("/v1/events/{id}/signups/../.."),
    ] {
        let authorization = format!("Authorization: {}\r\n", target.organiser());
        let line = format!("GET {path}");
        let answer = Wire::exchange(target, &line, &authorization, b"").await?;
        // All three are true of such a path.
        let codes = ["not_found", "event_not_found", "receipt_not_found"];
        answer.ensure(
            codes.iter().any(|code| answer.problem(404, code).is_ok()),
            format!("a 404 problem, one of {codes:?}"),
        )?;
    }
    Ok(())
}
