//! Events: the one that is there, creating others, and counting their signups.

use crate::event::{Event, Shown};
use crate::wait::eventually;
use crate::{Result, Target};
use anyhow::ensure;
use futures::future::{try_join, try_join_all};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// "Launch day" is there from the start, and always open.
pub async fn launch_day_is_there_from_the_start(target: &Target) -> Result {
    const ID: &str = "00000000-0000-7000-8000-000000000001";
    let answer = target.get(&format!("/v1/events/{ID}")).send().await?;
    let answer = answer.expect(&[200])?;
    let shown: Shown = answer.json()?;
    answer.ensure(
        shown.id == ID && shown.name == "Launch day",
        format!("the event {ID}, \"Launch day\""),
    )?;
    let body: Value = answer.json()?;
    for field in ["opens_at", "closes_at"] {
        answer.ensure(
            body.get(field) == Some(&Value::Null),
            format!("`{field}` to be null"),
        )?;
    }
    answer.utc(&shown.as_of)?;
    Ok(())
}

/// 201 with the event, and `Location` leads to it.
pub async fn an_organiser_creates_an_event(target: &Target) -> Result {
    let body = json!({
        "name": "<b>Night</b> of the long 'names' 🎟",
        "opens_at": "2020-01-01T02:00:00+02:00",
        "closes_at": "2100-01-01T00:00:00.5Z",
    });
    let request = target.post("/v1/events").organiser(target).json(&body);
    let created = request.send().await?.expect(&[201])?;
    let made: Shown = created.json()?;
    let location = created.required_header("location")?;
    created.ensure(
        location == format!("/v1/events/{}", made.id),
        format!("Location /v1/events/{}", made.id),
    )?;
    let shown = eventually(target, || async {
        target.get(location).send().await?.expect(&[200])
    })
    .await?;
    let seen: Shown = shown.json()?;
    for (answer, event) in [(&created, &made), (&shown, &seen)] {
        answer.ensure(event.id == made.id, "one id")?;
        answer.ensure(event.signups == 0, "no signups yet")?;
        answer.ensure(event.name == body["name"], "the name verbatim")?;
        answer.utc(&event.as_of)?;
        for (field, time) in [
            ("opens_at", &event.opens_at),
            ("closes_at", &event.closes_at),
        ] {
            let time = time.as_deref();
            let time = time.ok_or_else(|| answer.wrong(format!("the time `{field}`")))?;
            let asked = body[field].as_str().unwrap_or_default();
            let asked =
                OffsetDateTime::parse(asked, &time::format_description::well_known::Rfc3339)?;
            answer.ensure(answer.utc(time)? == asked, format!("{asked} in UTC"))?;
        }
    }
    Ok(())
}

/// Both times may be left out; one alone is enough.
pub async fn the_times_of_an_event_are_optional(target: &Target) -> Result {
    for body in [
        json!({"name": "A"}),
        json!({"name": "A", "opens_at": null}),
        json!({"name": "A", "opens_at": "2020-01-01T00:00:00Z"}),
        json!({"name": "A", "closes_at": "2100-01-01T00:00:00Z"}),
        json!({"name": "A", "opens_at": null, "closes_at": null}),
    ] {
        let request = target.post("/v1/events").organiser(target).json(&body);
        request.send().await?.expect(&[201])?;
    }
    Ok(())
}

/// A time that has no year from 0 to 9999 in UTC could be stored, and then not be shown.
pub async fn a_time_that_cannot_be_written_in_utc_is_refused(target: &Target) -> Result {
    for time in ["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00"] {
        let body = json!({"name": "A", "opens_at": time});
        let request = target.post("/v1/events").organiser(target).json(&body);
        let answer = request.send().await?;
        answer.problem(422, "invalid_field")?;
    }
    Ok(())
}

