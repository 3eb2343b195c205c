//! One in-flight slot: a goose user that takes one request at a time, sends it, reads the whole
//! answer and writes it down.

use super::Shared;
use super::progress::Progress;
use crate::attempt::{Attempt, Kind, Outcome};
use crate::generator::exchange::Answer;
use crate::generator::pacer::Ticket;
use crate::scenario::Next;
use goose::goose::{GooseUser, TransactionResult};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// One goose transaction: waits for a ticket and serves it. When no ticket will follow, it lets
/// its goose user end.
pub(super) async fn serve(user: &mut GooseUser, shared: &Shared) -> TransactionResult {
    let Ok(ticket) = shared.untaken.recv().await else {
        // goose ends a user that has made as many iterations as its configuration says, and a run
        // whose users have all ended. The transaction that says so is the last.
        user.config.iterations = Some(1);
        return Ok(());
    };
    if shared.stop.is_cancelled() {
        Progress::add(&shared.progress.dropped);
        shared.open.fetch_sub(1, Ordering::AcqRel);
        return Ok(());
    }
    let attempt = exchange(shared, &ticket).await;
    follow_up(shared, &ticket, &attempt);
    shared
        .log
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(attempt);
    let recorded = record(user, &attempt).await;
    // Last, and seen by the pacer after the follow-up: see `Pacer::is_done`.
    shared.open.fetch_sub(1, Ordering::AcqRel);
    recorded
}

async fn exchange(shared: &Shared, ticket: &Ticket) -> Attempt {
    shared.progress.request_begins();
    let sent_us = ticket.clock.now_us();
    let answer = shared.exchange.send(&ticket.request);
    let answer = shared.stop.run_until_cancelled(answer).await;
    let answer = answer.unwrap_or(Answer::without(Outcome::Broken));
    let arrival = ticket.request.arrival;
    let attempt = Attempt {
        intended_us: arrival.at_ns / 1_000,
        sent_us,
        answered_us: ticket.clock.now_us(),
        participant: arrival.participant,
        kind: arrival.kind,
        number: arrival.number,
        outcome: answer.outcome,
        receipt: answer.receipt,
        state: answer.state,
        source: answer.source,
    };
    shared.progress.request_ends(&attempt);
    attempt
}

fn follow_up(shared: &Shared, ticket: &Ticket, attempt: &Attempt) {
    match shared.scenario.next(&ticket.request.arrival, attempt) {
        Next::Nothing => {}
        Next::Arrival(arrival) => {
            let receipt = attempt.receipt.or(ticket.request.receipt);
            // The pacer gone means that the load is over; it has counted what was left.
            let _ = shared.follow_ups.send(super::Request { arrival, receipt });
        }
        Next::NoReceipt => Progress::add(&shared.without_receipt),
        Next::NeverRecorded => Progress::add(&shared.never_recorded),
    }
}

/// Tells goose, so that its own metrics count the same requests, with the same clock.
async fn record(user: &mut GooseUser, attempt: &Attempt) -> TransactionResult {
    let method = match attempt.kind {
        Kind::Signup => "POST",
        Kind::Event | Kind::Receipt | Kind::Count => "GET",
    };
    user.record_custom_request_duration(
        method,
        attempt.kind.as_str(),
        Duration::from_micros(attempt.latency_us()),
        attempt.outcome.is_success(),
        attempt.outcome.status(),
        None,
    )
    .await
}
