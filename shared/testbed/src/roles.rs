//! The roles of a phase's database, made as in the stack: by `compose/postgres/roles.sql`.

#![expect(clippy::panic, reason = "a test says what it expects by panicking")]

use crate::database::TestDatabase;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

const ROLES: &str = include_str!("../../../compose/postgres/roles.sql");

/// Of both roles: all tests share them, as they share the server.
const PASSWORD: &str = "test";

/// The roles of a database; a service then connects as the one that serves.
#[derive(Debug)]
pub struct TestRoles {
    server: PgConnectOptions,
    secrets: TempDir,
}

impl TestRoles {
    /// Makes the roles of a database.
    ///
    /// # Panics
    /// When the test server refuses: it takes a superuser.
    pub async fn create(database: &mut TestDatabase) -> Self {
        let made = async {
            let secrets = TempDir::new()?;
            std::fs::write(secrets.path().join("owner"), PASSWORD)?;
            let mut operator = PgConnection::connect_with(&database.options()).await?;
            for role in ["signup_owner", "signup_server"] {
                let password = format!("SET roles.{role} = '{PASSWORD}'");
                sqlx::raw_sql(AssertSqlSafe(password))
                    .execute(&mut operator)
                    .await?;
            }
            sqlx::raw_sql(ROLES).execute(&mut operator).await?;
            let server = database.options();
            let server = server.username("signup_server").password(PASSWORD);
            database.service = server.clone();
            Ok::<_, anyhow::Error>(Self { server, secrets })
        };
        match made.await {
            Ok(roles) => roles,
            Err(error) => panic!("the roles of a database cannot be made: {error:#}"),
        }
    }

    /// The settings that name who owns the schema.
    #[must_use]
    pub fn settings(&self) -> [String; 2] {
        let file = self.secrets.path().join("owner");
        [
            "--schema-user=signup_owner".to_owned(),
            format!("--schema-password-file={}", file.display()),
        ]
    }

    /// What PostgreSQL says to who serves when it runs a statement: the code of its refusal (SQLSTATE), or
    /// nothing when it does what it is told.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub async fn refusal(&self, statement: &'static str) -> Option<String> {
        let asked = async {
            let mut connection = PgConnection::connect_with(&self.server).await?;
            let done = sqlx::raw_sql(statement).execute(&mut connection).await;
            match done {
                Ok(_) => Ok(None),
                Err(sqlx::Error::Database(error)) => Ok(error.code().map(Into::into)),
                Err(error) => Err(error),
            }
        };
        match asked.await {
            Ok(code) => code,
            Err(error) => panic!("{statement}: {error}"),
        }
    }
}
