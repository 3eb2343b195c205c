//! The programs of phase 3 for one test: gateways and writers on sockets of their own, each with a
//! proxy on every way to a part.

use crate::parts::{Parts, names, until};
use clap::Parser;
use futures::future::join_all;
use phase3_buffered::{GatewayConfig, WriterConfig};
use signup_conformance::Target;
use signup_testbed::{
    Answered, EVENTUALLY, FaultProxy, Mode, ORGANISER_TOKEN, SharedPort, TestService, TestWorker,
};
use std::iter;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

/// From one program to its parts.
pub(crate) struct Ways {
    pub(crate) shards: Vec<FaultProxy>,
    pub(crate) queue: FaultProxy,
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) ways: Ways,
    pub(crate) service: TestService,
}

/// A running writer.
pub(crate) struct Writer {
    pub(crate) ways: Ways,
    pub(crate) worker: TestWorker,
}

/// A gateway and a writer on their parts. In the order of their fields they are dropped: the ways
/// before the queues, so that nobody declares these again.
pub(crate) struct System {
    target: Target,
    pub(crate) gateway: Gateway,
    pub(crate) writer: Writer,
    pub(crate) parts: Parts,
}

impl Ways {
    pub(crate) async fn to(parts: &Parts) -> Self {
        let mut shards = Vec::new();
        for shard in parts.shards.iter() {
            let way = FaultProxy::start(shard.server_address()).await;
            shards.push(way.unwrap());
        }
        let queue = FaultProxy::start(signup_testbed::queue_address()).await;
        Self {
            shards,
            queue: queue.unwrap(),
        }
    }

    /// The arguments that name the parts, as `user` of the queue reaches them this way.
    pub(crate) fn settings(&self, parts: &Parts, user: &str) -> Vec<String> {
        let shards = parts.shards.iter().zip(&self.shards);
        let urls: Vec<String> = shards
            .map(|(shard, way)| shard.url_through(way.address()))
            .collect();
        vec![
            format!("--shard-urls={}", urls.join(",")),
            format!(
                "--queue-url={}",
                parts.queues.url_through(user, self.queue.address())
            ),
            format!("--queue-prefix={}", parts.queues.prefix()),
            // No test kills the broker, and each has queues of its own: it would wait for each of them.
            "--queue-settle-ms=0".to_owned(),
        ]
    }
}

impl Parts {
    /// Starts a gateway on these parts, and waits until it is ready.
    pub(crate) async fn gateway(&self, settings: &[&str]) -> Gateway {
        let mut gateway = self.starting_gateway(Ways::to(self).await, settings).await;
        gateway.service.ready().await;
        gateway
    }

    /// Starts a gateway that goes these ways.
    pub(crate) async fn starting_gateway(&self, ways: Ways, settings: &[&str]) -> Gateway {
        self.starting_gateway_at(None, ways, settings).await
    }

    /// Starts a gateway that accepts from `port`, and waits until it is ready.
    pub(crate) async fn gateway_at(&self, port: &SharedPort) -> Gateway {
        let (ways, delay) = (Ways::to(self).await, ["--drain-delay-seconds=2"]);
        let mut gateway = self.starting_gateway_at(Some(port), ways, &delay).await;
        gateway.service.ready().await;
        gateway
    }

    async fn starting_gateway_at(
        &self,
        port: Option<&SharedPort>,
        ways: Ways,
        settings: &[&str],
    ) -> Gateway {
        let own = ways.settings(self, "gateway");
        let shared = match port {
            Some(port) => Some(port.listener().await),
            None => None,
        };
        let service = TestService::starting(|secrets, mut listeners, stop| {
            let settings = settings.iter().map(ToString::to_string);
            let config = gateway_config(own.into_iter().chain(settings).chain(secrets));
            listeners.public = shared.unwrap_or(listeners.public);
            phase3_buffered::serve(config, listeners, stop)
        });
        Gateway {
            service: service.await.unwrap(),
            ways,
        }
    }

    /// Why a gateway does not start on these parts.
    pub(crate) async fn gateway_refusal(&self) -> String {
        let ways = Ways::to(self).await;
        let own = ways.settings(self, "gateway");
        let refusal = TestService::refusal(|secrets, listeners, stop| {
            let config = gateway_config(own.into_iter().chain(secrets));
            phase3_buffered::serve(config, listeners, stop)
        });
        refusal.await.unwrap()
    }

    /// Why a writer does not start on these parts.
    pub(crate) async fn writer_refusal(&self) -> String {
        let mut writer = self.starting_writer(Ways::to(self).await, &[]).await;
        writer.failure().await
    }

