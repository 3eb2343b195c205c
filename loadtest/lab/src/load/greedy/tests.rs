//! Greedy clients against a service that puts up with them, and against one that does not.

use super::*;
use lab_truth::plan::Participants;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

const EVENT: &str = "00000000-0000-7000-8000-000000000001";

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base.parse().unwrap())
}

fn start(base: &Url, clients: GreedyClients) -> Greedy {
    let greedy = Greedy::start(base, EVENT, clients, Instant::now());
    greedy.unwrap().unwrap()
}

/// Reads until what came is `enough`, or the client has gone; returns all that came.
async fn read_until(stream: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8(read.clone()).unwrap();
        if enough(&text) || matches!(stream.read_buf(&mut read).await, Ok(0) | Err(_)) {
            return text;
        }
    }
}

/// Whether a slow client has sent a byte more, or a stalled one all its requests.
fn holds(text: &str) -> bool {
    let requests = text.matches("\r\n\r\n").count();
    text.contains("X-Slow: a") || text.contains("} ") || requests >= 200
}

#[tokio::test]
async fn each_holds_one_connection_and_never_ends_its_request_or_reads_its_answers() {
    let (listener, base) = listen().await;
    let greedy = start(
        &base,
        GreedyClients {
            slow_headers: 2,
            slow_bodies: 2,
            stalled_readers: 1,
        },
    );
    let holding = Arc::new(Semaphore::new(0));
    let mut connections = JoinSet::new();
    for _ in 0..5 {
        let (mut stream, _) = listener.accept().await.unwrap();
        let holding = Arc::clone(&holding);
        connections.spawn(async move {
            let mut text = read_until(&mut stream, holds).await;
            if text.starts_with("GET") && text.contains("\r\n\r\n") {
                // More than any buffer holds.
                let answers = vec![b'.'; 64 << 20];
                let written = stream.write_all(&answers);
                assert!(timeout(Duration::from_millis(300), written).await.is_err());
            }
            holding.add_permits(1);
            text += &read_until(&mut stream, |_| false).await;
            text
        });
    }
    holding.acquire_many(5).await.unwrap().forget();
    let seen = greedy.stop().await.unwrap();

    for (held, clients) in [
        (&seen.slow_headers, 2),
        (&seen.slow_bodies, 2),
        (&seen.stalled_readers, 1),
    ] {
        assert_eq!((held.open_max, held.connections), (clients, clients));
        assert!(held.open_mean > 0.0 && held.endings.is_empty(), "{held:?}");
    }
    let (bodies, heads): (Vec<_>, Vec<_>) = connections
        .join_all()
        .await
        .into_iter()
        .partition(|text| text.starts_with("POST"));
    let ended = heads.iter().filter(|text| text.contains("\r\n\r\n"));
    assert_eq!((bodies.len(), heads.len(), ended.count()), (2, 3, 1));
    for text in bodies {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = head.split_once("Content-Length: ").unwrap().1;
        assert!(body.len() < length.parse().unwrap(), "{text}");
        // It could be taken for a signup, and must not be: of nobody who takes part.
        let signup: serde_json::Value = serde_json::from_str(body).unwrap();
        let email = signup["email"].as_str().unwrap();
        assert_eq!(Participants::new("greedy").number(email), None);
    }
}

#[tokio::test]
async fn what_the_service_ends_is_counted_by_its_answer_and_comes_again() {
    let (listener, base) = listen().await;
    let greedy = start(
        &base,
        GreedyClients {
            slow_headers: 1,
            slow_bodies: 1,
            stalled_readers: 1,
        },
    );
    // A client that comes again has counted how the connection before ended.
    let (mut headers, mut bodies, mut readers) = (0, 0, 0);
    while headers.min(bodies).min(readers) < 2 {
        let (mut stream, _) = listener.accept().await.unwrap();
        let begun = |text: &str| text.contains("X-Slow: ") || text.contains("\r\n\r\n");
        let text = read_until(&mut stream, begun).await;
        if text.starts_with("POST") {
            bodies += 1;
        } else if text.contains("\r\n\r\n") {
            readers += 1;
        } else {
            headers += 1;
            let answer = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
            read_until(&mut stream, |_| false).await;
        }
    }
    let seen = greedy.stop().await.unwrap();
    assert!(seen.slow_headers.endings["408"] >= 1, "{seen:?}");
    for held in [&seen.slow_bodies, &seen.stalled_readers] {
        let endings = &held.endings;
        let silent = endings.keys().all(|how| how == "closed" || how == "reset");
        assert!(silent && !endings.is_empty(), "{endings:?}");
        assert!(held.connections >= 2 && held.open_max == 1, "{held:?}");
    }
}

#[tokio::test]
async fn an_attempt_to_connect_that_fails_is_counted_and_no_connection() {
    let (listener, base) = listen().await;
    drop(listener);
    let (target, tally) = (Target::new(&base, EVENT).unwrap(), Arc::default());
    let counted = async {
        while Tally::held(&tally).endings.is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = Client::slow_header(&target).hold(&target, &tally) => {}
        () = counted => {}
    }
    let held = tally.held();
    assert_eq!((held.connections, held.open_max), (0, 0));
    assert_eq!(held.endings["not_connected"], 1);
}
