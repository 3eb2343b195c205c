//! What gateways and the writer may do at the queue: what they need, and nothing else.

use crate::parts::{Parts, names};
use crate::server::System;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, ConfirmSelectOptions, ExchangeBindOptions,
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ErrorKind, ExchangeKind};

/// AMQP's code for what a user may not do.
const REFUSED: u16 = 403;

/// Something to try; the names are queues' and exchanges'.
#[derive(Debug, Clone, Copy)]
enum Attempt<'a> {
    DeclareQueue(&'a str),
    DeleteQueue(&'a str),
    DeclareExchange(&'a str),
    DeleteExchange(&'a str),
    Bind(&'a str, &'a str),
    BindExchange(&'a str, &'a str),
    Purge(&'a str),
    Consume(&'a str),
    Get(&'a str),
    Publish(&'a str),
}

use Attempt::*;

/// What RabbitMQ says to `user`: the code of its refusal, or nothing when it does what it is told.
async fn refusal(parts: &Parts, user: &str, attempt: Attempt<'_>) -> Option<u16> {
    let broker = signup_testbed::queue_address().parse().unwrap();
    let url = parts.queues.url_through(user, broker);
    let connection = Connection::connect(&url, ConnectionProperties::default());
    let connection = connection.await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    match attempt.try_on(&channel).await {
        Ok(()) => None,
        Err(error) => match error.kind() {
            ErrorKind::ProtocolError(refused) => Some(refused.get_id()),
            // No answer of RabbitMQ's, and no code that is expected.
            _ => Some(0),
        },
    }
}

impl Attempt<'_> {
    async fn try_on(self, channel: &Channel) -> lapin::Result<()> {
        let none = FieldTable::default;
        match self {
            DeclareQueue(queue) => {
                let options = QueueDeclareOptions::default();
                let declared = channel.queue_declare(queue.into(), options, none());
                declared.await.map(drop)
            }
            DeleteQueue(queue) => {
                let deleted = channel.queue_delete(queue.into(), QueueDeleteOptions::default());
                deleted.await.map(drop)
            }
            DeclareExchange(name) => {
                let (kind, options) = (ExchangeKind::Fanout, ExchangeDeclareOptions::default());
                let declared = channel.exchange_declare(name.into(), kind, options, none());
                declared.await
            }
            DeleteExchange(name) => {
                let options = ExchangeDeleteOptions::default();
                channel.exchange_delete(name.into(), options).await
            }
            Bind(queue, exchange) => {
                let (options, key) = (QueueBindOptions::default(), "".into());
                let bound = channel.queue_bind(queue.into(), exchange.into(), key, options, none());
                bound.await
            }
            BindExchange(to, from) => {
                let (options, key) = (ExchangeBindOptions::default(), "".into());
                let bound = channel.exchange_bind(to.into(), from.into(), key, options, none());
                bound.await
            }
            Purge(queue) => {
                let purged = channel.queue_purge(queue.into(), QueuePurgeOptions::default());
                purged.await.map(drop)
            }
            Consume(queue) => {
                let (options, tag) = (BasicConsumeOptions::default(), "mine".into());
                let consumed = channel.basic_consume(queue.into(), tag, options, none());
                consumed.await.map(drop)
            }
            Get(queue) => {
                let got = channel.basic_get(queue.into(), BasicGetOptions::default());
                got.await.map(drop)
            }
            Publish(exchange) => {
                // RabbitMQ refuses after lapin has sent it: only a confirm would have said that it is there.
                let confirm = ConfirmSelectOptions::default();
                channel.confirm_select(confirm).await?;
                let (properties, options) = (BasicProperties::default(), Default::default());
                let published =
                    channel.basic_publish(exchange.into(), "".into(), options, b"x", properties);
                published.await?.await.map(drop)
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_can_do_nothing_but_publish_and_the_writer_nothing_but_its_work() {
    let system = System::start().await;
    let System { gateway, parts, .. } = &system;
    let (queue, dead) = (&*parts.queues.queue(0), &*parts.queues.dead());
    let of_gateway = [
        DeclareQueue("signups.mine"),
        // With a name that RabbitMQ makes up.
        DeclareQueue(""),
        DeleteQueue(queue),
        DeleteQueue(dead),
        DeclareExchange("signups.mine"),
        DeleteExchange(dead),
        Bind(queue, "amq.fanout"),
        Bind(dead, dead),
        BindExchange(dead, "amq.fanout"),
        Purge(queue),
        Purge(dead),
        Consume(queue),
        Consume(dead),
        Get(dead),
        Publish(dead),
        Publish("amq.fanout"),
    ];
    let of_writer = [
        DeclareQueue("mine"),
        DeclareQueue(""),
        DeleteQueue("mine"),
        DeclareExchange("mine"),
        DeleteExchange("mine"),
        Bind(queue, dead),
        Bind(dead, "amq.fanout"),
        BindExchange(dead, "amq.fanout"),
        Purge("mine"),
        Consume("mine"),
        Get("mine"),
        // A signup that nobody has made.
        Publish(""),
        Publish("amq.fanout"),
    ];
    for (user, attempts) in [("gateway", &of_gateway[..]), ("writer", &of_writer)] {
        for attempt in attempts {
            let refusal = refusal(parts, user, *attempt).await;
            assert_eq!(refusal, Some(REFUSED), "{user}: {attempt:?}");
        }
    }
    // They do their work all the same.
    let everybody = names("p", 20);
    gateway.accept_all(&everybody).await;
    parts.until_recorded(&everybody).await;
    parts.hold_exactly(&everybody).await;
    assert_eq!(parts.queues.ready(dead).await, Some(0));
}
