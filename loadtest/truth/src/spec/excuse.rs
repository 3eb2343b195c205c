//! What a fault may cost, and for how long: the promises of every phase hold outside this, and of a
//! part whose loss may cost nothing they hold inside, too.

use super::FaultKind;

/// What a fault on one service excuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excuse {
    /// Refused, failed and late answers, from its begin until so many seconds after its end.
    pub answers_s: Option<u32>,
    /// A backlog that is not yet worked off.
    pub recording: bool,
}

/// Starting again, or letting go of a stalled connection, under the caps of a phase.
const PROCESS_S: u32 = 5;
/// A database also recovers from its log first.
const DATABASE_S: u32 = 15;
/// RabbitMQ at 0.16 CPU needs 17 to 29 s to start (NOTES N42); the servers connect anew after that.
const QUEUE_S: u32 = 45;

/// What a fault of this kind on the Compose service `target` may cost.
#[must_use]
pub fn excuse(kind: FaultKind, target: &str) -> Excuse {
    // The name of the part, without its phase and its number.
    let part = target.split_once('-').map_or(target, |(_, part)| part);
    let part = part.split('-').next().unwrap_or(part);
    let (answers_s, recording) = match part {
        // Nobody waits for it, or what it holds is elsewhere, too.
        "replica" | "redis" => (None, false),
        // Behind the queue: signups are accepted without it.
        "writer" | "shard" => (None, true),
        "queue" => (Some(QUEUE_S), true),
        "database" | "primary" => (Some(DATABASE_S), true),
        // Servers, gateways, balancers: what is in flight is lost, and a neighbour takes over, if any.
        _ => (Some(PROCESS_S), true),
    };
    Excuse {
        answers_s: answers_s.filter(|_| kind != FaultKind::Empty),
        recording,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_excuses_what_its_part_is_needed_for_and_no_more() {
        let kill = |target| excuse(FaultKind::Kill, target);
        assert_eq!(kill("phase2-replica").answers_s, None);
        assert!(!kill("phase2-redis").recording && kill("phase3-shard-0").recording);
        assert_eq!(kill("phase3-writer").answers_s, None);
        assert_eq!(kill("phase3-gateway-1").answers_s, Some(PROCESS_S));
        assert!(kill("phase3-queue").answers_s > kill("phase1-database").answers_s);
    }
}
