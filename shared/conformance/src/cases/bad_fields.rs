//! Fields that are missing or wrong: refused by name, without a word of what was sent, and
//! nothing stored.

use crate::event::Event;
use crate::{Result, Target};
use serde_json::{Value, json};

/// Part of every wrong value here that has room for it; must not come back.
const MARK: &str = "qzxv";

/// A field that is missing: 422 `missing_field`.
pub async fn a_missing_field_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let name = json!({"name": "qzxv"});
    let email = json!({"email": "qzxv@example.org"});
    refused(&event, &name, &["missing_field"], &["/email"]).await?;
    refused(&event, &email, &["missing_field"], &["/name"]).await?;
    refused(&event, &json!({}), &["missing_field"], &["/email", "/name"]).await?;
    event.stored_nothing().await
}

/// A field that is null, of another type, empty or only spaces: 422 `invalid_field`.
pub async fn a_field_of_the_wrong_type_or_empty_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for wrong in [
        json!(7),
        json!(true),
        json!(["qzxv@example.org"]),
        json!({"qzxv": "qzxv"}),
        json!(""),
        json!(" "),
        json!("\u{a0}\u{2003}"),
    ] {
        either_field(&event, &wrong, &["invalid_field"]).await?;
    }
    // The contract puts null beside missing and beside wrong, and leaves the word open.
    either_field(&event, &Value::Null, &["invalid_field", "missing_field"]).await?;
    event.stored_nothing().await
}

/// A name over 200 characters, an address over 254: 422 `too_long`.
pub async fn a_field_that_is_too_long_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for length in [201, 1_000] {
        for unit in ["q", "é"] {
            let body = json!({"email": "qzxv@example.org", "name": unit.repeat(length)});
            refused(&event, &body, &["too_long"], &["/name"]).await?;
        }
    }
    for length in [255, 3_000] {
        let email = format!("{}@example.org", "q".repeat(length - "@example.org".len()));
        let body = json!({"email": email, "name": "qzxv"});
        refused(&event, &body, &["too_long"], &["/email"]).await?;
    }
    event.stored_nothing().await
}

/// Characters that nobody sees, that a log, a terminal or a list obeys, or that no text has: 422
/// `invalid_character`.
pub async fn an_invisible_character_in_a_name_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let hidden = "\0\u{1}\t\r\n\u{1b}\u{7f}\u{85}\u{9f}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\
        \u{200e}\u{202a}\u{202e}\u{2066}\u{2069}\u{2028}\u{ad}\u{34f}\u{115f}\u{17b4}\
        \u{2800}\u{3164}\u{fe0f}\u{ffa0}\u{e0041}\u{e0100}\u{e000}\u{fdd0}\u{10ffff}";
    for c in hidden.chars() {
        for name in [format!("qz{c}xv"), format!("{c}qzxv"), format!("qzxv{c}")] {
            let body = json!({"email": "qzxv@example.org", "name": name});
            refused(&event, &body, &["invalid_character"], &["/name"]).await?;
        }
    }
    for name in [
        "qzxv\r\nSet-Cookie: qzxv=1",
        "qzxv👩\u{200d}",
        "qzxv7\u{fe0f}",
    ] {
        let body = json!({"email": "qzxv@example.org", "name": name});
        refused(&event, &body, &["invalid_character"], &["/name"]).await?;
    }
    event.stored_nothing().await
}

/// A name of nothing but marks, joiners, blanks and characters that nobody sees would be an empty line:
/// 422, of a participant and of an event.
pub async fn a_name_that_shows_nothing_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let codes = ["invalid_field", "invalid_character"];
    for name in [
        "\u{3000}",
        "\u{2800}",
        "\u{3164}",
        "\u{34f}",
        "\u{115f}",
        "\u{fe0f}",
        "\u{200d}",
        "\u{e0041}",
        "\u{301}",
        "\u{200c} \u{301}\u{200d}",
    ] {
        let body = json!({"email": "qzxv@example.org", "name": name});
        refused(&event, &body, &codes, &["/name"]).await?;
        let request = target.post("/v1/events").organiser(target);
        let answer = request.json(&json!({ "name": name })).send().await?;
        answer.ensure(answer.status == 422, "422 for an event of this name too")?;
    }
    event.stored_nothing().await
}

