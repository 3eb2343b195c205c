//! What is made of a body, whatever it is: compared with what serde_json itself says; and what it holds.

use super::*;
use futures::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use std::convert::Infallible;
use std::sync::Arc;

#[test]
fn a_body_is_read_as_what_it_is() {
    bolero::check!().for_each(|body: &[u8]| {
        let value = serde_json::from_slice::<Value>(body).ok();
        match (parse(body), value) {
            (Ok(fields), Some(Value::Object(object))) => check_fields(fields, &object),
            (Err(problem), value) => {
                let expected = match value {
                    None => Code::MalformedJson,
                    Some(Value::Object(_)) => Code::DuplicateField,
                    Some(_) => Code::InvalidBody,
                };
                assert_eq!(problem.code, expected);
            }
            (Ok(_), value) => unreachable!("no object was read as one: {value:?}"),
        }
    });
}

/// As a signup with a time reads them.
fn check_fields(mut fields: Fields, object: &serde_json::Map<String, Value>) {
    // As many as there are different ones: none came twice.
    assert_eq!(fields.fields.len(), object.len());
    for (name, value) in &fields.fields {
        assert_eq!(object.get(name), Some(value));
        let pointer = pointer_to_unknown(name);
        assert!(pointer.is_empty() || pointer[1..] == *name && name.len() <= 32);
    }
    let text = fields.text("email");
    assert_eq!(text.as_deref(), object.get("email").and_then(Value::as_str));
    let time = fields.optional_time("opens_at");
    let wrong = !fields.errors.is_empty();
    let is_null = object.get("opens_at").is_none_or(Value::is_null);
    assert_eq!(wrong, text.is_none() || time.is_none() && !is_null);
    let known = ["email", "opens_at"].map(|name| usize::from(object.contains_key(name)));
    assert_eq!(fields.fields.len() + known[0] + known[1], object.len());
    let unknown = !fields.fields.is_empty();
    assert_eq!(fields.finish().is_err(), wrong || unknown);
}

#[test]
fn a_time_is_one_that_can_be_stored_and_said_again() {
    bolero::check!().for_each(|text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        let Some(time) = utc(&text) else {
            return;
        };
        assert!((0..=9_999).contains(&time.year()), "{text}");
        assert_eq!(
            (time.offset(), time.nanosecond() % 1_000),
            (UtcOffset::UTC, 0)
        );
        let said = time.format(&Rfc3339).unwrap();
        assert_eq!(utc(&said), Some(time), "{text} as {said}");
    });
}

#[tokio::test]
async fn what_was_read_is_not_held_twice() {
    struct Buffer(#[expect(dead_code, reason = "counted")] Arc<()>);
    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            b"a"
        }
    }

    let buffers = Arc::new(());
    let pieces = (0..MAX_BYTES).map(|_| {
        assert_eq!(Arc::strong_count(&buffers), 1, "the piece before is held");
        let piece = Bytes::from_owner(Buffer(Arc::clone(&buffers)));
        Ok::<_, Infallible>(Frame::data(piece))
    });
    let body = StreamBody::new(stream::iter(pieces));
    assert_eq!(read(body).await.unwrap(), [b'a'; MAX_BYTES]);
}
