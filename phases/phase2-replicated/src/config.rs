//! The settings of phase 2. Read once, before anything is bound; the doc comments are the
//! `--help` text.

use clap::{Parser, ValueEnum};
use signup_service::ServiceConfig;
use std::path::PathBuf;

/// Phase 2 of the signup lab: a primary, a replica, a cache, and signups committed in groups.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// What every process has.
    #[command(flatten)]
    pub service: ServiceConfig,

    /// The database that takes the writes, without its password: postgres://user@host:port/name
    #[arg(long, env)]
    pub primary_url: String,

    /// Its streaming replica.
    #[arg(long, env)]
    pub replica_url: String,

    /// File with the password of both databases; none when they ask for none.
    #[arg(long, env)]
    pub database_password_file: Option<PathBuf>,

    /// The role that owns the schema, and brings it up to date at the start; then it is not used again.
    /// None where the role of the URL owns it.
    #[arg(long, env, requires = "schema_password_file")]
    pub schema_user: Option<String>,

    /// File with its password.
    #[arg(long, env, requires = "schema_user")]
    pub schema_password_file: Option<PathBuf>,

    /// Most connections to the primary: one writes the batches, the others read what the replica
    /// does not have yet.
    #[arg(long, env, default_value_t = 8)]
    pub primary_connections: usize,

    /// Most connections to the replica.
    #[arg(long, env, default_value_t = 8)]
    pub replica_connections: usize,

    /// The cache that all servers share: redis://host:port
    #[arg(long, env)]
    pub redis_url: String,

    /// Group commit. Off: every signup is a transaction of its own, on all connections to the
    /// primary but one.
    #[arg(long, env, value_enum, default_value = "on")]
    pub batch: Switch,

    /// Both levels of the cache. Off: every read asks a database.
    #[arg(long, env, value_enum, default_value = "on")]
    pub cache: Switch,

    /// Reads from the replica. Off: every read that the cache cannot answer asks the primary.
    #[arg(long, env, value_enum, default_value = "on")]
    pub replica: Switch,
}

/// Whether a mechanism is there: what each one buys is measured by leaving it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// As the phase is meant.
    On,
    /// Left out.
    Off,
}
