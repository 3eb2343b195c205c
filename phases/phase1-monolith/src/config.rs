//! The settings of phase 1. Read once, before anything is bound; the doc comments are the
//! `--help` text.

use clap::Parser;
#[cfg(feature = "broken")]
use clap::ValueEnum;
use signup_service::ServiceConfig;
use std::path::PathBuf;

/// Phase 1 of the signup lab: one server, one PostgreSQL.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// What every process has.
    #[command(flatten)]
    pub service: ServiceConfig,

    /// The database, without its password: postgres://user@host:port/name
    #[arg(long, env)]
    pub database_url: String,

    /// File with the database's password; none when it asks for none.
    #[arg(long, env)]
    pub database_password_file: Option<PathBuf>,

    /// The role that owns the schema, and brings it up to date at the start; then it is not used again.
    /// None where the role of the URL owns it.
    #[arg(long, env, requires = "schema_password_file")]
    pub schema_user: Option<String>,

    /// File with its password.
    #[arg(long, env, requires = "schema_user")]
    pub schema_password_file: Option<PathBuf>,

    /// Most connections to the database, beside two that count. A commit waits for the disk, so one CPU of
    /// database serves more than one connection; more than these only wait inside it.
    #[arg(long, env, default_value_t = 16)]
    pub database_connections: usize,

    /// Break the contract on purpose, to see the ledger find it.
    #[cfg(feature = "broken")]
    #[arg(long, env, value_enum)]
    pub broken: Option<Broken>,
}

/// How the contract is broken.
#[cfg(feature = "broken")]
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Broken {
    /// Answer 201, then commit.
    AckBeforeCommit,
    /// Commit, then answer 503, "no effect".
    RefuseAfterCommit,
}
