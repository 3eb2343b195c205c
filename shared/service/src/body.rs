//! Reads a JSON body strictly: bounded in size and time, one object, no field twice, no field
//! unknown. What fails is said per field, without repeating what was sent.

use crate::problem::{Code, FieldError, Problem};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::header::{self, HeaderMap};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Largest body read, in bytes. The largest valid signup is about 2 kB.
const MAX_BYTES: usize = 4 * 1024;

/// How long a body may take to arrive; under the 5 s within which slow clients are closed.
const READ_DEADLINE: Duration = Duration::from_secs(4);

/// The fields of a JSON object, taken out one by one; what is left over is unknown.
#[derive(Debug)]
pub(crate) struct Fields {
    fields: Vec<(String, Value)>,
    errors: Vec<(FieldError, Code)>,
}

impl<S: Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        check_headers(request.headers())?;
        let body = tokio::time::timeout(READ_DEADLINE, read(request.into_body())).await;
        parse(&body.map_err(|_elapsed| Code::Timeout)??)
    }
}

fn check_headers(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Code::UnsupportedEncoding.into());
    }
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Err(Code::UnsupportedMediaType.into());
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if length
        .and_then(|text| text.parse().ok())
        .is_some_and(|bytes: u64| bytes > MAX_BYTES as u64)
    {
        return Err(Code::TooLarge.into());
    }
    Ok(())
}

/// Copies what arrives: each piece holds on to the whole buffer it was read into, 8 kB, and a body may
/// come byte by byte.
async fn read(mut body: impl Body<Data = Bytes> + Unpin) -> Result<Vec<u8>, Problem> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Code::MalformedJson.into());
        };
        // Anything else is trailers.
        let piece = frame.data_ref().map_or(&[][..], |data| data);
        if read.len() + piece.len() > MAX_BYTES {
            return Err(Code::TooLarge.into());
        }
        read.extend_from_slice(piece);
    }
    Ok(read)
}

fn parse(body: &[u8]) -> Result<Fields, Problem> {
    match serde_json::from_slice::<Object>(body) {
        Ok(Object {
            duplicate: true, ..
        }) => Err(Code::DuplicateField.into()),
        Ok(Object { fields, .. }) => Ok(Fields {
            fields,
            errors: Vec::new(),
        }),
        // A type error stops at the first byte of `[1,`: only a second look, at the whole, tells
        // JSON that is no object from what is no JSON.
        Err(error) if error.is_data() && serde_json::from_slice::<Value>(body).is_ok() => {
            Err(Code::InvalidBody.into())
        }
        Err(_) => Err(Code::MalformedJson.into()),
    }
}

impl Fields {
    /// The text in `name`; records an error when there is none.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        match self.take(name) {
            Some(Value::String(text)) => Some(text),
            Some(_) => self.reject(name, Code::InvalidField),
            None => self.reject(name, Code::MissingField),
        }
    }

    /// The RFC 3339 time in `name`, in UTC and whole microseconds; `None` when it is null or missing.
    pub(crate) fn optional_time(&mut self, name: &'static str) -> Option<OffsetDateTime> {
        match self.take(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => match utc(&text) {
                Some(time) => Some(time),
                None => self.reject(name, Code::InvalidTime),
            },
            Some(_) => self.reject(name, Code::InvalidTime),
        }
    }

    /// Records that `name` is wrong.
    pub(crate) fn reject<T>(&mut self, name: &'static str, code: Code) -> Option<T> {
        let pointer = Cow::Owned(format!("/{name}"));
        self.errors.push((
            FieldError {
                pointer,
                code: code.as_str(),
            },
            code,
        ));
        None
    }

    /// The problem with these fields, if there is one: unknown ones first, then as they were found.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        let unknown = self.fields.iter().map(|(name, _)| {
            let pointer = pointer_to_unknown(name);
            (
                FieldError {
                    pointer,
                    code: Code::UnknownField.as_str(),
                },
                Code::UnknownField,
            )
        });
        let all: Vec<_> = unknown.chain(self.errors).collect();
        match all.first() {
            None => Ok(()),
            Some(&(_, code)) => Err(Problem::with_fields(
                code,
                all.into_iter().map(|(error, _)| error).collect(),
            )),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.swap_remove(at).1)
    }
}

/// An RFC 3339 time in UTC, if it can be written as one there: an hour before the year 0 or after 9999
/// cannot. What is finer than a microsecond is cut here, before anything is compared or answered:
/// PostgreSQL would cut or round it later.
fn utc(text: &str) -> Option<OffsetDateTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let time = time.checked_to_offset(UtcOffset::UTC)?;
    (0..=9_999)
        .contains(&time.year())
        .then(|| time.truncate_to_microsecond())
}

/// A short plain key is repeated, so that a typing error is found; anything else may be content
/// that must not be echoed.
fn pointer_to_unknown(name: &str) -> Cow<'static, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.len() <= 32 && name.bytes().all(plain) {
        Cow::Owned(format!("/{name}"))
    } else {
        Cow::Borrowed("")
    }
}

/// A JSON object that remembers whether a key came twice. (serde's derived structs would tell by
/// the text of an error message only.)
struct Object {
    fields: Vec<(String, Value)>,
    duplicate: bool,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
                let mut object = Object {
                    fields: Vec::with_capacity(4),
                    duplicate: false,
                };
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    object.duplicate |= object.fields.iter().any(|(known, _)| *known == name);
                    object.fields.push((name, value));
                }
                Ok(object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

#[cfg(test)]
mod tests;
