//! Three counts of the same signups: the generator's, the service's and the rows.

use crate::record::{Reason, Run};

/// Where the counts do not agree. Not for a run with a fault: a killed server forgets what it counted.
pub(super) fn disagree(run: &Run) -> Vec<Reason> {
    [requests(run), acknowledged(run), new_rows(run)]
        .into_iter()
        .flatten()
        .collect()
}

/// They may differ by the requests whose answer was lost. A refusal may also have been the balancer's
/// own, with no server behind it, and then no server has counted it. A slow body is a signup request,
/// too, of which only the service knows whether it has counted it.
fn requests(run: &Run) -> Option<Reason> {
    let (generator, service) = (run.counts.generator_answers, run.counts.service_requests);
    let (unknown, refused) = (run.ledger.unknown, run.ledger.refused);
    let greedy = run
        .greedy
        .as_ref()
        .map_or(0, |of| of.slow_bodies.connections);
    let apart = generator > service + unknown + refused || service > generator + unknown + greedy;
    apart.then(|| Reason::CountsDisagree {
        what: "signup requests".into(),
        generator,
        service,
    })
}

fn acknowledged(run: &Run) -> Option<Reason> {
    let (generator, service) = (run.counts.generator_acked, run.counts.service_acked);
    let apart = generator.abs_diff(service) > run.ledger.unknown;
    apart.then(|| Reason::CountsDisagree {
        what: "acknowledged signups".into(),
        generator,
        service,
    })
}

/// A 201 says that this very request made the row, a 200 that an earlier one had: something was
/// stored and not told, or told twice, when there are not as many 201s as rows. A request that was
/// stored and whose answer was lost explains it, and behind an answer 202 nothing was stored yet.
fn new_rows(run: &Run) -> Option<Reason> {
    let counts = &run.counts;
    let queued = run.answers.get("signup").and_then(|by| by.get("202"));
    if run.ledger.unknown > 0 || queued.is_some() {
        return None;
    }
    let new = counts.generator_acked.saturating_sub(counts.repeats);
    (new != counts.rows).then_some(Reason::RowsDisagree {
        new,
        repeats: counts.repeats,
        rows: counts.rows,
    })
}
