//! A large insert into a table of its own, in a phase's own database: the floor that batches of
//! signups are held against.

use super::Databases;
use anyhow::Context;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

/// The table, with the columns and the one index that signups have in every phase.
const TABLE: &str = "CREATE TABLE lab_floor (
    event_id uuid NOT NULL, id uuid NOT NULL, email text NOT NULL, name text NOT NULL,
    signed_up_at timestamptz NOT NULL, PRIMARY KEY (event_id, id))";

const INSERT: &str = "INSERT INTO lab_floor (event_id, id, email, name, signed_up_at)
    SELECT $1, * FROM UNNEST($2::uuid[], $3::text[], $4::text[], $5::timestamptz[])";

/// The table while it is there.
pub(crate) struct BatchInsert<'a> {
    pool: &'a PgPool,
}

impl Databases {
    /// Makes the table in the first database that owns signups; returns that one's Compose service.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) async fn batch_insert(&self) -> anyhow::Result<(&'static str, BatchInsert<'_>)> {
        let mut owners = self.all.iter().filter(|(address, _)| address.role.owns());
        let (address, pool) = owners.next().context("a phase without a database")?;
        sqlx::query(TABLE).execute(pool).await?;
        Ok((address.service, BatchInsert { pool }))
    }
}

impl BatchInsert<'_> {
    /// Writes `rows` rows, none of which is there, in one statement and its own transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) async fn write(&self, rows: usize) -> sqlx::Result<()> {
        let ids: Vec<Uuid> = (0..rows).map(|_| Uuid::new_v4()).collect();
        let emails: Vec<String> = ids.iter().map(|id| format!("{id}@example.org")).collect();
        let names: Vec<String> = (0..rows).map(|row| format!("Participant {row}")).collect();
        sqlx::query(INSERT)
            .bind(Uuid::nil())
            .bind(ids)
            .bind(emails)
            .bind(names)
            .bind(vec![OffsetDateTime::now_utc(); rows])
            .execute(self.pool)
            .await?;
        Ok(())
    }

    /// Removes the table.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) async fn remove(self) -> sqlx::Result<()> {
        sqlx::query("DROP TABLE lab_floor")
            .execute(self.pool)
            .await?;
        Ok(())
    }
}
