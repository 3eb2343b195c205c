//! Bodies that are not one JSON object of known fields: refused, and nothing stored.

use crate::event::Event;
use crate::{Result, Target};

/// Part of every wrong value here that has room for it; must not come back.
const MARK: &str = "qzxv";

/// Empty, truncated, with something after it, not UTF-8, nested too deeply: 400 `malformed_json`.
pub async fn what_is_not_one_json_document_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let good = br#"{"email":"qzxv@example.org","name":"qzxv"}"#;
    let nested = |open: &str, close: &str, depth| open.repeat(depth) + &close.repeat(depth);
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "qzxv",
        "{",
        "{}}",
        r#"{"email":"qzxv@example.org","name":"qzxv""#,
        r#"{"email":"qzxv@example.org","name":"qzxv"} x"#,
        r#"{"email":"qzxv@example.org","name":"qzxv"}{"email":"qzxv@example.org","name":"qzxv"}"#,
        r#"{"email":"qzxv@example.org","name":"qzxv"},"#,
        r#"{"email":"qzxv@example.org","name":"qzxv",}"#,
        r#"{"email":"qzxv@example.org" "name":"qzxv"}"#,
        r"{'email':'qzxv@example.org','name':'qzxv'}",
        r#"{email:"qzxv@example.org",name:"qzxv"}"#,
        r#"{"email":"qzxv@example.org","name":"qzxv" /* comment */}"#,
        r#"{"email":"qzxv@example.org","name":"\q"}"#,
        r#"{"email":"qzxv@example.org","name":"\u12"}"#,
        r#"{"email":"qzxv@example.org","name":NaN}"#,
        r#"{"email":"qzxv@example.org","name":01}"#,
        "{\"email\":\"qzxv@example.org\",\"name\":\"qzxv\n\"}",
        "email=qzxv%40example.org&name=qzxv",
        "[1,",
    ]
    .map(Vec::from)
    .into();
    bodies.push([b"\xef\xbb\xbf".as_slice(), good].concat());
    bodies.push(b"{\"email\":\"qzxv@example.org\",\"name\":\"\xff\xfe\"}".into());
    bodies.push(b"{\"email\":\"qzxv@example.org\",\"name\":\"\xc0\xaf\"}".into());
    bodies.push(b"{\"email\":\"qzxv@example.org\",\"name\":\"\xed\xa0\x80\"}".into());
    // The same text in UTF-16.
    bodies.push(good.iter().flat_map(|&byte| [byte, 0]).collect());
    bodies.push(nested("[", "", 4_000).into());
    bodies.push(nested("[", "]", 2_000).into());
    bodies.push(nested("{\"a\":", "", 800).into());
    for body in bodies {
        refused(&event, &body, 400, "malformed_json").await?;
    }
    event.stored_nothing().await
}

/// Nesting of 10,000 does not fit into the body's limit; what fits is refused as JSON.
pub async fn deep_nesting_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    refused(&event, "[".repeat(10_000).as_bytes(), 413, "too_large").await?;
    for depth in [200, 1_000, 1_900] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let body = format!(r#"{{"email":{open}{close},"name":"qzxv"}}"#);
        let answer = event.target.post(&event.signups_path());
        let answer = answer.raw_json(body).send().await?;
        // A field of the wrong type, or JSON too deep to be read: the contract allows both.
        if answer.status == 422 {
            answer.problem(422, "invalid_field")?;
        } else {
            answer.problem(400, "malformed_json")?;
        }
    }
    event.stored_nothing().await
}

/// JSON that is not an object: 422 `invalid_body`.
pub async fn what_is_not_an_object_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for body in [
        "[]",
        "null",
        "true",
        "7",
        "\"qzxv\"",
        r#"["qzxv@example.org","qzxv"]"#,
        r#"[{"email":"qzxv@example.org","name":"qzxv"}]"#,
        r#""{\"email\":\"qzxv@example.org\",\"name\":\"qzxv\"}""#,
    ] {
        refused(&event, body.as_bytes(), 422, "invalid_body").await?;
    }
    event.stored_nothing().await
}

/// A key given twice, also in another spelling of the same string: 400 `duplicate_field`.
pub async fn a_duplicate_key_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for body in [
        r#"{"email":"qzxv@example.org","email":"qzxv@example.com","name":"qzxv"}"#,
        r#"{"email":"qzxv@example.org","email":"qzxv@example.org","name":"qzxv"}"#,
        r#"{"email":"qzxv@example.org","name":"qzxv","name":null}"#,
        r#"{"email":"qzxv@example.org","name":"qzxv","em\u0061il":"qzxv@example.com"}"#,
    ] {
        refused(&event, body.as_bytes(), 400, "duplicate_field").await?;
    }
    event.stored_nothing().await
}

/// A field that the contract does not have: 422 `unknown_field`.
pub async fn an_unknown_field_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    for field in [
        "id",
        "receipt",
        "event",
        "status",
        "signed_up_at",
        "Email",
        "email ",
        "__proto__",
        "constructor",
        "$where",
        "",
        "\\u0000",
        "<script>qzxv</script>",
    ] {
        let body =
            format!(r#"{{"email":"qzxv@example.org","name":"qzxv","{field}":{{"qzxv":1}}}}"#);
        refused(&event, body.as_bytes(), 422, "unknown_field").await?;
    }
    event.stored_nothing().await
}

/// Numbers at the edge of JSON are the wrong type or no JSON, never a fault of the service.
pub async fn monstrous_numbers_are_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let digits = "9".repeat(3_000);
    for number in ["1e999", "-1e-999", "18446744073709551616", digits.as_str()] {
        let body = format!(r#"{{"email":{number},"name":"qzxv"}}"#);
        let request = event.target.post(&event.signups_path());
        let answer = request.raw_json(body).send().await?;
        if answer.status == 400 {
            answer.problem(400, "malformed_json")?;
        } else {
            answer.problem(422, "invalid_field")?;
        }
    }
    event.stored_nothing().await
}

async fn refused(event: &Event<'_>, body: &[u8], status: u16, code: &str) -> Result {
    let request = event.target.post(&event.signups_path());
    let answer = request.raw_json(body).send().await?;
    answer.problem(status, code)?;
    answer.never_echoes(MARK)
}
