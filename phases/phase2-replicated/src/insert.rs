//! Writing a batch: one statement for all its rows, and what each row is told.

use crate::db::Database;
use crate::metrics::BatchMetrics;
use signup_domain::{Event, EventId, NewSignup, Recorded, SignupId, StoreError};
use signup_service::Refusal;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use uuid::Uuid;

/// Rows are sent no later than this after the batch's first statement: with the 1.3 s which that one
/// may take, in a second session if need be, the batch is then written or given up within 1.5 s.
const LAST_STATEMENT: Duration = Duration::from_millis(200);

/// What is not known of a batch after this is answered "not known". With 0.3 s in the queue before,
/// it is within the 1.9 s after which the service stops waiting.
const BATCH_TIMEOUT: Duration = Duration::from_millis(1_500);

/// A signup to be written.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) event: Arc<Event>,
    pub(crate) id: SignupId,
    pub(crate) signup: NewSignup,
}

/// The primary key.
type Key = (EventId, SignupId);

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// Whether this row was written; `false` when the participant's row was there.
    pub(crate) new: bool,
    /// When the participant signed up, the first time.
    pub(crate) signed_up_at: OffsetDateTime,
}

impl Written {
    /// The signup as a receipt check shows it.
    pub(crate) fn recorded(&self, name: &str) -> Recorded {
        Recorded {
            name: name.to_owned(),
            signed_up_at: self.signed_up_at,
        }
    }
}

/// Writes `rows` in one transaction, and says what became of each, in their order.
///
/// A statement that PostgreSQL refuses for what is in it is rolled back as a whole, and halved
/// until the row that is to blame stands alone: the others are written. Refused for anything else, all
/// of it is: halves would be as well.
pub(crate) async fn insert(
    primary: &Database,
    rows: &[Row],
    metrics: &BatchMetrics,
) -> Vec<Result<Written, StoreError>> {
    let began = Instant::now();
    let mut outcomes: HashMap<Key, Result<Written, StoreError>> =
        HashMap::with_capacity(rows.len());
    let distinct = distinct(rows);
    let mut parts = vec![&distinct[..]];
    while let Some(part) = parts.pop() {
        if began.elapsed() > LAST_STATEMENT {
            let late = StoreError::Unavailable("the batch took too long".into());
            outcomes.extend(part.iter().map(|row| (key(row), Err(late.clone()))));
            continue;
        }
        match insert_part(primary, part, began, metrics).await {
            Ok(written) => outcomes.extend(written),
            Err(StoreError::Internal(cause))
                if Refusal::is_about_the_rows(&cause) && part.len() > 1 =>
            {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([first, second]);
            }
            Err(error) => outcomes.extend(part.iter().map(|row| (key(row), Err(error.clone())))),
        }
    }
    rows.iter().map(|row| answer(&mut outcomes, row)).collect()
}

/// One row a participant, the first to arrive, in the order of the primary key: two servers that
/// write the same participants then wait for each other in the same order, and never in a circle.
fn distinct(rows: &[Row]) -> Vec<&Row> {
    let mut distinct: Vec<&Row> = rows.iter().collect();
    // Stable, so the first of several stays the first.
    distinct.sort_by_key(|row| key(row));
    distinct.dedup_by_key(|row| key(row));
    distinct
}

/// The participant's first row in the batch is told what was written, every other one that it was
/// there already.
fn answer(
    outcomes: &mut HashMap<Key, Result<Written, StoreError>>,
    row: &Row,
) -> Result<Written, StoreError> {
    let Some(outcome) = outcomes.get_mut(&key(row)) else {
        return Err(StoreError::Internal(
            "a row of a batch has no outcome".into(),
        ));
    };
    let answer = outcome.clone();
    if let Ok(outcome) = outcome {
        outcome.new = false;
    }
    answer
}

async fn insert_part(
    primary: &Database,
    part: &[&Row],
    began: Instant,
    metrics: &BatchMetrics,
) -> Result<Vec<(Key, Result<Written, StoreError>)>, StoreError> {
    #[expect(clippy::cast_precision_loss, reason = "a batch has at most 512 rows")]
    metrics.rows.observe(part.len() as f64);
    let new = send_until_known(primary, part, began).await?;
    let mut written = Vec::with_capacity(part.len());
    let mut repeats = Vec::new();
    for row in part {
        if new.contains(row.id.as_uuid()) {
            let signed_up_at = row.signup.at;
            written.push((
                key(row),
                Ok(Written {
                    new: true,
                    signed_up_at,
                }),
            ));
        } else {
            repeats.push(*row);
        }
    }
    if !repeats.is_empty() {
        let read = first_signups(primary, &repeats);
        let read = tokio::time::timeout(BATCH_TIMEOUT.saturating_sub(began.elapsed()), read).await;
        written.extend(read.unwrap_or_else(|_elapsed| not_read(&repeats, "not in time")));
    }
    Ok(written)
}

