//! What one test of phase 3 stands on: two shards and queues of its own, and what a test asks of them
//! behind the backs of the programs.

use futures::future::join_all;
use signup_testbed::{EVENTUALLY, TestDatabase, TestQueues, TestRoles};
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;
use std::ops::Deref;
use std::time::{Duration, Instant};
use time::OffsetDateTime;

const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// The shards, in the order of the settings, and the queues.
pub(crate) struct Parts {
    pub(crate) shards: Shards,
    pub(crate) queues: TestQueues,
}

/// Databases that are removed at once, not one after the other: each is a checkpoint.
pub(crate) struct Shards(Vec<TestDatabase>);

impl Deref for Shards {
    type Target = [TestDatabase];

    fn deref(&self) -> &[TestDatabase] {
        &self.0
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        std::thread::scope(|scope| {
            for shard in self.0.drain(..) {
                scope.spawn(|| drop(shard));
            }
        });
    }
}

impl Parts {
    /// Empty shards, and the queues as a writer has declared them.
    pub(crate) async fn create() -> Self {
        let parts = Self::without_queues().await;
        parts.declare(&[]).await;
        parts
    }

    /// The same, before anybody has declared the queues.
    pub(crate) async fn without_queues() -> Self {
        let (one, other, queues) = tokio::join!(
            TestDatabase::create(),
            TestDatabase::create(),
            // One for each shard there may ever be.
            TestQueues::create(4)
        );
        Self {
            shards: Shards(vec![one, other]),
            queues,
        }
    }

    /// The same with roles, of which a service is the one that serves.
    pub(crate) async fn with_roles() -> (Self, Vec<TestRoles>) {
        let mut parts = Self::create().await;
        let mut roles = Vec::new();
        for shard in &mut parts.shards.0 {
            roles.push(TestRoles::create(shard).await);
        }
        (parts, roles)
    }

    /// Adds shards, empty ones, behind those that are there.
    pub(crate) async fn add_shards(&mut self, count: usize) {
        for _ in 0..count {
            self.shards.0.push(TestDatabase::create().await);
        }
    }

    /// The same with this map: who owns each bucket.
    pub(crate) async fn with_map(version: i32, owner: impl Fn(i16) -> i16) -> Self {
        let parts = Self::create().await;
        let owners: Vec<i16> = (0..256).map(owner).collect();
        for number in [0, 1] {
            let mut shard = parts.shard(number).await;
            sqlx::migrate!().run(&mut shard).await.unwrap();
            sqlx::query("INSERT INTO shard_map (version, shard, owners) VALUES ($1, $2, $3)")
                .bind(version)
                .bind(i16::try_from(number).unwrap())
                .bind(&owners)
                .execute(&mut shard)
                .await
                .unwrap();
        }
        parts
    }

    /// A connection to a shard.
    pub(crate) async fn shard(&self, shard: usize) -> PgConnection {
        let url = self.shards[shard].url();
        PgConnection::connect(&url).await.unwrap()
    }

    /// Runs statements, those for each shard.
    pub(crate) async fn execute(&self, statements: [&'static str; 2]) {
        for (number, statement) in statements.into_iter().enumerate() {
            let mut shard = self.shard(number).await;
            sqlx::raw_sql(statement).execute(&mut shard).await.unwrap();
        }
    }

    /// The names in a shard and when they signed up, by name.
    pub(crate) async fn rows(&self, shard: usize) -> Vec<(String, OffsetDateTime)> {
        sqlx::query_as("SELECT name, signed_up_at FROM signups ORDER BY name")
            .fetch_all(&mut self.shard(shard).await)
            .await
            .unwrap()
    }

    /// The names in all shards, each as often as it is there.
    pub(crate) async fn recorded(&self) -> Vec<String> {
        let rows = join_all((0..self.shards.len()).map(|shard| self.rows(shard))).await;
        let mut names: Vec<String> = rows.into_iter().flatten().map(|(name, _)| name).collect();
        names.sort();
        names
    }

    /// Waits until all these names are recorded.
    pub(crate) async fn until_recorded<T: AsRef<str>>(&self, names: &[T]) {
        let began = Instant::now();
        loop {
            let recorded: BTreeSet<String> = self.recorded().await.into_iter().collect();
            let mut names = names.iter().map(AsRef::as_ref);
            let missing: Vec<&str> = names
                .by_ref()
                .filter(|name| !recorded.contains(*name))
                .collect();
            if missing.is_empty() {
                return;
            }
            assert!(
                began.elapsed() < EVENTUALLY,
                "not recorded in {EVENTUALLY:?}: {missing:?}"
            );
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Fails unless exactly these names are recorded, once each, where they belong, and counted.
    pub(crate) async fn hold_exactly<T: AsRef<str>>(&self, names: &[T]) {
        let mut expected: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        expected.sort_unstable();
        assert_eq!(self.recorded().await, expected);
        self.agree_with_themselves().await;
    }

    /// Fails unless every shard counts what it has, and has what it owns.
    pub(crate) async fn agree_with_themselves(&self) {
        for number in 0..self.shards.len() {
            let mut shard = self.shard(number).await;
            let miscounted: Vec<(Option<i64>, Option<i64>)> = sqlx::query_as(
                "SELECT rows, counts.signups
                 FROM (SELECT event_id, count(*) AS rows FROM signups GROUP BY event_id) AS counted
                 FULL JOIN event_counts AS counts USING (event_id)
                 WHERE counts.signups IS DISTINCT FROM rows",
            )
            .fetch_all(&mut shard)
            .await
            .unwrap();
            assert_eq!(miscounted, [], "rows and counter of shard {number}");
            let astray: Vec<String> = sqlx::query_scalar(
                "SELECT name FROM signups, shard_map
                 WHERE owners[1 + get_byte(uuid_send(id), 0)] <> shard",
            )
            .fetch_all(&mut shard)
            .await
            .unwrap();
            assert!(
                astray.is_empty(),
                "in shard {number}, not its own: {astray:?}"
            );
        }
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(
            began.elapsed() < EVENTUALLY,
            "not in {EVENTUALLY:?}: {what}"
        );
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// So many names of participants: far enough that no shard gets none of them.
pub(crate) fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{prefix}-{number:03}"))
        .collect()
}
