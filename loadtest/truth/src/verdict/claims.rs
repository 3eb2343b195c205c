//! What every published number claims of databases and queues.

/// Settings of PostgreSQL that decide whether a commit survives a power cut, with the value that is
/// claimed; and that no role or database has one of its own, which a session of the lab need not see.
pub const OF_DATABASES: [(&str, &str); 4] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    (OF_A_ROLE, "none"),
];

/// What of these is set for a role or a database alone.
pub const OF_A_ROLE: &str = "set_for_role_or_database";

/// Settings that decide whether a confirmed message survives a power cut, with the value that is
/// claimed. Only a quorum queue confirms after it has flushed to disk.
pub const OF_QUEUES: [(&str, &str); 2] = [("type", "quorum"), ("durable", "true")];

/// The cargo profile of the phase's programs in published runs.
pub const BUILD_PROFILE: &str = "release";

/// What every phase has to do with under the budget `same`, in CPUs.
pub const SAME_BUDGET_CPUS: f64 = 1.25;
