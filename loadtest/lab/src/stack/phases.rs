//! What the lab knows of a phase: its addresses, its Compose services, and which of its parts can
//! be switched off. Nothing of its code.

mod known;
mod parts;

use lab_truth::spec::{Part, PhaseName};
pub use parts::{DatabaseAddress, Phase, QueueAddress, Role};

/// What the lab knows of a phase.
#[must_use]
pub fn phase(name: PhaseName) -> Phase {
    match name {
        PhaseName::Phase1 => known::PHASE1,
        PhaseName::Phase2 => known::PHASE2,
        PhaseName::Phase3 => known::PHASE3,
    }
}

/// The variable of the Compose file that switches a part: `on` or `off`. A balancer is left out by another
/// file.
#[must_use]
pub fn variable(part: Part) -> Option<&'static str> {
    match part {
        Part::Batch => Some("BATCH"),
        Part::Cache => Some("CACHE"),
        Part::Replica => Some("REPLICA"),
        Part::Queue => Some("QUEUE"),
        Part::Balancer => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_replica_copies_an_owner_of_its_phase() {
        for name in PhaseName::value_variants() {
            let phase = phase(*name);
            for database in phase.databases {
                assert!(phase.owns(database.service), "{database:?}");
                if let Role::Replica { of } = database.role {
                    let owner = phase.databases.iter().find(|other| other.service == of);
                    assert_eq!(owner.map(|owner| owner.role), Some(Role::Owner));
                }
            }
        }
    }

    #[test]
    fn shards_are_numbered_in_their_order_and_have_a_queue_each() {
        let phase = phase(PhaseName::Phase3);
        let roles = phase.databases.iter().map(|database| database.role);
        let numbered = (0..2).map(|number| Role::Shard { number });
        assert!(roles.eq(numbered));
        let queue = phase.queue.unwrap();
        assert_eq!(queue.queues.len(), phase.databases.len());
        assert!(phase.owns(queue.service) && !queue.queues.contains(&queue.dead_letters));
        assert_eq!(phase.without(Part::Queue).queue, None);
    }

    #[test]
    fn a_phase_owns_its_services_and_no_other() {
        let phase = phase(PhaseName::Phase2);
        assert!(phase.owns("phase2-redis") && !phase.owns("phase1-server"));
        assert!(!phase.owns("phase2") && !phase.owns("phase22-redis") && !phase.owns("prometheus"));
    }
}
