//! How many files this process may have open: a connection is one. A login shell gives 1,024, and a
//! generator that runs into that books its own limit as the service's.

use anyhow::ensure;
use lab_truth::spec::GreedyClients;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is asked for, where the system allows as much.
const WANTED: u64 = 65_536;

/// Files that are open beside the connections of a load: databases, the engine, results.
const BESIDE: u64 = 256;

/// Raises the limit as far as this process may; returns what it is then.
#[must_use]
pub fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let reachable = WANTED.min(maximum.unwrap_or(WANTED));
    if current.is_some_and(|current| current < reachable) {
        let wanted = Rlimit {
            current: Some(reachable),
            maximum,
        };
        // Refused, it stays as it was, and `check` says so.
        let _ = setrlimit(Resource::Nofile, wanted);
    }
    limit()
}

/// What it is.
#[must_use]
pub fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many connections a load may have, greedy clients' included.
#[must_use]
pub fn connections() -> u64 {
    left(limit())
}

/// Whether so many slots, and these greedy clients beside them, can each have a connection.
///
/// # Errors
/// When they cannot; the message says how to mend it.
pub fn check(slots: u32, greedy: &GreedyClients) -> anyhow::Result<()> {
    fits(slots, greedy, limit())
}

fn left(limit: u64) -> u64 {
    limit.saturating_sub(BESIDE)
}

fn fits(slots: u32, greedy: &GreedyClients, limit: u64) -> anyhow::Result<()> {
    let (most, wanted) = (left(limit), u64::from(slots) + greedy.all());
    let beside = match greedy.is_none() {
        true => String::new(),
        false => format!(" and {greedy}"),
    };
    ensure!(
        wanted <= most,
        "--slots {slots}{beside}: this process may open {limit} files, which leaves {most} connections; \
         raise the limit (`ulimit -n {}`), or take fewer",
        wanted + BESIDE
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_slots_than_connections_are_refused_with_what_to_do() {
        let none = GreedyClients::default();
        assert!(fits(2_048, &none, 16_384).is_ok() && fits(768, &none, 1_024).is_ok());
        let error = fits(2_048, &none, 1_024).unwrap_err().to_string();
        assert!(
            error.contains("leaves 768 connections") && error.contains("ulimit -n 2304"),
            "{error}"
        );
    }

    #[test]
    fn greedy_clients_need_a_connection_each_beside_the_slots() {
        let greedy = GreedyClients {
            slow_headers: 2_000,
            slow_bodies: 2_000,
            stalled_readers: 500,
        };
        assert!(fits(2_048, &greedy, 6_804).is_ok());
        let error = fits(2_048, &greedy, 6_803).unwrap_err().to_string();
        assert!(
            error.contains("--slots 2048 and 2,000 slow headers, 2,000 slow bodies, 500 stalled")
                && error.contains("ulimit -n 6804"),
            "{error}"
        );
    }

    #[test]
    fn the_limit_is_raised_to_what_is_allowed_and_never_lowered() {
        let before = limit();
        let raised = raise();
        assert!(raised >= before);
        let maximum = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        assert!(raised >= WANTED.min(maximum), "{raised} {maximum}");
    }
}
