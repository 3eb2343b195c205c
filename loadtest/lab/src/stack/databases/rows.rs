//! The rows of one database, as a stream: a million of them are never in memory at once.

use crate::stack::phases::{DatabaseAddress, Role};
use anyhow::Context;
use futures::stream::{BoxStream, StreamExt};
use lab_truth::evidence::Row;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};
use time::OffsetDateTime;

/// A row as it was found.
#[derive(Debug)]
pub struct Found {
    /// What kind of database it is in.
    pub role: Role,
    /// The row.
    pub row: Row,
    /// When it was committed, if that was asked for.
    pub committed_at: Option<OffsetDateTime>,
    /// Whether it lies in a shard that the map does not name for it.
    pub misrouted: bool,
}

const ROWS: &str = "SELECT id, email, name FROM signups";

/// Needs `track_commit_timestamp = on`.
const TIMED_ROWS: &str =
    "SELECT id, email, name, pg_xact_commit_timestamp(xmin) AS committed_at FROM signups";

/// Every row of a database; `timed` with the time of its commit.
pub(super) fn stream<'a>(
    address: &'a DatabaseAddress,
    pool: &'a PgPool,
    timed: bool,
) -> BoxStream<'a, anyhow::Result<Found>> {
    let rows = sqlx::query(if timed { TIMED_ROWS } else { ROWS }).fetch(pool);
    let found = move |row: sqlx::Result<PgRow>| {
        let row = row.and_then(|row| decode(address.role, &row, timed));
        row.with_context(|| address.unreachable())
    };
    rows.map(found).boxed()
}

fn decode(role: Role, row: &PgRow, timed: bool) -> sqlx::Result<Found> {
    let found = Row {
        id: row.try_get("id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
    };
    let committed_at = if timed {
        row.try_get("committed_at")?
    } else {
        None
    };
    Ok(Found {
        role,
        row: found,
        committed_at,
        misrouted: false,
    })
}
