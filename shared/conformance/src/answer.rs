//! An answer of the service, and what the contract says of every answer.

use crate::Result;
use anyhow::anyhow;
use reqwest::header::{self, HeaderMap};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Display;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An answer, read to its end, and what it answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) sent: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The failure of a case that expected something else.
    pub(crate) fn wrong(&self, expected: impl Display) -> anyhow::Error {
        let content_type = self.header("content-type").unwrap_or("no content type");
        anyhow!(
            "sent      {}\nexpected  {expected}\ngot       {} ({content_type}) {}",
            self.sent,
            self.status,
            excerpt(&self.body),
        )
    }

    /// Passes an answer with one of these statuses on.
    pub(crate) fn expect(self, statuses: &[u16]) -> Result<Self> {
        if statuses.contains(&self.status) {
            Ok(self)
        } else {
            Err(self.wrong(format!("status {statuses:?}")))
        }
    }

    /// Fails unless `holds`.
    pub(crate) fn ensure(&self, holds: bool, expected: impl Display) -> Result {
        if holds {
            Ok(())
        } else {
            Err(self.wrong(expected))
        }
    }

    /// A header as text; `None` when there is none.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A header that must be there.
    pub(crate) fn required_header(&self, name: &str) -> Result<&str> {
        self.header(name)
            .ok_or_else(|| self.wrong(format!("the header {name}")))
    }

    /// Fails unless the media type, without its parameters, is `expected`.
    pub(crate) fn has_media_type(&self, expected: &str) -> Result {
        let value = self.required_header(header::CONTENT_TYPE.as_str())?;
        let essence = value.split(';').next().unwrap_or_default().trim();
        self.ensure(
            essence.eq_ignore_ascii_case(expected),
            format!("content type {expected}, not {value}"),
        )
    }

    /// The JSON body, in exactly the shape of `T`.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.has_media_type("application/json")?;
        serde_json::from_slice(&self.body)
            .map_err(|error| self.wrong(format!("the contract's shape ({error})")))
    }

    /// The RFC 3339 time in UTC that a field of this answer has.
    pub(crate) fn utc(&self, text: &str) -> Result<OffsetDateTime> {
        OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .filter(|time| time.offset().is_utc())
            .ok_or_else(|| self.wrong(format!("{text:?} to be an RFC 3339 time in UTC")))
    }

    /// Fails unless this is the problem `code`, with all that RFC 9457 and the contract ask for.
    /// Returns its `errors`, each as (pointer, code).
    pub(crate) fn problem(&self, status: u16, code: &str) -> Result<Vec<(String, String)>> {
        self.ensure(
            self.status == status,
            format!("status {status} with the problem {code}"),
        )?;
        self.has_media_type("application/problem+json")?;
        let body: Value = serde_json::from_slice(&self.body)
            .map_err(|error| self.wrong(format!("a problem in JSON ({error})")))?;
        let text = |field: &str| body[field].as_str().filter(|text| !text.is_empty());
        for field in ["title", "detail", "request_id"] {
            self.ensure(text(field).is_some(), format!("a problem with `{field}`"))?;
        }
        self.ensure(
            text("code") == Some(code),
            format!("the problem code {code}"),
        )?;
        self.ensure(
            text("type") == Some(&format!("/problems/{code}")),
            format!("the problem type /problems/{code}"),
        )?;
        self.ensure(
            body["status"].as_u64() == Some(status.into()),
            format!("{status} in the problem's `status` too"),
        )?;
        self.ensure(
            text("request_id") == self.header("x-request-id"),
            "one request id in the problem and in the header x-request-id",
        )?;
        let errors = body["errors"].as_array();
        let errors = errors.ok_or_else(|| self.wrong("a problem with a list `errors`"))?;
        errors
            .iter()
            .map(|error| self.field_error(error))
            .collect::<Result<_>>()
    }

    fn field_error(&self, error: &Value) -> Result<(String, String)> {
        let (pointer, code) = (error["pointer"].as_str(), error["code"].as_str());
        match pointer.zip(code) {
            Some((pointer, code)) if pointer.is_empty() || pointer.starts_with('/') => {
                Ok((pointer.to_owned(), code.to_owned()))
            }
            _ => Err(self.wrong("`errors` to have a JSON pointer and a code each")),
        }
    }

    /// Fails if `text` comes back anywhere in the answer.
    pub(crate) fn never_echoes(&self, text: &str) -> Result {
        let body = String::from_utf8_lossy(&self.body);
        let headers = format!("{:?}", self.headers);
        self.ensure(
            !body.contains(text) && !headers.contains(text),
            format!("{text:?} not to be echoed"),
        )
    }

    /// Fails unless the answer says where it was read from.
    pub(crate) fn says_where_from(&self) -> Result {
        let cache = self.required_header("x-cache")?;
        self.ensure(
            ["HIT", "MISS", "BYPASS"].contains(&cache),
            "X-Cache to be HIT, MISS or BYPASS",
        )?;
        let served_by = self.required_header("x-served-by")?;
        self.ensure(
            ["primary", "replica", "cache", "shard"].contains(&served_by),
            "X-Served-By to be primary, replica, cache or shard",
        )
    }
}

/// The start of `bytes` as one line of text.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const MOST: usize = 240;
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::new();
    for c in text.chars().take(MOST) {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if text.chars().count() > MOST {
        shown.push_str(&format!("… ({} bytes)", bytes.len()));
    }
    shown
}
