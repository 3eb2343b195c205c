//! The client against sockets that behave as services do at their worst.

use super::*;
use crate::load::ticket::Request as Asked;
use lab_truth::evidence::{CacheUse, ServedBy};
use lab_truth::plan::Arrival;
use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const TIMEOUT: Duration = Duration::from_millis(300);
const RECEIPT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A client of whoever listens at `address`, and a slot's limit.
fn client(address: std::net::SocketAddr) -> (Client, Limit) {
    let base = format!("http://{address}").parse().unwrap();
    let client = Client::new(&base, "e", Participants::new("test")).unwrap();
    let limit = Limit::new(TIMEOUT, CancellationToken::new());
    (client, limit)
}

async fn listen() -> (TcpListener, Client, Limit) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, limit) = client(listener.local_addr().unwrap());
    (listener, client, limit)
}

fn ask(kind: Kind, receipt: Option<Receipt>) -> Asked {
    let arrival = Arrival::new(0, 7, kind, 1);
    Asked { arrival, receipt }
}

fn created() -> String {
    let body = format!(r#"{{"receipt":"{RECEIPT}","status":"recorded"}}"#);
    format!(
        "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one request; what it was.
async fn hear(stream: &mut TcpStream) -> String {
    let mut heard = vec![0; 4_096];
    let length = stream.read(&mut heard).await.unwrap();
    heard.truncate(length);
    String::from_utf8(heard).unwrap()
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn what_is_sent_is_what_the_contract_asks_for() {
    let (listener, client, mut limit) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        for _ in 0..3 {
            heard.push(hear(&mut stream).await);
            let headers = "content-length: 0\r\nX-Served-By: replica\r\nX-Cache: MISS";
            say(
                &mut stream,
                &format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n"),
            )
            .await;
        }
        heard
    });
    let receipt = Receipt::parse(RECEIPT);
    for (kind, receipt) in [
        (Kind::Signup, None),
        (Kind::Event, None),
        (Kind::Receipt, receipt),
    ] {
        let answer = client.send(&ask(kind, receipt), &mut limit).await;
        assert_eq!(answer.ending, Ending::Status(200));
        let provenance = Provenance {
            served_by: ServedBy::Replica,
            cache: CacheUse::Miss,
        };
        assert_eq!(
            answer.provenance,
            (kind != Kind::Signup).then_some(provenance)
        );
    }
    // All on one connection.
    let heard = server.await.unwrap();
    let body = String::from_utf8(Participants::new("test").body(7)).unwrap();
    assert!(heard[0].starts_with("POST /v1/events/e/signups HTTP/1.1\r\n"));
    assert!(heard[0].contains("content-type: application/json\r\n"));
    assert!(heard[0].ends_with(&format!("content-length: {}\r\n\r\n{body}", body.len())));
    assert!(heard[1].starts_with("GET /v1/events/e HTTP/1.1\r\nhost: 127.0.0.1:"));
    let checked = format!("GET /v1/events/e/signups/{RECEIPT} HTTP/1.1\r\n");
    assert!(heard[2].starts_with(&checked));
}

#[tokio::test]
async fn an_answer_in_many_pieces_is_read_whole_and_one_cut_short_is_broken() {
    let (listener, client, mut limit) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        hear(&mut stream).await;
        // More than one read can bring, in chunks.
        say(&mut stream, "HTTP/1.1 201 Created\r\ntransfer-").await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        say(&mut stream, "encoding: chunked\r\n\r\n1\r\n{\r\n").await;
        let filling = format!("\"more\":\"{}\",", "x".repeat(100_000));
        say(
            &mut stream,
            &format!("{:x}\r\n{filling}\r\n", filling.len()),
        )
        .await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        let end = format!("\"receipt\":\"{RECEIPT}\",\"status\":\"accepted\"}}");
        say(
            &mut stream,
            &format!("{:x}\r\n{end}\r\n0\r\n\r\n", end.len()),
        )
        .await;
        // The same connection again.
        hear(&mut stream).await;
        say(&mut stream, created().trim_end_matches('}')).await;
    });
    let answer = client.send(&ask(Kind::Signup, None), &mut limit).await;
    assert_eq!(answer.ending, Ending::Status(201));
    assert_eq!(answer.receipt, Receipt::parse(RECEIPT));
    assert_eq!(answer.state, Some(State::Accepted));
    let answer = client.send(&ask(Kind::Signup, None), &mut limit).await;
    assert_eq!(answer.ending, Ending::Broken);
}

