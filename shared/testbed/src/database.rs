//! An empty PostgreSQL database for one test, removed when the test ends.
//!
//! Tests never share a database, so they run in parallel and none cleans up after another. Tables
//! are not made here: each phase brings its own migrations.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::net::SocketAddr;
use std::time::Duration;
use uuid::Uuid;

/// Where the test server of the compose file's `test` profile listens.
const DEFAULT_SERVER: &str = "postgres://postgres:test@127.0.0.1:15432/postgres";

/// Where the streaming replica of that server listens.
const DEFAULT_REPLICA: &str = "127.0.0.1:15433";

/// Where the Redis of the `test` profile listens.
const DEFAULT_REDIS: &str = "127.0.0.1:16379";

/// A server that is up answers in milliseconds; CI machines stall for seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// `host:port` of a streaming replica of the test server; every test database is on it, too, a
/// moment after it was made. `TEST_REPLICA_ADDRESS`, or the `test-replica` of the compose file.
#[must_use]
pub fn replica_address() -> String {
    std::env::var("TEST_REPLICA_ADDRESS").unwrap_or_else(|_| DEFAULT_REPLICA.to_owned())
}

/// `host:port` of a Redis that all tests share. `TEST_REDIS_ADDRESS`, or the `test-redis` of the
/// compose file.
#[must_use]
pub fn redis_address() -> String {
    std::env::var("TEST_REDIS_ADDRESS").unwrap_or_else(|_| DEFAULT_REDIS.to_owned())
}

/// The URL of the same as its operator, who may look at what is in it, and change it.
#[must_use]
pub fn redis_operator_url() -> String {
    format!("redis://operator:test@{}", redis_address())
}

/// A database that exists as long as this value does.
#[derive(Debug)]
pub struct TestDatabase {
    server: PgConnectOptions,
    /// As whom a service connects: as the tests do, unless there are roles.
    pub(crate) service: PgConnectOptions,
    name: String,
}

impl TestDatabase {
    /// Creates an empty database on the server that `TEST_DATABASE_URL` names (default: the
    /// `test-database` of the compose file).
    ///
    /// # Panics
    /// When the server does not answer within a minute or refuses; the message says what to start. A
    /// missing server fails the test: a skipped test would look like a passed one.
    #[expect(clippy::panic, reason = "a test without its database can only fail")]
    pub async fn create() -> Self {
        let url = std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| DEFAULT_SERVER.to_owned());
        let server: PgConnectOptions = match url.parse() {
            Ok(options) => options,
            Err(error) => panic!("TEST_DATABASE_URL is not a PostgreSQL URL: {error}"),
        };
        let name = format!("signup_test_{}", Uuid::new_v4().simple());
        if let Err(error) = execute(&server, format!("CREATE DATABASE {name}")).await {
            panic!(
                "the tests need a PostgreSQL server, and {}:{} says: {error}\n\
                 Start one with `docker compose --profile test up -d`, \
                 or set TEST_DATABASE_URL to one that may create databases.",
                server.get_host(),
                server.get_port(),
            );
        }
        let service = server.clone();
        Self {
            server,
            service,
            name,
        }
    }

    /// How to connect to the database.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// The same as a URL, password included.
    #[must_use]
    pub fn url(&self) -> String {
        plain_url(&self.options())
    }

    /// The URL of the database as a service reaches it through a proxy at `address`.
    #[must_use]
    pub fn url_through(&self, address: SocketAddr) -> String {
        let options = self.service.clone().database(&self.name);
        let options = options.host(&address.ip().to_string());
        plain_url(&options.port(address.port()))
    }

    /// `host:port` of the server, as an upstream for a [`FaultProxy`](crate::FaultProxy).
    #[must_use]
    pub fn server_address(&self) -> String {
        format!("{}:{}", self.server.get_host(), self.server.get_port())
    }

    /// Runs statements in the database, behind the back of whoever uses it.
    ///
    /// # Panics
    /// When they fail.
    pub async fn execute(&self, statements: &str) {
        run(&self.options(), statements.to_owned()).await;
    }

    /// Makes it as a primary that was demoted: its sessions are ended, and those that begin from now on
    /// may only read, for as long as they last.
    ///
    /// # Panics
    /// When that fails.
    pub async fn demote(&self) {
        let name = &self.name;
        let setting = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
        run(&self.server, setting).await;
        // After: none of those that follow them is as they were.
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname =";
        run(&self.server, format!("{end} '{name}'")).await;
    }

    /// Ends what [`demote`](Self::demote) began, for sessions that begin from now on.
    ///
    /// # Panics
    /// When that fails.
    pub async fn promote(&self) {
        let name = &self.name;
        let setting = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
        run(&self.server, setting).await;
    }
}

