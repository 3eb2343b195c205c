//! The page that a participant uses. The event and its count are written into it here, so that they
//! are seen without a script; the script signs up and checks receipts over the API.

use crate::SignupStore;
use crate::problem::{Code, Problem};
use crate::routes::api::{Api, InEvent};
use askama::Template;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use hyper::http;
use signup_domain::{Event, EventId, LAUNCH_DAY, StoreError};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use tokio::time::{Instant as Clock, timeout_at};

const HTML: &str = "text/html";
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// How long a page waits for its count: with what else it takes it is there within 2 s, as every answer.
const COUNT_DEADLINE: Duration = Duration::from_millis(1_600);

/// Beside every page. The policy allows nothing that stands in the page itself, so that markup that
/// got past the escaping would do nothing.
const HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
];

#[derive(Template)]
#[template(path = "page.html")]
struct EventPage {
    id: String,
    name: String,
    opens_at: Option<Instant>,
    closes_at: Option<Instant>,
    count: Option<Count>,
}

/// A number of signups, and when it was counted.
struct Count {
    signups: String,
    as_of: Instant,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    title: &'static str,
    detail: &'static str,
}

/// A time, for the script and for a reader who has none.
struct Instant {
    iso: String,
    words: String,
}

/// The page of an event.
pub(crate) async fn of_event<S: SignupStore>(
    State(api): State<Arc<Api<S>>>,
    InEvent(event): InEvent,
) -> Result<Response, Problem> {
    show(&api, event).await
}

/// The page of the event that is there from the start.
pub(crate) async fn of_first_event<S: SignupStore>(
    State(api): State<Arc<Api<S>>>,
) -> Result<Response, Problem> {
    show(&api, LAUNCH_DAY).await
}

async fn show<S: SignupStore>(api: &Api<S>, event: EventId) -> Result<Response, Problem> {
    let deadline = Clock::now() + COUNT_DEADLINE;
    let shown = api.read(async {
        let described = api.store.describe(event).await?;
        // The form needs no count, and the script asks for one again.
        let counted = timeout_at(deadline, api.store.event(event)).await;
        Ok((described, counted.ok().and_then(Result::ok)))
    });
    let (event, counted) = shown.await?;
    let counted = counted.map(|found| (found.value.signups, found.value.as_of));
    let page = EventPage::new(event, counted).map_err(fault)?;
    let html = page.render().map_err(fault)?;
    Ok((HEADERS, Html(html)).into_response())
}

/// A page that cannot be written.
fn fault(error: impl Display) -> Problem {
    StoreError::Internal(format!("cannot write the page: {error}")).into()
}

/// A file that the page refers to. After a deployment it may be an old one for five minutes.
pub(crate) async fn asset(file: Result<Path<String>, PathRejection>) -> Result<Response, Problem> {
    let Path(file) = file.map_err(|_| Code::NotFound)?;
    let (content_type, text) = match file.as_str() {
        "page.css" => ("text/css; charset=utf-8", STYLE),
        "page.js" => ("text/javascript; charset=utf-8", SCRIPT),
        _ => return Err(Code::NotFound.into()),
    };
    let headers = [
        ("content-type", content_type),
        ("cache-control", "public, max-age=300"),
        ("x-content-type-options", "nosniff"),
    ];
    Ok((headers, text).into_response())
}

/// Whether a browser asks, to show the answer to a person.
pub(crate) fn is_for_a_person(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.split([',', ';']).any(|kind| kind.trim() == HTML))
}

/// Turns the answer to a failed request for a page into a page. Status and headers such as
/// `Retry-After` stay.
pub(crate) fn show_problem(response: &mut Response, code: Code) {
    let page = ProblemPage {
        title: code.status().canonical_reason().unwrap_or_default(),
        detail: code.detail(),
    };
    if let Ok(html) = page.render() {
        *response.body_mut() = Body::from(html);
        for (name, value) in HEADERS {
            let headers = response.headers_mut();
            headers.insert(name, HeaderValue::from_static(value));
        }
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
    }
}

impl EventPage {
    fn new(
        event: Event,
        counted: Option<(u64, OffsetDateTime)>,
    ) -> Result<Self, time::error::Format> {
        Ok(Self {
            id: event.id.to_string(),
            name: event.name,
            opens_at: event.opens_at.map(Instant::new).transpose()?,
            closes_at: event.closes_at.map(Instant::new).transpose()?,
            count: counted.map(Count::new).transpose()?,
        })
    }
}

impl Count {
    fn new((signups, as_of): (u64, OffsetDateTime)) -> Result<Self, time::error::Format> {
        Ok(Self {
            signups: grouped(signups),
            as_of: Instant::new(as_of)?,
        })
    }
}

impl Instant {
    fn new(time: OffsetDateTime) -> Result<Self, time::error::Format> {
        let words =
            format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
        Ok(Self {
            iso: time.format(&Rfc3339)?,
            words: time.format(words)?,
        })
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use signup_domain::{Event, EventSalt};
    use time::macros::datetime;

    /// The page of an event of this name, with so many signups.
    fn page(name: &str, signups: Option<u64>) -> String {
        let event = Event {
            id: LAUNCH_DAY,
            name: name.into(),
            opens_at: None,
            closes_at: Some(datetime!(2100-01-02 03:04:05 UTC)),
            salt: EventSalt::new([0; 32]),
        };
        let counted = signups.map(|signups| (signups, OffsetDateTime::UNIX_EPOCH));
        EventPage::new(event, counted).unwrap().render().unwrap()
    }

    #[test]
    fn a_page_says_what_is_known_of_the_event() {
        let page = page("</title><script>alert(1)</script>", Some(1_234));
        assert!(!page.contains("<script>"), "{page}");
        assert!(page.contains(">1,234<"), "{page}");
        assert!(page.contains("2 January 2100, 03:04 UTC"), "{page}");
        assert!(!page.contains("at any time"), "{page}");
    }

    #[test]
    fn a_page_without_a_count_has_its_form_and_a_place_for_the_count() {
        let page = page("Launch day", None);
        assert!(page.contains("<form id=\"signup\""), "{page}");
        assert!(page.contains("id=\"counted\" hidden"), "{page}");
        assert!(!page.contains("1970"), "{page}");
    }

    #[test]
    fn thousands_are_separated() {
        let numbers = [0, 12, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "12", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn the_script_finds_every_element_it_names() {
        let named = SCRIPT.split("element('").skip(1);
        let ids: Vec<_> = named.filter_map(|rest| rest.split('\'').next()).collect();
        assert!(ids.len() > 10, "{ids:?}");
        for page in [page("Launch day", Some(1)), page("Launch day", None)] {
            for id in &ids {
                assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
            }
        }
    }

    #[test]
    fn the_script_has_words_for_what_can_be_wrong_with_a_signup() {
        for code in [
            Code::MissingField,
            Code::InvalidField,
            Code::TooLong,
            Code::InvalidCharacter,
            Code::InvalidEmail,
            Code::EventNotOpen,
            Code::EventClosed,
        ] {
            assert!(
                SCRIPT.contains(&format!(" {}: '", code.as_str())),
                "{code:?}"
            );
        }
    }
}
