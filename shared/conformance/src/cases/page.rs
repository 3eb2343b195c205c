//! The page that a participant uses: what it shows, what it forbids a browser, what it refers to.

use crate::answer::Answer;
use crate::event::{Event, Shown};
use crate::html::{references, tags, text};
use crate::wait::eventually;
use crate::{Result, Target};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What a browser is allowed to do with the page.
const POLICY: [&str; 7] = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
];

/// What browsers send for an address that is typed in.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// `/` is the page of "Launch day", with its count.
pub async fn the_page_of_launch_day_is_at_the_root(target: &Target) -> Result {
    for path in ["/", "/events/00000000-0000-7000-8000-000000000001"] {
        let (page, html) = page(target, path).await?;
        page.ensure(text(&html).contains("Launch day"), "the name of the event")?;
        // A page does not wait for a count that is late.
        eventually(target, || async { has_a_count(target, path).await }).await?;
    }
    Ok(())
}

async fn has_a_count(target: &Target, path: &str) -> Result {
    let (page, html) = page(target, path).await?;
    let text = text(&html);
    let before = text.split_once(" signed up").map(|(before, _)| before);
    let count = before.and_then(|before| before.rsplit(' ').next());
    let digits = |count: &str| count.chars().all(|c| c.is_ascii_digit() || c == ',');
    page.ensure(
        count.is_some_and(|count| !count.is_empty() && digits(count)),
        "the number of people who have signed up",
    )
}

/// The count on the page is that of its event.
pub async fn a_page_shows_the_count_of_its_event(target: &Target) -> Result {
    let event = Event::open(target).await?;
    event.sign_up_many(3).await?;
    eventually(target, || async {
        let (page, html) = page(target, &path(&event.id)).await?;
        let text = text(&html);
        page.ensure(text.contains("Conformance"), "the name of the event")?;
        page.ensure(text.contains(" 3 signed up"), "3 people to have signed up")
    })
    .await
}

/// Markup in the name of an event is shown, not obeyed.
pub async fn markup_in_the_name_of_an_event_is_shown(target: &Target) -> Result {
    let name = "\"><script>alert(1)</script>&amp;<b x='y'>";
    let request = target.post("/v1/events").organiser(target);
    let created = request.json(&json!({ "name": name })).send().await?;
    let event: Shown = created.expect(&[201])?.json()?;
    let (page, html) =
        eventually(target, || async { page(target, &path(&event.id)).await }).await?;
    page.ensure(
        !html.contains("<script>") && !html.contains("<b "),
        "the name without its tags",
    )?;
    page.ensure(text(&html).contains(name), format!("{name} to be read"))
}

/// The page may load its own files and talk to its own server, and no more; it is not kept.
pub async fn a_page_forbids_all_it_does_not_need(target: &Target) -> Result {
    let (page, html) = page(target, "/").await?;
    let policy = page.required_header("content-security-policy")?;
    let directives: BTreeSet<&str> = policy.split(';').map(str::trim).collect();
    page.ensure(
        directives == BTreeSet::from(POLICY),
        format!("the Content-Security-Policy {POLICY:?}, not {policy}"),
    )?;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        page.ensure(
            page.required_header(name)? == value,
            format!("{name}: {value}"),
        )?;
    }
    let scripts = tags(&html, "script");
    page.ensure(
        !scripts.is_empty() && scripts.iter().all(|tag| tag.contains(" src=\"")),
        "scripts, and none in the page itself, where the policy would stop it",
    )?;
    page.ensure(
        tags(&html, "style").is_empty() && !html.contains(" style=\""),
        "no style in the page itself, where the policy would stop it",
    )
}

/// What a page refers to is there, as what it should be.
pub async fn what_a_page_refers_to_is_there(target: &Target) -> Result {
    let (page, html) = page(target, "/").await?;
    let mut kinds = BTreeSet::new();
    for path in references(&html) {
        page.ensure(
            path.starts_with('/') && !path.starts_with("//"),
            format!("a path of this service, not {path}"),
        )?;
        let asset = target.get(path).send().await?.expect(&[200])?;
        let kind = path.rsplit('.').next().unwrap_or_default();
        kinds.insert(kind);
        asset.has_media_type(match kind {
            "css" => "text/css",
            "js" => "text/javascript",
            _ => return Err(page.wrong(format!("style and script only, not {path}"))),
        })?;
        asset.ensure(!asset.body.is_empty(), "a file with something in it")?;
        asset.ensure(
            asset.required_header("x-content-type-options")? == "nosniff",
            "x-content-type-options: nosniff",
        )?;
        asset.ensure(
            asset.required_header("cache-control")?.contains("max-age="),
            "a time for which it may be kept",
        )?;
    }
    page.ensure(
        kinds == BTreeSet::from(["css", "js"]),
        "a style and a script",
    )?;
    for path in ["/assets/qzxv.js", "/assets/..%2fpage.js", "/assets/%ff"] {
        target.get(path).send().await?.problem(404, "not_found")?;
    }
    Ok(())
}

/// There is no page of an event that is not there: a problem, and for a browser a page that says so.
pub async fn an_unknown_event_has_no_page(target: &Target) -> Result {
    for id in [
        Uuid::new_v4().to_string(),
        "launch-day".to_owned(),
        "00000000-0000-7000-8000-000000000001%00".to_owned(),
        "%ff".to_owned(),
        "qzxv%3Cscript%3E".to_owned(),
    ] {
        let answer = target.get(&path(&id)).send().await?;
        answer.problem(404, "event_not_found")?;
        let answer = target.get(&path(&id)).header("accept", BROWSER).send();
        let answer = answer.await?.expect(&[404])?;
        answer.has_media_type("text/html")?;
        answer.required_header("content-security-policy")?;
        answer.never_echoes("qzxv")?;
    }
    Ok(())
}

/// A page and its files are for reading only.
pub async fn a_page_takes_no_post(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for path in ["/", &path(&event.id), "/assets/page.js"] {
        let request = target.post(path).header("content-type", "text/plain");
        let answer = request.body("email=ann@example.org").send().await?;
        answer.problem(405, "method_not_allowed")?;
        let allow = answer.required_header("allow")?;
        let named: Vec<&str> = allow.split(',').map(str::trim).collect();
        answer.ensure(
            named.contains(&"GET") && !named.contains(&"POST"),
            "Allow to name GET and not POST",
        )?;
    }
    Ok(())
}

fn path(event: &str) -> String {
    format!("/events/{event}")
}

/// The page at `path`, also as text.
async fn page(target: &Target, path: &str) -> Result<(Answer, String)> {
    let answer = target.get(path).send().await?.expect(&[200])?;
    answer.has_media_type("text/html")?;
    let html = String::from_utf8_lossy(&answer.body).into_owned();
    Ok((answer, html))
}
