//! What a phase consists of, for the lab: addresses and names.

use lab_truth::spec::{Budget, Other, Part};

/// Where a phase is reached, and what belongs to it.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    /// Compose profile, and the first part of each of its services' names.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The public port.
    pub url: &'static str,
    /// The Compose service behind it, which listens on port 8080 in its container.
    pub entry: &'static str,
    /// The operations port of each of its servers.
    pub operations: &'static [&'static str],
    /// Its databases. One that owns signups has at most one replica.
    pub databases: &'static [DatabaseAddress],
    /// Where its signups wait between the answer and the commit; `None` when the answer follows the
    /// commit.
    pub queue: Option<QueueAddress>,
    /// What can be switched off in it, to see what it buys.
    pub parts: &'static [Part],
    /// What can stand in the place of a part of it.
    pub others: &'static [Other],
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
    /// A part of the signups themselves; the map in every shard says which.
    Shard {
        /// Its number, from 0: its place among the shards of the phase.
        number: i16,
    },
    /// What it streams from an owner.
    Replica {
        /// Compose service of the owner.
        of: &'static str,
    },
}

/// The queue of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueAddress {
    /// Compose service.
    pub service: &'static str,
    /// AMQP port on loopback.
    pub port: u16,
    /// The queues whose messages are to become rows.
    pub queues: &'static [&'static str],
    /// The queue of what cannot become one.
    pub dead_letters: &'static str,
    /// Operations port of what moves signups from the queues to the databases.
    pub writer: &'static str,
}

impl Phase {
    /// Whether `service` belongs to this phase and counts for its cost (monitoring does not).
    #[must_use]
    pub fn owns(&self, service: &str) -> bool {
        service
            .strip_prefix(self.name)
            .is_some_and(|rest| rest.starts_with('-'))
    }

    /// The phase as it is without `part`.
    #[must_use]
    pub fn without(self, part: Part) -> Self {
        match part {
            // Its container stays; nothing comes into it.
            Part::Queue => Self {
                queue: None,
                ..self
            },
            Part::Balancer => Self {
                entry: "phase2-listener",
                ..self
            },
            Part::Batch | Part::Cache | Part::Replica => self,
        }
    }

    /// The phase as it is with `other` in the place of a part.
    #[must_use]
    pub fn with(self, other: Other) -> Self {
        match other {
            Other::Balancer => Self {
                entry: "phase3-balancer",
                ..self
            },
            Other::GoServer => self,
        }
    }
}

impl Role {
    /// Whether what is in the database is kept by it, and not a copy.
    #[must_use]
    pub fn owns(self) -> bool {
        match self {
            Self::Owner | Self::Shard { .. } => true,
            Self::Replica { .. } => false,
        }
    }
}

impl DatabaseAddress {
    /// What is said when it does not answer.
    #[must_use]
    pub fn unreachable(&self) -> String {
        format!("cannot read {} on 127.0.0.1:{}", self.service, self.port)
    }
}