/// A wrong event is refused, field by field.
pub async fn a_wrong_event_is_refused(target: &Target) -> Result {
    let opens = OffsetDateTime::now_utc().replace_nanosecond(0)?;
    let rfc3339 = &time::format_description::well_known::Rfc3339;
    let text = opens.format(rfc3339)?;
    let before = (opens - Duration::SECOND).format(rfc3339)?;
    for (body, status, code, pointer) in [
        (json!([]), 422, "invalid_body", ""),
        (json!({}), 422, "missing_field", "/name"),
        (json!({"name": 7}), 422, "invalid_field", "/name"),
        (json!({"name": " "}), 422, "invalid_field", "/name"),
        (json!({"name": "x".repeat(201)}), 422, "too_long", "/name"),
        (
            json!({"name": "a\u{202e}b"}),
            422,
            "invalid_character",
            "/name",
        ),
        (json!({"name": "A", "id": "qzxv"}), 422, "unknown_field", ""),
        (
            json!({"name": "A", "opens_at": "qzxv"}),
            422,
            "invalid_field",
            "/opens_at",
        ),
        (
            json!({"name": "A", "opens_at": 1_700_000_000}),
            422,
            "invalid_field",
            "/opens_at",
        ),
        (
            json!({"name": "A", "opens_at": "2020-01-01"}),
            422,
            "invalid_field",
            "/opens_at",
        ),
        (
            json!({"name": "A", "closes_at": "2020-13-01T00:00:00Z"}),
            422,
            "invalid_field",
            "/closes_at",
        ),
        (
            json!({"name": "A", "closes_at": false}),
            422,
            "invalid_field",
            "/closes_at",
        ),
        (
            json!({"name": "A", "opens_at": text, "closes_at": text}),
            422,
            "invalid_field",
            "/closes_at",
        ),
        (
            json!({"name": "A", "opens_at": text, "closes_at": before}),
            422,
            "invalid_field",
            "/closes_at",
        ),
    ] {
        let request = target.post("/v1/events").organiser(target).json(&body);
        let answer = request.send().await?;
        let errors = answer.problem(status, code)?;
        answer.never_echoes("qzxv")?;
        let named = errors
            .iter()
            .any(|(at, what)| at == pointer && what == code);
        answer.ensure(
            pointer.is_empty() || named,
            format!("{code} at {pointer} in `errors`"),
        )?;
    }
    let request = target.post("/v1/events").organiser(target);
    let answer = request.raw_json("{\"name\":").send().await?;
    answer.problem(400, "malformed_json")?;
    Ok(())
}

/// What is no UUID, and a UUID that names no event, are 404 on every route below an event.
pub async fn an_unknown_event_is_not_found(target: &Target) -> Result {
    let unknown = [
        Uuid::new_v4().to_string(),
        "00000000-0000-0000-0000-000000000000".to_owned(),
        "launch-day".to_owned(),
        "1".to_owned(),
        "00000000-0000-7000-8000-00000000000".to_owned(),
        "00000000-0000-7000-8000-000000000001%00".to_owned(),
        "%ff".to_owned(),
        "'%20OR%201=1".to_owned(),
        "a%2Fb".to_owned(),
    ];
    let body = json!({"email": "ann@example.org", "name": "Ann"});
    for id in unknown {
        let path = format!("/v1/events/{id}");
        let signups = format!("{path}/signups");
        for request in [
            target.get(&path),
            target.post(&signups).json(&body),
            target.get(&signups).organiser(target),
            target
                .get(&signups)
                .organiser(target)
                .header("accept", "application/x-ndjson"),
        ] {
            request.send().await?.problem(404, "event_not_found")?;
        }
    }
    Ok(())
}

/// While 300 events are asked for that there are not, signups go on, and an event that was just made
/// is found at once.
pub async fn beside_many_unknown_events_others_are_served(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let unknown = (0..300).map(|_| async {
        let path = format!("/v1/events/{}", Uuid::new_v4());
        let answer = target.get(&path).send().await?;
        if answer.status == 503 {
            answer.required_header("retry-after")?;
        } else {
            answer.problem(404, "event_not_found")?;
        }
        Result::Ok(())
    });
    let others = async {
        let emails = event.sign_up_many(10).await?;
        event.holds(&emails).await?;
        for _ in 0..10 {
            let new = Event::open(target).await?;
            new.show().await?;
            new.sign_up("ann@example.org", "Ann").await?;
        }
        Result::Ok(())
    };
    try_join(try_join_all(unknown), others).await?;
    Ok(())
}

/// The count follows the signups, and never runs ahead of them.
pub async fn an_event_counts_its_signups(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for count in 1..=5_u64 {
        let email = format!("p{count}@example.org");
        event.sign_up(&email, "Participant").await?;
        event.sign_up_again(&email, "Participant").await?;
        let now = event.show().await?.signups;
        ensure!(
            now <= count,
            "expected  at most {count} signups counted\ngot       {now}"
        );
    }
    eventually(target, || async {
        let shown = event.show().await?;
        ensure!(
            shown.signups == 5,
            "expected  5 signups counted\ngot       {shown:?}"
        );
        Ok(())
    })
    .await
}
