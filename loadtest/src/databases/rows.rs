//! The rows of one database, as a stream: a million of them are never in memory at once.

use super::unreachable;
use crate::ledger::Row;
use crate::phases::{DatabaseAddress, Role};
use anyhow::Context;
use futures::stream::{BoxStream, StreamExt};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};
use time::OffsetDateTime;

/// A row, what kind of database it is in, and when it was committed, if that was asked for.
type Found = (Role, Row, Option<OffsetDateTime>);

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
        row.with_context(|| unreachable(address))
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
    Ok((role, found, committed_at))
}
