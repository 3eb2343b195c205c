//! A phase-2 server for one test: its own database and ports, a proxy to each part.
//!
//! The replica and Redis are the same for all tests. A test that stops, empties or poisons one of
//! them takes [`alone`] first; every other server holds [`together`] while it lives.

use clap::Parser;
use phase2_replicated::Config;
use signup_conformance::Target;
use signup_service::Listener;
use signup_testbed::{
    EVENTUALLY, FaultProxy, Mode, ORGANISER_TOKEN, SharedPort, TestDatabase, TestService,
};
use sqlx::{Connection, PgConnection};
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// A running server.
pub(crate) struct Server {
    target: Target,
    pub(crate) service: TestService,
    pub(crate) primary: FaultProxy,
    pub(crate) replica: FaultProxy,
    pub(crate) redis: FaultProxy,
    pub(crate) database: Arc<TestDatabase>,
    _shared: Option<OwnedRwLockReadGuard<()>>,
}

fn shared() -> Arc<RwLock<()>> {
    static SHARED: std::sync::OnceLock<Arc<RwLock<()>>> = std::sync::OnceLock::new();
    Arc::clone(SHARED.get_or_init(Arc::default))
}

/// Waits until no other test uses the replica or Redis.
pub(crate) async fn alone() -> OwnedRwLockWriteGuard<()> {
    shared().write_owned().await
}

/// The database on the replica itself, once it is there.
pub(crate) async fn on_replica(database: &TestDatabase) -> PgConnection {
    let address = signup_testbed::replica_address().parse().unwrap();
    let url = database.url_through(address);
    let began = Instant::now();
    loop {
        match PgConnection::connect(&url).await {
            Ok(connection) => return connection,
            Err(error) => assert!(began.elapsed() < EVENTUALLY, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Server {
    /// Starts a server as it is meant, and waits until it is ready.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with some settings changed.
    pub(crate) async fn start_with(settings: &[&str]) -> Self {
        let guard = shared().read_owned().await;
        let mut server = Self::on(Arc::new(TestDatabase::create().await), settings).await;
        server._shared = Some(guard);
        server
    }

    /// Starts a server while the way to its primary is like that, and waits for nothing.
    pub(crate) async fn start_behind(fault: Mode) -> Self {
        let guard = shared().read_owned().await;
        let database = Arc::new(TestDatabase::create().await);
        let mut server = Self::starting(database, &[], fault).await;
        server._shared = Some(guard);
        server
    }

    /// A server on a database that may have others; who calls it holds [`alone`].
    pub(crate) async fn on(database: Arc<TestDatabase>, settings: &[&str]) -> Self {
        let mut server = Self::starting(database, settings, Mode::Pass).await;
        server.service.ready().await;
        server
    }

    /// The same, which accepts from `port`.
    pub(crate) async fn at(port: &SharedPort, database: Arc<TestDatabase>) -> Self {
        let listener = port.listener().await;
        let settings = ["--drain-delay-seconds=2"];
        let mut server = Self::listening_on(Some(listener), database, &settings, Mode::Pass).await;
        server.service.ready().await;
        server
    }

    async fn starting(database: Arc<TestDatabase>, settings: &[&str], fault: Mode) -> Self {
        Self::listening_on(None, database, settings, fault).await
    }

    async fn listening_on(
        public: Option<Listener>,
        database: Arc<TestDatabase>,
        settings: &[&str],
        fault: Mode,
    ) -> Self {
        // A server that starts before the replica has its database goes without it at first.
        drop(on_replica(&database).await);
        let primary = FaultProxy::start(database.server_address()).await.unwrap();
        primary.set(fault);
        let replica = FaultProxy::start(signup_testbed::replica_address()).await;
        let redis = FaultProxy::start(signup_testbed::redis_address()).await;
        let (replica, redis) = (replica.unwrap(), redis.unwrap());
        let primary_url = database.url_through(primary.address());
        let replica_url = database.url_through(replica.address());
        let redis_url = format!("redis://{}", redis.address());
        let service = TestService::starting(|secrets, mut listeners, stop| {
            let arguments = [
                "phase2-replicated",
                "--primary-url",
                &primary_url,
                "--replica-url",
                &replica_url,
                "--redis-url",
                &redis_url,
                "--primary-connections=4",
                "--replica-connections=2",
            ];
            let arguments = arguments.iter().chain(settings).map(ToString::to_string);
            let config = Config::parse_from(arguments.chain(secrets));
            listeners.public = public.unwrap_or(listeners.public);
            phase2_replicated::serve(config, listeners, stop)
        })
        .await
        .unwrap();
        let operations_url = Some(service.operations_url.clone());
        Self {
            target: Target::new(service.url.clone(), operations_url, ORGANISER_TOKEN)
                .unwrap()
                .patient(),
            service,
            primary,
            replica,
            redis,
            database,
            _shared: None,
        }
    }

    /// What the conformance cases run against.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Waits until the replica answers for a participant who signed up on the primary.
    pub(crate) async fn wait_for_replica(&self, receipt: &str) {
        let began = Instant::now();
        while self.receipt(receipt).await.served_by != "replica" {
            assert!(began.elapsed() < EVENTUALLY, "no replica");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The server's sessions in the primary and in the replica, as the two name them.
    pub(crate) async fn sessions(&self) -> Vec<i32> {
        let mut sessions = Vec::new();
        for proxy in [&self.primary, &self.replica] {
            let url = self.database.url_through(proxy.address());
            sessions.extend(signup_testbed::sessions(&url, "phase2").await);
        }
        sessions
    }

    /// Waits until a signup is not a server error.
    pub(crate) async fn heals(&self, within: Duration) {
        let began = Instant::now();
        while self.sign_up("after-the-fault").await.status >= 500 {
            assert!(began.elapsed() < within, "still failing after {within:?}");
        }
    }
}

impl Deref for Server {
    type Target = TestService;

    fn deref(&self) -> &TestService {
        &self.service
    }
}
