//! One in-flight slot: a goose user that takes one request at a time, sends it, reads the whole
//! answer and writes it down.

use super::limit::Limit;
use super::progress::Progress;
use super::shared::Shared;
use super::ticket::{Request, Ticket};
use goose::goose::{GooseUser, TransactionResult};
use lab_truth::evidence::{Attempt, Kind};
use lab_truth::plan::Next;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// No answer within this is a timeout. The contract answers within 2 s, so it is generous.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The one goose transaction of a slot: waits for tickets and serves them, until no more will
/// follow. goose's own loop around a transaction is gone through once, not for every request.
pub(super) async fn serve(user: &mut GooseUser, shared: &Shared) -> TransactionResult {
    // goose ends a user that has made as many iterations as its configuration says, and a run
    // whose users have all ended.
    user.config.iterations = Some(1);
    let slot = shared.numbered.fetch_add(1, Ordering::Relaxed);
    let mut limit = Limit::new(REQUEST_TIMEOUT, shared.stop.clone());
    while let Some(ticket) = shared.feed.take(slot).await {
        if shared.stop.is_cancelled() {
            Progress::add(&shared.progress.dropped);
        } else {
            let attempt = send(shared, &mut limit, &ticket).await;
            follow_up(shared, &ticket, &attempt);
            write_down(shared, attempt);
            // An error would say that goose has ended. The attempt is in the log all the same.
            let _ = record(user, &attempt).await;
        }
        // Last, and seen by the pacer after the follow-up: see `Pacer::is_done`.
        shared.open.fetch_sub(1, Ordering::AcqRel);
    }
    Ok(())
}

fn write_down(shared: &Shared, attempt: Attempt) {
    let log = shared.log.lock();
    log.unwrap_or_else(PoisonError::into_inner).push(attempt);
}

async fn send(shared: &Shared, limit: &mut Limit, ticket: &Ticket) -> Attempt {
    shared.progress.request_begins();
    let sent_us = ticket.clock.now_us();
    let answer = shared.client.send(&ticket.request, limit).await;
    let arrival = ticket.request.arrival;
    let attempt = Attempt {
        intended_us: arrival.at_ns / 1_000,
        sent_us,
        answered_us: ticket.clock.now_us(),
        participant: arrival.participant,
        kind: arrival.kind,
        number: arrival.number,
        ending: answer.ending,
        receipt: answer.receipt,
        state: answer.state,
        provenance: answer.provenance,
        waited_for_slot: ticket.waited_for_slot,
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
            let _ = shared.follow_ups.send(Request { arrival, receipt });
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
    let success = attempt.ending.is_success();
    // For goose's summary of errors; without one it makes up a longer text.
    let error = (!success).then(|| attempt.ending.to_string());
    user.record_custom_request_duration(
        method,
        attempt.kind.as_str(),
        Duration::from_micros(attempt.latency_us()),
        success,
        attempt.ending.status(),
        error.as_deref(),
    )
    .await
}