/// Half of a surrogate pair is no character: as JSON or as a name, it is refused.
pub async fn half_a_surrogate_pair_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for half in [r"\ud800", r"\udc00", r"\ud800\u0041", r"\udc00\ud800"] {
        let body = format!(r#"{{"email":"qzxv@example.org","name":"{half}"}}"#);
        let request = event.target.post(&event.signups_path());
        let answer = request.raw_json(body).send().await?;
        if answer.status == 400 {
            answer.problem(400, "malformed_json")?;
        } else {
            answer.problem(422, "invalid_character")?;
        }
    }
    event.stored_nothing().await
}

/// What is no address, or carries more than one: 422 `invalid_email`.
pub async fn what_is_no_address_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for email in [
        "qzxv",
        "qzxv@",
        "@qzxv",
        "@",
        "qzxv@@example.org",
        "qzxv@a@example.org",
        "qzxv@example.org,b@example.org",
        "qz xv@example.org",
        "qzxv@exam ple.org",
        "qzxv@example.org\r\nBcc: b@example.org",
        "qzxv\n@example.org",
        "qzxv@example.org\0",
        "qz\u{200b}xv@example.org",
        "qz\u{202e}xv@example.org",
        "Qzxv <qzxv@example.org>",
    ] {
        let body = json!({"email": email, "name": "qzxv"});
        refused(&event, &body, &["invalid_email"], &["/email"]).await?;
    }
    event.stored_nothing().await
}

/// What comes along when an address is copied, and a host without a domain: 422 `invalid_email`.
pub async fn more_than_an_address_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for email in [
        "mailto:qzxv@example.org",
        "<qzxv@example.org>",
        "qzxv@example.org,",
        "qzxv@example.org;",
        "qzxv@example.org.",
        "qzxv@example.org?subject=qzxv",
        "'qzxv@example.org'",
        "qzxv@example",
        "qzxv@[127.0.0.1]",
        "qzxv@example..org",
        "qzxv@-example.org",
        ".qzxv@example.org",
    ] {
        let body = json!({"email": email, "name": "qzxv"});
        refused(&event, &body, &["invalid_email"], &["/email"]).await?;
    }
    event.stored_nothing().await
}

/// An address with a character that nobody sees looks like another: 422 `invalid_email`.
pub async fn an_invisible_character_in_an_address_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let hidden = "\u{ad}\u{34f}\u{fe0f}\u{200b}\u{200c}\u{200d}\u{2060}\u{2800}\u{3164}\u{e0041}\
        \u{e000}\u{fdd0}";
    for c in hidden.chars() {
        for email in [
            format!("qz{c}xv@example.org"),
            format!("{c}qzxv@example.org"),
            format!("qzxv{c}@example.org"),
            format!("qzxv@exam{c}ple.org"),
            format!("qzxv@example.org{c}"),
        ] {
            let body = json!({"email": email, "name": "qzxv"});
            refused(&event, &body, &["invalid_email"], &["/email"]).await?;
        }
    }
    event.stored_nothing().await
}

/// All wrong fields are named at once, so that a form can show them all.
pub async fn all_wrong_fields_are_named_at_once(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let body = json!({"email": "qzxv@", "name": "x".repeat(201)});
    let answer = event.target.post(&event.signups_path()).json(&body);
    let answer = answer.send().await?;
    answer.ensure(answer.status == 422, "status 422")?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    answer.ensure(
        text.contains("/email") && text.contains("/name"),
        "both fields in `errors`",
    )?;
    event.stored_nothing().await
}

/// Expects `value` to be refused as an e-mail and as a name.
async fn either_field(event: &Event<'_>, value: &Value, codes: &[&str]) -> Result {
    let email = json!({"email": value, "name": "qzxv"});
    let name = json!({"email": "qzxv@example.org", "name": value});
    refused(event, &email, codes, &["/email"]).await?;
    refused(event, &name, codes, &["/name"]).await
}

/// Expects 422 with one of `codes`, which `errors` also has for each of `pointers` and no other.
async fn refused(event: &Event<'_>, body: &Value, codes: &[&str], pointers: &[&str]) -> Result {
    let answer = event.target.post(&event.signups_path()).json(body);
    let answer = answer.send().await?;
    let mut result = Ok(());
    for code in codes {
        let expected: Vec<_> = pointers
            .iter()
            .map(|pointer| ((*pointer).to_owned(), (*code).to_owned()))
            .collect();
        result = match answer.problem(422, code) {
            Ok(mut errors) => {
                errors.sort();
                answer.ensure(errors == expected, format!("{expected:?} as `errors`"))
            }
            Err(error) => Err(error),
        };
        if result.is_ok() {
            break;
        }
    }
    result?;
    answer.never_echoes(MARK)
}
