//! A service that has too much to do refuses, cheaply and without effect, and says when to come
//! again.

use crate::answer::Answer;
use crate::event::Event;
use crate::exposition::sum;
use crate::wire::Wire;
use crate::{Result, Target};
use futures::future::try_join_all;
use std::time::Duration;

/// Most requests in a burst, which with their answers' sockets stay within 1,024 open files.
const MOST: usize = 400;

/// How long to wait for the answer of one among many.
const ANSWERED: Duration = Duration::from_secs(10);

/// More signups at once than a service works on: each is answered, with a receipt or with 503 and
/// `Retry-After`. What it took is stored, what it refused is not, and then it serves as ever.
pub async fn a_burst_is_answered_and_what_is_refused_has_no_effect(target: &Target) -> Result {
    let event = Event::open(target).await?;
    let places = limit(target).await?;
    let emails: Vec<_> = (0..MOST.min(places * 3 / 2))
        .map(|number| format!("p{number}@example.org"))
        .collect();
    let answers = try_join_all(emails.iter().map(|email| sign_up(&event, email))).await?;
    let mut kept = Vec::new();
    for (answer, email) in answers.into_iter().zip(emails) {
        if answer.status == 503 {
            refused(&answer)?;
        } else {
            answer.expect(&[201, 202])?;
            kept.push(email);
        }
    }
    let last = "last@example.org".to_owned();
    event.sign_up_patiently(&last).await?.expect(&[201, 202])?;
    kept.push(last);
    event.holds(&kept).await?;
    Ok(())
}

/// Signs up over a connection of its own.
async fn sign_up(event: &Event<'_>, email: &str) -> Result<Answer> {
    let mut wire = Wire::connect(event.target).await?;
    let body = format!(r#"{{"email":"{email}","name":"Participant"}}"#);
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        event.signups_path(),
        wire.host,
        body.len(),
    );
    wire.send(request.as_bytes()).await?;
    wire.answer(ANSWERED).await
}

fn refused(answer: &Answer) -> Result {
    answer.problem(503, "unavailable")?;
    let retry_after = answer.required_header("retry-after")?;
    answer.ensure(
        retry_after.parse::<u32>().is_ok_and(|seconds| seconds > 0),
        "Retry-After in whole seconds",
    )?;
    Ok(())
}

/// How many requests one instance works on at once, as it says itself.
async fn limit(target: &Target) -> Result<usize> {
    let answer = target.probe("/metrics")?.send().await?.expect(&[200])?;
    sum(
        std::str::from_utf8(&answer.body)?,
        "http_requests_in_flight_limit",
    )
}
