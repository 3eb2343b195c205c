//! What the lab knows of a phase: its addresses, its Compose services, and which of its parts can
//! be switched off. Nothing of its code.

use clap::ValueEnum;
use std::fmt;

/// A phase that can be brought up and measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum PhaseName {
    /// The monolith: one server, one PostgreSQL.
    Phase1,
    /// Pooled, replicated, cached: two servers behind a balancer, a primary and its replica, a cache.
    Phase2,
}

/// Where a phase is reached, and what belongs to it.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    /// Compose profile, and the first part of each of its services' names.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Users it is built for.
    pub users: u32,
    /// The public port.
    pub url: &'static str,
    /// The Compose service behind it, which listens on port 8080 in its container.
    pub entry: &'static str,
    /// The operations port of each of its servers.
    pub operations: &'static [&'static str],
    /// Its databases. One that owns signups has at most one replica.
    pub databases: &'static [DatabaseAddress],
    /// What can be switched off in it, to see what it buys.
    pub parts: &'static [Part],
    /// The budgets there are caps for.
    pub budgets: &'static [Budget],
}

/// A database of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseAddress {
    /// Compose service.
    pub service: &'static str,
    /// Port on loopback.
    pub port: u16,
    /// What is in it.
    pub role: Role,
}

/// What a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The signups themselves: what is not here is not kept.
    Owner,
    /// What it streams from an owner.
    Replica {
        /// Compose service of the owner.
        of: &'static str,
    },
}

/// A part of a phase that its servers can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Part {
    /// Many signups in one statement.
    Batch,
    /// Counts and receipts from a cache.
    Cache,
    /// Reads from the replica.
    Replica,
}

/// Which set of caps the containers of a phase get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Budget {
    /// 1.25 CPU for every phase, so that the difference is the design and not the hardware.
    #[default]
    Same,
    /// More, for bigger machines.
    Grown,
}

const PHASE1: Phase = Phase {
    name: "phase1",
    title: "monolith",
    users: 1_000,
    url: "http://127.0.0.1:8080",
    entry: "phase1-server",
    operations: &["http://127.0.0.1:9100"],
    databases: &[DatabaseAddress {
        service: "phase1-database",
        port: 15401,
        role: Role::Owner,
    }],
    parts: &[],
    budgets: &[Budget::Same],
};

const PHASE2: Phase = Phase {
    name: "phase2",
    title: "replicated",
    users: 100_000,
    url: "http://127.0.0.1:8080",
    entry: "phase2-balancer",
    operations: &["http://127.0.0.1:9111", "http://127.0.0.1:9112"],
    databases: &[
        DatabaseAddress {
            service: "phase2-primary",
            port: 15402,
            role: Role::Owner,
        },
        DatabaseAddress {
            service: "phase2-replica",
            port: 15403,
            role: Role::Replica {
                of: "phase2-primary",
            },
        },
    ],
    parts: &[Part::Batch, Part::Cache, Part::Replica],
    budgets: &[Budget::Same, Budget::Grown],
};

impl PhaseName {
    /// What the lab knows of it.
    #[must_use]
    pub fn phase(self) -> Phase {
        match self {
            Self::Phase1 => PHASE1,
            Self::Phase2 => PHASE2,
        }
    }
}

impl Phase {
    /// Whether `service` belongs to this phase and counts for its cost (monitoring does not).
    #[must_use]
    pub fn owns(&self, service: &str) -> bool {
        service
            .strip_prefix(self.name)
            .is_some_and(|rest| rest.starts_with('-'))
    }

    /// Whether it has a replica.
    #[must_use]
    pub fn is_replicated(&self) -> bool {
        self.databases
            .iter()
            .any(|database| database.role != Role::Owner)
    }
}

impl Part {
    /// The variable of the Compose file that switches it: `on` or `off`.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Batch => "BATCH",
            Self::Cache => "CACHE",
            Self::Replica => "REPLICA",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Batch => "batch",
            Self::Cache => "cache",
            Self::Replica => "replica",
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Grown => "grown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_replica_copies_an_owner_of_its_phase() {
        for name in PhaseName::value_variants() {
            let phase = name.phase();
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
    fn a_phase_owns_its_services_and_no_other() {
        let phase = PhaseName::Phase2.phase();
        assert!(phase.owns("phase2-redis") && !phase.owns("phase1-server"));
        assert!(!phase.owns("phase2") && !phase.owns("phase22-redis") && !phase.owns("prometheus"));
    }
}