#[tokio::test]
async fn a_connection_that_was_closed_or_spoke_while_idle_is_not_used() {
    let (listener, client, mut limit) = listen().await;
    let server = tokio::spawn(async move {
        for parting in ["", "HTTP/1.1 408 Request Timeout\r\n\r\n", ""] {
            let (mut stream, _) = listener.accept().await.unwrap();
            hear(&mut stream).await;
            say(&mut stream, &created()).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            say(&mut stream, parting).await;
        }
    });
    for _ in 0..3 {
        let answer = client.send(&ask(Kind::Signup, None), &mut limit).await;
        assert_eq!(answer.ending, Ending::Status(201));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.await.unwrap();
}

/// The service closes the connection, and the request is written before Tokio has heard of it.
#[tokio::test]
async fn a_request_on_a_half_dead_connection_is_broken_and_not_repeated() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (client, mut limit) = client(listener.local_addr().unwrap());
    let (close, to_close) = mpsc::channel();
    let (closed, is_closed) = mpsc::channel();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let heard = stream.read(&mut [0; 4_096]).unwrap();
        stream.write_all(created().as_bytes()).unwrap();
        to_close.recv().unwrap();
        drop(stream);
        closed.send(()).unwrap();
        listener.set_nonblocking(true).unwrap();
        (heard, listener)
    });
    let answer = client.send(&ask(Kind::Signup, None), &mut limit).await;
    assert_eq!(answer.ending, Ending::Status(201));
    close.send(()).unwrap();
    // Blocks the runtime, so that it cannot hear.
    is_closed.recv().unwrap();
    let answer = client.send(&ask(Kind::Signup, None), &mut limit).await;
    assert_eq!(answer.ending, Ending::Broken);
    let (heard, listener) = server.join().unwrap();
    assert!(heard > 0);
    assert!(listener.accept().is_err(), "no second connection");
}

#[tokio::test]
async fn no_answer_is_a_timeout_and_its_connection_is_not_used_again() {
    let (listener, client, mut limit) = listen().await;
    let server = tokio::spawn(async move {
        let (mut silent, _) = listener.accept().await.unwrap();
        hear(&mut silent).await;
        let (mut stream, _) = listener.accept().await.unwrap();
        hear(&mut stream).await;
        say(&mut stream, &created()).await;
        // What comes too late is nobody's.
        assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    });
    let began = std::time::Instant::now();
    let answer = client.send(&ask(Kind::Signup, None), &mut limit).await;
    assert_eq!(answer.ending, Ending::Timeout);
    assert!(began.elapsed() >= TIMEOUT, "{:?}", began.elapsed());
    let answer = client.send(&ask(Kind::Signup, None), &mut limit).await;
    assert_eq!(answer.ending, Ending::Status(201));
    server.await.unwrap();
}

#[tokio::test]
async fn a_refused_connection_is_never_sent_on_and_one_cut_off_is_broken() {
    let (listener, client, mut limit) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        hear(&mut stream).await;
    });
    let answer = client.send(&ask(Kind::Signup, None), &mut limit).await;
    assert_eq!(answer.ending, Ending::Broken);
    server.await.unwrap();
    let answer = client.send(&ask(Kind::Signup, None), &mut limit).await;
    assert_eq!(answer.ending, Ending::NeverSent);
}

#[tokio::test]
async fn an_idle_connection_is_closed_before_a_service_would() {
    let (listener, client, mut limit) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        hear(&mut stream).await;
        say(&mut stream, &created()).await;
        let began = std::time::Instant::now();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        began.elapsed()
    });
    client.send(&ask(Kind::Signup, None), &mut limit).await;
    while !server.is_finished() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        client.sweep();
    }
    let idle = server.await.unwrap();
    assert!((1_900..3_500).contains(&idle.as_millis()), "{idle:?}");
}

#[test]
fn only_plain_http_is_spoken() {
    let new = |base: &str| Client::new(&base.parse().unwrap(), "e", Participants::new("test"));
    assert!(new("https://127.0.0.1:1").is_err());
    assert!(new("http://[::1]:1").is_ok());
    assert!(new("http://127.0.0.1").is_ok());
}
