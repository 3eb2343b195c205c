//! Dead letters: what nobody can read and what a shard refuses is put aside alone, and says why
//! without saying whose it is.

use crate::parts::{Parts, names, until};
use signup_testbed::{Message, Mode};
use std::collections::BTreeMap;

/// Waits until there are so many dead letters, and takes them.
async fn letters(parts: &Parts, count: u32) -> Vec<Message> {
    let dead = parts.queues.dead();
    until("the dead letters are there", async || {
        parts.queues.ready(&dead).await.unwrap() >= count
    })
    .await;
    parts.queues.take_all(&dead).await
}

/// The header of a dead letter: `reason` alone.
fn reason(letter: &Message) -> &str {
    let names: Vec<&String> = letter.headers.keys().collect();
    assert_eq!(names, ["reason"], "{:?}", letter.headers);
    &letter.headers["reason"]
}

/// What nobody can read, and why: made of a frame of this shard and one of the other.
fn unreadable(mine: &[u8], others: &[u8]) -> BTreeMap<Vec<u8>, &'static str> {
    let patched = |at: usize, to: u8| {
        let mut frame = mine.to_vec();
        frame[at] = to;
        frame
    };
    let longer = [mine, b"p-000@example.org"].concat();
    BTreeMap::from([
        (b"p-000@example.org wants in".to_vec(), "unknown version"),
        (Vec::new(), "truncated or too long"),
        (mine[..mine.len() - 1].to_vec(), "truncated or too long"),
        (longer, "truncated or too long"),
        (patched(0, 2), "unknown version"),
        // The last byte of the map's version.
        (
            patched(4, 9),
            "for shard 0 by map version 9, not shard 0 by 1",
        ),
        // The last byte is a name's: no UTF-8 ends so.
        (patched(mine.len() - 1, 0xff), "text that is not UTF-8"),
        (
            others.to_vec(),
            "for shard 1 by map version 1, not shard 0 by 1",
        ),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_message_is_put_aside_alone_and_says_why_without_saying_whose() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let names = names("p", 60);
    for burst in names.chunks(20) {
        gateway.accept_all(burst).await;
    }
    let (mine, others) = (parts.queues.queue(0), parts.queues.queue(1));
    let frames = parts.queues.take_all(&mine).await;
    let theirs = parts.queues.take_all(&others).await;
    let bad = unreadable(&frames[0].body, &theirs[0].body);
    for frame in &theirs {
        parts.queues.publish(&others, &frame.body).await;
    }
    // Between good ones, so that they come in one batch.
    let mut good = frames.iter();
    for body in bad.keys() {
        if let Some(frame) = good.next() {
            parts.queues.publish(&mine, &frame.body).await;
        }
        parts.queues.publish(&mine, body).await;
    }
    for frame in good {
        parts.queues.publish(&mine, &frame.body).await;
    }
    let writer = parts.writer(&[]).await;
    let last = gateway.flush(&parts).await;
    parts.hold_exactly(&[names, last].concat()).await;
    let letters = letters(&parts, u32::try_from(bad.len()).unwrap()).await;
    let said: Vec<(&[u8], &str)> = letters
        .iter()
        .map(|letter| (&letter.body[..], reason(letter)))
        .collect();
    assert_eq!(said.len(), bad.len(), "{said:?}");
    for (body, why) in said {
        // As it came, for whoever can read it.
        assert_eq!(bad.get(body), Some(&why), "{body:?}");
    }
    let counted = "queue_dead_letters_total{reason=\"unreadable\"}";
    assert_eq!(writer.metric(counted).await, bad.len() as f64);
}

/// A frame with a NUL in the name of its first signup of `names`, and whose it is. The service lets
/// none through, and PostgreSQL has no place for one.
fn with_nul(frame: &[u8], names: &[String]) -> (Vec<u8>, String) {
    let at = |name: &String| {
        let found = frame
            .windows(name.len())
            .rposition(|part| part == name.as_bytes());
        found.map(|at| (at, name.clone()))
    };
    let (at, name) = names.iter().find_map(at).unwrap();
    let mut frame = frame.to_vec();
    frame[at] = 0;
    (frame, name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signup_that_its_shard_refuses_is_put_aside_alone() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let mut names = names("p", 60);
    for burst in names.chunks(30) {
        gateway.accept_all(burst).await;
    }
    let queue = parts.queues.queue(0);
    let frames = parts.queues.take_all(&queue).await;
    let largest = frames.iter().max_by_key(|frame| frame.body.len()).unwrap();
    let (patched, refused) = with_nul(&largest.body, &names);
    names.retain(|name| *name != refused);
    for frame in &frames {
        let body = if frame.body == largest.body {
            &patched
        } else {
            &frame.body
        };
        parts.queues.publish(&queue, body).await;
    }
    let writer = parts.writer(&[]).await;
    let last = gateway.flush(&parts).await;
    parts.hold_exactly(&[names, last].concat()).await;
    let letters = letters(&parts, 1).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    // The code of PostgreSQL, and not its message, which may quote.
    assert_eq!(reason(&letters[0]), "refused: 22021");
    assert_eq!(letters[0].content_type, "application/json");
    let body: serde_json::Value = serde_json::from_slice(&letters[0].body).unwrap();
    let mut fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["email", "event", "id", "name", "signed_up_at"]);
    assert_eq!(body["email"], format!("{refused}@example.org"));
    assert_eq!(body["name"], format!("\0{}", &refused[1..]));
    let counted = "queue_dead_letters_total{reason=\"refused\"}";
    assert_eq!(writer.metric(counted).await, 1.0);
}

/// Readable, but of a time that neither PostgreSQL nor RFC 3339 has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signup_of_an_impossible_time_is_put_aside_and_stops_nobody() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    assert_eq!(gateway.sign_up("ann").await.status, 202);
    for shard in [0, 1] {
        let queue = parts.queues.queue(shard);
        for frame in parts.queues.take_all(&queue).await {
            let mut body = frame.body;
            // The time of the first signup: in the year 8031 before Christ.
            let micros = -10_000_i64 * 365 * 24 * 3600 * 1_000_000;
            body[41..49].copy_from_slice(&micros.to_be_bytes());
            parts.queues.publish(&queue, &body).await;
        }
    }
    let _writer = parts.writer(&[]).await;
    let last = gateway.flush(&parts).await;
    parts.hold_exactly(&last).await;
    let letters = letters(&parts, 1).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(reason(&letters[0]), "refused: 22008");
    let body: serde_json::Value = serde_json::from_slice(&letters[0].body).unwrap();
    assert_eq!(body["email"], "ann@example.org");
}