impl Drop for TestDatabase {
    /// Removes the database, also from under connections that a failed test left open.
    ///
    /// On a thread with a runtime of its own: the test's runtime may be shutting down, and cannot
    /// be blocked on from inside.
    fn drop(&mut self) {
        let server = self.server.clone();
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(execute(&server, statement))
        });
        match removal.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("test database {} is left behind: {error}", self.name),
            Err(_) => eprintln!("test database {} is left behind", self.name),
        }
    }
}

/// The process ids of an application's sessions in the database at `url`.
///
/// # Panics
/// When it does not answer.
pub async fn sessions(url: &str, application: &str) -> Vec<i32> {
    sessions_that_are(url, application, "true").await
}

/// The same of those that are at work, or in a transaction.
///
/// # Panics
/// When it does not answer.
pub async fn busy_sessions(url: &str, application: &str) -> Vec<i32> {
    sessions_that_are(url, application, "state <> 'idle'").await
}

#[expect(clippy::panic, reason = "a test without its database can only fail")]
async fn sessions_that_are(url: &str, application: &str, so: &str) -> Vec<i32> {
    let asked = async {
        let mut connection = PgConnection::connect(url).await?;
        let pids = format!(
            "SELECT pid FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = $1 AND {so} ORDER BY pid"
        );
        let pids = sqlx::query_scalar(AssertSqlSafe(pids));
        pids.bind(application).fetch_all(&mut connection).await
    };
    match asked.await {
        Ok(pids) => pids,
        Err(error) => panic!("the sessions of {application} cannot be read: {error}"),
    }
}

/// Without sqlx's own settings, which other clients do not know.
fn plain_url(options: &PgConnectOptions) -> String {
    let mut url = options.to_url_lossy();
    url.set_query(None);
    url.into()
}

/// The same as [`execute`], for a test that cannot go on without it.
#[expect(clippy::panic, reason = "a test without its database can only fail")]
async fn run(server: &PgConnectOptions, statements: String) {
    if let Err(error) = execute(server, statements.clone()).await {
        panic!("{statements}: {error}");
    }
}

/// Runs statements on a connection of its own.
async fn execute(server: &PgConnectOptions, statement: String) -> Result<(), sqlx::Error> {
    let run = async {
        let mut connection = PgConnection::connect_with(server).await?;
        // Statements here are made of fixed text and a hexadecimal name.
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await?;
        connection.close().await
    };
    tokio::time::timeout(TIMEOUT, run)
        .await
        .map_err(|_| sqlx::Error::PoolTimedOut)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_is_removed_even_while_it_is_in_use() {
        let database = TestDatabase::create().await;
        let (server, name) = (database.server.clone(), database.name.clone());
        let mut used = PgConnection::connect_with(&database.options())
            .await
            .unwrap();
        drop(database);
        assert!(used.ping().await.is_err(), "the connection outlived it");
        let mut connection = PgConnection::connect_with(&server).await.unwrap();
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(left, 0);
    }

    #[tokio::test]
    async fn its_url_leads_through_a_proxy() {
        let database = TestDatabase::create().await;
        let proxy = crate::FaultProxy::start(database.server_address())
            .await
            .unwrap();
        let options: PgConnectOptions = database.url_through(proxy.address()).parse().unwrap();
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        proxy.set(crate::Mode::Cut);
        assert!(connection.ping().await.is_err(), "the proxy was not in use");
    }
}
