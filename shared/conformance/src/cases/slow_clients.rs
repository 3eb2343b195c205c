//! Clients that send too slowly are let go within 5 s, those that read nothing soon after, and neither
//! keeps anybody else waiting.

use crate::event::Event;
use crate::wire::{End, Wire};
use crate::{Result, Target};
use std::time::Duration;

/// 5 s by the contract, and what a busy machine needs to notice.
const LET_GO_WITHIN: Duration = Duration::from_millis(5_500);

/// How long a client may read nothing before it is let go: long enough for a reader that stands still
/// for 8 s, and what a busy machine needs to notice.
const UNREAD_WITHIN: Duration = Duration::from_secs(25);

/// Slow bodies that are sent at once: more than the 256 requests which a service of the lab works on at
/// once, and with their clients' sockets within 1,024 open files.
const SLOW_BODIES: usize = 300;

const A_SECOND: Duration = Duration::from_secs(1);

/// A header that never ends.
pub async fn a_header_that_never_ends_is_cut_off(target: &Target) -> Result {
    let mut wire = Wire::connect(target).await?;
    wire.send(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        .await?;
    let end = wire.end_while_sending(b"q", A_SECOND, LET_GO_WITHIN);
    let_go(end.await?, false)
}

/// A connection on which nothing is ever sent.
pub async fn a_silent_connection_is_closed(target: &Target) -> Result {
    let mut wire = Wire::connect(target).await?;
    let_go(wire.end(LET_GO_WITHIN).await?, false)
}

/// A body that is announced and never comes: closed, or 408.
pub async fn a_body_that_never_comes_is_given_up(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let mut wire = Wire::connect(target).await?;
    wire.send(head(&event, &wire).as_bytes()).await?;
    let_go(wire.end(LET_GO_WITHIN).await?, true)?;
    event.stored_nothing().await
}

/// A body of one byte a second: closed, or 408. Each byte does not start the clock again.
pub async fn a_body_of_one_byte_a_second_is_given_up(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let mut wire = Wire::connect(target).await?;
    wire.send(head(&event, &wire).as_bytes()).await?;
    let end = wire.end_while_sending(b" ", A_SECOND, LET_GO_WITHIN);
    let_go(end.await?, true)?;
    event.stored_nothing().await
}

/// While 100 slow clients are connected, others are served as ever.
pub async fn slow_clients_keep_nobody_else_waiting(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let mut slow = Vec::new();
    for i in 0..100 {
        let mut wire = Wire::connect(target).await?;
        let head = head(&event, &wire);
        // Half of them within the header, half within the body.
        let sent = if i % 2 == 0 {
            head.len() / 2
        } else {
            head.len()
        };
        wire.send(&head.as_bytes()[..sent]).await?;
        slow.push(wire);
    }
    let emails = event.sign_up_many(20).await?;
    event.holds(&emails).await?;
    drop(slow);
    Ok(())
}

/// While more bodies are awaited than a service works on requests, others are served as ever: what is
/// not all there takes no place.
pub async fn slow_bodies_take_nobodys_place(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let mut slow = Vec::new();
    for _ in 0..SLOW_BODIES {
        let mut wire = Wire::connect(target).await?;
        wire.send(head(&event, &wire).as_bytes()).await?;
        slow.push(wire);
    }
    let emails = event.sign_up_many(20).await?;
    event.show().await?;
    event.holds(&emails).await?;
    drop(slow);
    Ok(())
}

/// A client that asks again and again and never reads an answer: a write has a deadline, too.
pub async fn a_client_that_reads_nothing_is_let_go(target: &Target) -> Result {
    let mut wire = Wire::connect_to_read_little(target).await?;
    let request = get(&wire);
    wire.refused_while_sending(request.as_bytes(), UNREAD_WITHIN)
        .await
}

/// While 100 clients have asked 400 times each and read nothing, others are served as ever.
pub async fn clients_that_read_nothing_keep_nobody_else_waiting(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let mut unread = Vec::new();
    for _ in 0..100 {
        let mut wire = Wire::connect_to_read_little(target).await?;
        let requests = get(&wire).repeat(400);
        wire.send_what_fits(requests.as_bytes())?;
        unread.push(wire);
    }
    let emails = event.sign_up_many(20).await?;
    event.holds(&emails).await?;
    drop(unread);
    Ok(())
}

fn get(wire: &Wire) -> String {
    format!("GET /openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", wire.host)
}

fn head(event: &Event<'_>, wire: &Wire) -> String {
    format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 60\r\n\r\n",
        event.signups_path(),
        wire.host,
    )
}

/// Expects a closed connection or 408. The HTTP library may answer a slow header by itself,
/// without a body; for a slow body the answer is ours.
fn let_go(end: End, ours: bool) -> Result {
    match end {
        End::Closed => Ok(()),
        End::Answered(answer) if ours => answer.problem(408, "timeout").map(|_| ()),
        End::Answered(answer) => answer.expect(&[408]).map(|_| ()),
    }
}