/// Sends the statement again while its outcome is not known and there is time: a connection may have
/// died since its last use, and after a restart of the primary all have. The ids are computed, so
/// writing the same rows again writes nothing twice.
async fn send_until_known(
    primary: &Database,
    part: &[&Row],
    began: Instant,
) -> Result<HashSet<Uuid>, StoreError> {
    let mut first = None;
    loop {
        let error = match send(primary, part).await {
            Ok(new) => return Ok(new),
            Err(error) => error,
        };
        let unknown = matches!(error, StoreError::Unknown(_));
        // What was not known once is not made "refused" by a later attempt that was.
        let error = first.take().unwrap_or(error);
        if !unknown || began.elapsed() > LAST_STATEMENT {
            return Err(error);
        }
        first = Some(error);
    }
}

/// Sends the statement; returns the ids it wrote, after the commit: the client reads on until
/// PostgreSQL is ready for the next statement.
async fn send(primary: &Database, part: &[&Row]) -> Result<HashSet<Uuid>, StoreError> {
    let events: Vec<Uuid> = part.iter().map(|row| *row.event.id.as_uuid()).collect();
    let ids: Vec<Uuid> = part.iter().map(|row| *row.id.as_uuid()).collect();
    let emails: Vec<&str> = part.iter().map(|row| row.signup.email.as_str()).collect();
    let names: Vec<&str> = part.iter().map(|row| row.signup.name.as_str()).collect();
    let times: Vec<OffsetDateTime> = part.iter().map(|row| row.signup.at).collect();
    let rows = primary
        .write(async |client| {
            let statement = client
                .prepare_cached(
                    "INSERT INTO signups (event_id, id, email, name, signed_up_at)
                     SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[],
                                          $5::timestamptz[])
                     ON CONFLICT (event_id, id) DO NOTHING
                     RETURNING id",
                )
                .await?;
            client
                .query(&statement, &[&events, &ids, &emails, &names, &times])
                .await
        })
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// When the participants whose rows were there had signed up. The conflict was with committed
/// rows, so they can be read.
async fn first_signups(
    primary: &Database,
    repeats: &[&Row],
) -> Vec<(Key, Result<Written, StoreError>)> {
    let events: Vec<Uuid> = repeats.iter().map(|row| *row.event.id.as_uuid()).collect();
    let ids: Vec<Uuid> = repeats.iter().map(|row| *row.id.as_uuid()).collect();
    let found = primary
        .read(async |client| {
            let statement = client
                .prepare_cached(
                    "SELECT id, signed_up_at FROM signups
                     JOIN UNNEST($1::uuid[], $2::uuid[]) AS asked (event_id, id)
                     USING (event_id, id)",
                )
                .await?;
            client.query(&statement, &[&events, &ids]).await
        })
        .await;
    let found: HashMap<Uuid, OffsetDateTime> = match found {
        // `try_get`: an operator's hand can have written a time that does not fit, as `infinity`.
        Ok(rows) => rows
            .iter()
            .filter_map(|row| Some((row.get(0), row.try_get(1).ok()?)))
            .collect(),
        Err(error) => return not_read(repeats, &error.to_string()),
    };
    let outcome = |row: &&Row| {
        let signed_up_at = found.get(row.id.as_uuid());
        let outcome = signed_up_at.map(|at| Written {
            new: false,
            signed_up_at: *at,
        });
        let gone =
            || StoreError::Internal("a conflicting row is not there, or not readable".into());
        (key(row), outcome.ok_or_else(gone))
    };
    repeats.iter().map(outcome).collect()
}

/// They are recorded, so "refused" would be a lie.
fn not_read(repeats: &[&Row], why: &str) -> Vec<(Key, Result<Written, StoreError>)> {
    let unknown = StoreError::Unknown(format!("recorded, but not read: {why}"));
    let outcome = |row: &&Row| (key(row), Err(unknown.clone()));
    repeats.iter().map(outcome).collect()
}

fn key(row: &Row) -> Key {
    (row.event.id, row.id)
}
