//! A phase-1 server for one test: its own database, its own ports, a proxy in between.

use clap::Parser;
use phase1_monolith::Config;
use signup_conformance::Target;
use signup_testbed::{FaultProxy, Mode, ORGANISER_TOKEN, TestDatabase, TestService};
use std::ops::Deref;

/// A running server.
pub(crate) struct Server {
    target: Target,
    pub(crate) service: TestService,
    pub(crate) proxy: FaultProxy,
    pub(crate) database: TestDatabase,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(crate) async fn start() -> Self {
        Self::on(TestDatabase::create().await, &[]).await
    }

    /// The same on this database, with some more settings.
    pub(crate) async fn on(database: TestDatabase, settings: &[String]) -> Self {
        let mut server = Self::starting(database, settings, Mode::Pass).await;
        server.service.ready().await;
        server
    }

    /// Starts a server while the way to its database is like that.
    pub(crate) async fn starting(database: TestDatabase, settings: &[String], fault: Mode) -> Self {
        let proxy = FaultProxy::start(database.server_address()).await.unwrap();
        proxy.set(fault);
        let url = database.url_through(proxy.address());
        let service = TestService::starting(|secrets, listeners, stop| {
            let arguments = [
                "phase1-monolith",
                "--database-url",
                &url,
                "--database-connections=8",
            ];
            let arguments = arguments.iter().map(ToString::to_string);
            let arguments = arguments.chain(settings.iter().cloned()).chain(secrets);
            phase1_monolith::serve(Config::parse_from(arguments), listeners, stop)
        })
        .await
        .unwrap();
        let operations_url = Some(service.operations_url.clone());
        Self {
            target: Target::new(service.url.clone(), operations_url, ORGANISER_TOKEN)
                .unwrap()
                .patient(),
            service,
            proxy,
            database,
        }
    }

    /// What the conformance cases run against.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }
}

impl Deref for Server {
    type Target = TestService;

    fn deref(&self) -> &TestService {
        &self.service
    }
}
