//! What the lab knows of a phase: its addresses and its Compose services. Nothing of its code.

use clap::ValueEnum;

/// A phase that can be brought up and measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum PhaseName {
    /// The monolith: one server, one PostgreSQL.
    Phase1,
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
    /// The operations port of each of its servers.
    pub operations: &'static [&'static str],
    /// The databases that own signups.
    pub databases: &'static [DatabaseAddress],
}

/// A database that owns signups.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseAddress {
    /// Compose service.
    pub service: &'static str,
    /// Port on loopback.
    pub port: u16,
}

impl PhaseName {
    /// What the lab knows of it.
    #[must_use]
    pub fn phase(self) -> Phase {
        match self {
            Self::Phase1 => Phase {
                name: "phase1",
                title: "monolith",
                users: 1_000,
                url: "http://127.0.0.1:8080",
                operations: &["http://127.0.0.1:9100"],
                databases: &[DatabaseAddress {
                    service: "phase1-database",
                    port: 15401,
                }],
            },
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
}