/// As with a memory alarm, which lets RabbitMQ read nothing from who publishes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_no_dead_letter_is_taken_it_waits_alone_and_signups_go_on() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    parts
        .execute(["ALTER TABLE signups ADD CHECK (name NOT LIKE 'bad%')"; 2])
        .await;
    let writer = parts.writer(&[]).await;
    // What it has goes on; a connection to publish on is not answered.
    writer.ways.queue.set(Mode::HangNew);
    let queue = parts.queues.queue(0);
    parts.queues.publish(&queue, b"unreadable").await;
    gateway.accept_all(&["bad".into()]).await;
    until("both are to be put aside", async || {
        writer.metric("queue_dead_letters_total").await == 2.0
    })
    .await;
    let mut kept = Vec::new();
    for round in ["one", "two", "three"] {
        let names = names(round, 20);
        gateway.accept_all(&names).await;
        parts.until_recorded(&names).await;
        kept.extend(names);
    }
    let dead = parts.queues.dead();
    assert_eq!(parts.queues.ready(&dead).await, Some(0));
    writer.ways.queue.set(Mode::Pass);
    let letters = letters(&parts, 2).await;
    let mut reasons: Vec<&str> = letters.iter().map(reason).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["refused: 23514", "unknown version"]);
    parts.hold_exactly(&kept).await;
    // Each of them was delivered once, and all are acknowledged: nothing is left for another writer.
    assert_eq!(writer.metric("queue_redelivered_messages_total").await, 0.0);
    writer.worker.stop().await;
    for shard in [0, 1] {
        let queue = parts.queues.queue(shard);
        assert_eq!(parts.queues.ready(&queue).await, Some(0));
    }
}

/// It is not lost either: whoever is stopped meanwhile leaves it to the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_that_waits_is_left_to_the_next_writer() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let writer = parts.writer(&[]).await;
    writer.ways.queue.set(Mode::HangNew);
    let queue = parts.queues.queue(0);
    parts.queues.publish(&queue, b"unreadable").await;
    until("it is to be put aside", async || {
        writer.metric("queue_dead_letters_total").await == 1.0
    })
    .await;
    writer.worker.stop().await;
    assert_eq!(parts.queues.ready(&parts.queues.dead()).await, Some(0));
    let _next = parts.writer(&[]).await;
    let letters = letters(&parts, 1).await;
    assert_eq!(reason(&letters[0]), "unknown version");
    let last = gateway.flush(&parts).await;
    parts.hold_exactly(&last).await;
}