    /// Starts a writer on these parts, and waits until it is ready.
    pub(crate) async fn writer(&self, settings: &[&str]) -> Writer {
        let mut writer = self.starting_writer(Ways::to(self).await, settings).await;
        writer.ready().await;
        writer
    }

    /// Declares the queues, as a writer with these settings does.
    pub(crate) async fn declare(&self, settings: &[&str]) {
        let ways = Ways::to(self).await;
        let config = writer_config(self, &ways, settings);
        until("the queues are declared", async || {
            phase3_buffered::declare(&config).await.is_ok()
        })
        .await;
    }

    /// Starts a writer that goes these ways.
    pub(crate) async fn starting_writer(&self, ways: Ways, settings: &[&str]) -> Writer {
        let config = writer_config(self, &ways, settings);
        let worker =
            TestWorker::start(|operations, stop| phase3_buffered::write(config, operations, stop));
        Writer {
            worker: worker.await.unwrap(),
            ways,
        }
    }
}

fn writer_config(parts: &Parts, ways: &Ways, settings: &[&str]) -> WriterConfig {
    let own = ways.settings(parts, "writer").into_iter();
    let settings = settings.iter().map(ToString::to_string);
    let arguments = iter::once("phase3-writer".into()).chain(own);
    WriterConfig::parse_from(arguments.chain(settings))
}

fn gateway_config(arguments: impl Iterator<Item = String>) -> GatewayConfig {
    GatewayConfig::parse_from(iter::once("phase3-gateway".into()).chain(arguments))
}

impl System {
    /// Starts both programs on new parts, and waits until they are ready.
    pub(crate) async fn start() -> Self {
        Self::on(Parts::create().await).await
    }

    /// The same on these parts.
    pub(crate) async fn on(parts: Parts) -> Self {
        // At once, as a whole stack comes up: each of them finds the other one half-way.
        let (gateway, writer) = tokio::join!(parts.gateway(&[]), parts.writer(&[]));
        let operations = Some(gateway.operations_url.clone());
        Self {
            target: Target::new(gateway.url.clone(), operations, ORGANISER_TOKEN)
                .unwrap()
                .patient(),
            gateway,
            writer,
            parts,
        }
    }

    /// Stops both programs in good order, and leaves what they stood on.
    pub(crate) async fn stop(self) -> Parts {
        let Self {
            gateway,
            writer,
            parts,
            ..
        } = self;
        writer.worker.stop().await;
        gateway.service.stop.cancel();
        gateway.service.serving.await.unwrap().unwrap();
        parts
    }

    /// What the conformance cases run against.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Does to a shard, as both programs see it.
    pub(crate) fn set_shard(&self, shard: usize, mode: Mode) {
        self.gateway.ways.shards[shard].set(mode);
        self.writer.ways.shards[shard].set(mode);
    }
}

impl Gateway {
    /// Signs all of them up at once.
    pub(crate) async fn sign_up_all(&self, names: &[String]) -> Vec<Answered> {
        join_all(names.iter().map(|name| self.sign_up(name))).await
    }

    /// Signs all of them up at once. Who is refused asks again, as a client should: this machine may be
    /// too busy for a moment.
    pub(crate) async fn accept_all(&self, names: &[String]) {
        let accepted = names
            .iter()
            .map(|name| sign_up_until_accepted(&self.service, name));
        join_all(accepted).await;
    }

    /// Waits until a signup is accepted.
    pub(crate) async fn heals(&self) {
        sign_up_until_accepted(&self.service, "after-the-fault").await;
    }

    /// Sends a last few behind all that was sent before, and waits until a writer has recorded them:
    /// a queue keeps its order, so what was before them has been seen to. Returns who they are.
    pub(crate) async fn flush(&self, parts: &Parts) -> Vec<String> {
        let last = names("last", 16);
        self.accept_all(&last).await;
        parts.until_recorded(&last).await;
        last
    }
}

/// Signs `participant` up again and again, until that is accepted; fails unless it is soon.
pub(crate) async fn sign_up_until_accepted(gateway: &TestService, participant: &str) {
    let began = Instant::now();
    loop {
        let answer = gateway.sign_up(participant).await;
        if answer.status == 202 {
            return;
        }
        assert!(
            began.elapsed() < EVENTUALLY,
            "after {EVENTUALLY:?}: {answer:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Deref for Gateway {
    type Target = TestService;

    fn deref(&self) -> &TestService {
        &self.service
    }
}

impl Deref for Writer {
    type Target = TestWorker;

    fn deref(&self) -> &TestWorker {
        &self.worker
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut TestWorker {
        &mut self.worker
    }
}
