//! Requests that are wrong before their body is looked at: method, content type, encoding.

use crate::event::Event;
use crate::target::ANSWER_DEADLINE;
use crate::wire::{End, Wire};
use crate::{Result, Target};
use reqwest::Method;
use serde_json::json;

/// 405 with what the path does take.
pub async fn a_wrong_method_is_refused_and_told_which_are_right(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let receipt = event.sign_up("ann@example.org", "Ann").await?.receipt;
    for (path, allowed) in [
        (event.signups_path(), &["GET", "POST"][..]),
        (event.receipt_path(&receipt), &["GET"]),
        (event.path(), &["GET"]),
        ("/v1/events".into(), &["POST"]),
        ("/openapi.json".into(), &["GET"]),
    ] {
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
        ] {
            if allowed.contains(&method) {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes())?;
            let answer = target.request(method.clone(), &path).send().await?;
            answer.problem(405, "method_not_allowed")?;
            let allow = answer.required_header("allow")?;
            let named: Vec<&str> = allow.split(',').map(str::trim).collect();
            answer.ensure(
                allowed.iter().all(|right| named.contains(right))
                    && !named.contains(&method.as_str()),
                format!("Allow to name {allowed:?} and not {method}"),
            )?;
        }
    }
    event.holds(&["ann@example.org"]).await?;
    Ok(())
}

/// HEAD answers like GET, without the body.
pub async fn head_answers_like_get_without_a_body(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let receipt = event.sign_up("ann@example.org", "Ann").await?.receipt;
    event.recorded(&receipt).await?;
    for path in [
        event.path(),
        event.receipt_path(&receipt),
        event.receipt_path("qzxv"),
        "/openapi.json".into(),
        "/".into(),
        "/qzxv".into(),
    ] {
        let get = target.get(&path).send().await?;
        let head = target.request(Method::HEAD, &path).send().await?;
        head.ensure(
            head.status == get.status && head.header("content-type") == get.header("content-type"),
            format!("the status and content type of GET, {}", get.status),
        )?;
        head.ensure(head.body.is_empty(), "no body")?;
    }
    Ok(())
}

/// A body without a content type, or with another than JSON: 415.
pub async fn a_body_that_is_not_said_to_be_json_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let body = json!({"email": "qzxv@example.org", "name": "qzxv"}).to_string();
    for content_type in [
        None,
        Some(""),
        Some("text/plain"),
        Some("text/html; charset=utf-8"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/octet-stream"),
        Some("application/xml"),
        Some("application/jsonx"),
        Some("application"),
        Some("*/*"),
        Some("qzxv"),
    ] {
        let request = target.post(&event.signups_path()).body(body.clone());
        let request = match content_type {
            None => request,
            Some(content_type) => request.header("content-type", content_type),
        };
        let answer = request.send().await?;
        answer.problem(415, "unsupported_media_type")?;
        answer.never_echoes("qzxv")?;
    }
    let request = target.post("/v1/events").organiser(target);
    let answer = request.body(r#"{"name":"A"}"#).send().await?;
    answer.problem(415, "unsupported_media_type")?;
    event.stored_nothing().await
}

/// JSON in any case and with a charset is JSON.
pub async fn json_is_taken_in_any_case_and_with_a_charset(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let mut emails = Vec::new();
    for (i, content_type) in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
        "APPLICATION/JSON ; CHARSET=\"utf-8\"",
    ]
    .iter()
    .enumerate()
    {
        let email = format!("p{i}@example.org");
        let request = target
            .post(&event.signups_path())
            .header("content-type", content_type)
            .body(json!({"email": email, "name": "Ann"}).to_string());
        request.send().await?.expect(&[201, 202])?;
        emails.push(email);
    }
    event.holds(&emails).await?;
    Ok(())
}

/// A body with a `Content-Encoding` is refused, whatever is in it: no bombs.
pub async fn an_encoded_body_is_refused(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let body = json!({"email": "qzxv@example.org", "name": "qzxv"}).to_string();
    for encoding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "GZIP",
        "gzip, gzip",
        "qzxv",
    ] {
        let request = event.target.post(&event.signups_path());
        let request = request.header("content-encoding", encoding);
        let answer = request.raw_json(body.clone()).send().await?;
        answer.problem(415, "unsupported_encoding")?;
        answer.never_echoes("qzxv")?;
    }
    event.stored_nothing().await
}

/// What is not HTTP is answered with 400 or a closed connection, and disturbs nobody.
pub async fn what_is_not_http_is_turned_away(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let path = event.signups_path();
    for text in [
        "qzxv\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        // The start of a TLS handshake.
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n".to_owned(),
        format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: qzxv\r\n\r\n"),
        format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
        ),
        format!("POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: qzxv\r\n\r\n"),
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nqz\0xv: a\r\n\r\n".to_owned(),
    ] {
        let mut wire = Wire::connect(target).await?;
        wire.send(text.as_bytes()).await?;
        if let End::Answered(answer) = wire.end(ANSWER_DEADLINE).await? {
            answer.ensure((400..500).contains(&answer.status), "a 4xx")?;
        }
    }
    event.stored_nothing().await
}

/// A client that goes away in the middle of its body has signed nobody up.
pub async fn a_body_broken_off_has_no_effect(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let body = json!({"email": "ann@example.org", "name": "Ann"}).to_string();
    for sent in [0, 1, body.len() / 2, body.len() - 1, body.len()] {
        let mut wire = Wire::connect(target).await?;
        // One byte more is announced than ever comes.
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            event.signups_path(),
            wire.host,
            body.len() + 1,
        );
        wire.send(&[head.as_bytes(), &body.as_bytes()[..sent]].concat())
            .await?;
    }
    event.stored_nothing().await
}
