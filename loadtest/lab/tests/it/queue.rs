//! What the lab reads from a queue, asked of a real RabbitMQ: the test services' own, or the one
//! that `TEST_QUEUE_PORT` names.

use axum::Router;
use axum::routing::get;
use lab::stack::phases::{Phase, QueueAddress, phase};
use lab::stack::project::Project;
use lab::stack::queue::{DeadLetter, Queue, Waiting};
use lab_truth::spec::PhaseName;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use tokio::net::TcpListener;

const DEFAULT_PORT: u16 = 15673;

/// Queues of one test, which take their messages with them.
struct Broker {
    _connection: Connection,
    channel: Channel,
    port: u16,
}

fn name(what: &str) -> &'static str {
    // Of its own for each run of the tests: they may share the broker.
    format!("lab.{}.{what}", std::process::id()).leak()
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

impl Broker {
    async fn connect() -> Self {
        let port = std::env::var("TEST_QUEUE_PORT").map(|port| port.parse().unwrap());
        let port = port.unwrap_or(DEFAULT_PORT);
        let uri = format!("amqp://signup:test@127.0.0.1:{port}/%2f");
        let connection = Connection::connect(&uri, ConnectionProperties::default());
        let connection = connection.await.unwrap();
        Self {
            channel: connection.create_channel().await.unwrap(),
            _connection: connection,
            port,
        }
    }

    async fn declare(&self, queue: &str, durable: bool, arguments: FieldTable) {
        let options = QueueDeclareOptions {
            durable,
            ..QueueDeclareOptions::default()
        };
        let declared = self.channel.queue_declare(queue.into(), options, arguments);
        declared.await.unwrap();
    }

    async fn publish(&self, queue: &str, properties: BasicProperties, body: &[u8]) {
        let options = BasicPublishOptions::default();
        let (exchange, queue) = ("".into(), queue.into());
        let published = self
            .channel
            .basic_publish(exchange, queue, options, body, properties);
        published.await.unwrap().await.unwrap();
    }

    async fn delete(&self, queues: &[&str]) {
        for queue in queues {
            let deleted = self
                .channel
                .queue_delete((*queue).into(), QueueDeleteOptions::default());
            deleted.await.unwrap();
        }
    }

    /// The lab's view of these queues.
    fn queue(
        &self,
        queues: &'static [&'static str],
        dead_letters: &'static str,
        writer: &str,
    ) -> Queue {
        let root = tempfile::tempdir().unwrap();
        let secrets = root.path().join("compose/secrets");
        std::fs::create_dir_all(&secrets).unwrap();
        std::fs::write(secrets.join("queue_password"), "test\n").unwrap();
        let address = QueueAddress {
            service: "queue",
            port: self.port,
            queues,
            dead_letters,
            writer: writer.to_owned().leak(),
        };
        let phase = Phase {
            queue: Some(address),
            ..phase(PhaseName::Phase3)
        };
        Queue::new(phase, &Project::new(root.path()))
            .unwrap()
            .unwrap()
    }
}

fn leak(queues: Vec<&'static str>) -> &'static [&'static str] {
    queues.leak()
}

/// `/metrics` of a writer that says this.
async fn writer(metrics: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/metrics", get(async move || metrics));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn letters(queue: &Queue) -> Vec<DeadLetter> {
    let mut letters = Vec::new();
    let read = queue.read_dead_letters(|letter| letters.push(letter)).await;
    assert_eq!(read.unwrap(), letters.len() as u64);
    letters
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_queue_is_comes_from_the_broker_itself() {
    let broker = Broker::connect().await;
    let (bounded, classic, dead) = (name("bounded"), name("classic"), name("bounded.dead"));
    let mut arguments = quorum();
    for (argument, value) in [
        ("x-single-active-consumer", AMQPValue::Boolean(true)),
        ("x-max-length", AMQPValue::LongLongInt(1_000_000)),
        ("x-overflow", text("reject-publish")),
        ("x-delivery-limit", AMQPValue::LongLongInt(-1)),
        ("x-dead-letter-exchange", text("signups.dead")),
        ("x-dead-letter-strategy", text("at-least-once")),
    ] {
        arguments.insert(argument.into(), value);
    }
    broker.declare(bounded, true, arguments).await;
    broker.declare(classic, false, FieldTable::default()).await;
    broker.declare(dead, true, quorum()).await;
    let queue = broker.queue(leak(vec![bounded, classic]), dead, "");
    let found = queue.durability().await.unwrap();
    for (setting, value) in [
        (format!("{bounded}.type"), "quorum"),
        (format!("{bounded}.durable"), "true"),
        (format!("{bounded}.x-max-length"), "1000000"),
        (format!("{bounded}.x-overflow"), "reject-publish"),
        (format!("{bounded}.x-delivery-limit"), "-1"),
        (format!("{bounded}.x-single-active-consumer"), "true"),
        (format!("{bounded}.x-dead-letter-exchange"), "signups.dead"),
        (format!("{bounded}.x-dead-letter-strategy"), "at-least-once"),
        (format!("{classic}.type"), "classic"),
        (format!("{classic}.durable"), "false"),
        (format!("{dead}.type"), "quorum"),
    ] {
        assert_eq!(found[&format!("queue.{setting}")], value, "{found:#?}");
    }
    assert_eq!(found.len(), 8 + 2 + 2, "{found:#?}");
    broker.delete(&[bounded, classic, dead]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_not_there_is_an_error_and_is_not_made() {
    let broker = Broker::connect().await;
    let (missing, dead) = (name("missing"), name("missing.dead"));
    let writer = writer("writer_signups_in_hand 0\n").await;
    let queue = broker.queue(leak(vec![missing]), dead, &writer);
    for _ in 0..2 {
        let error = format!("{:#}", queue.durability().await.unwrap_err());
        assert!(error.contains("no queue"), "{error}");
        let error = format!("{:#}", queue.waiting().await.unwrap_err());
        assert!(error.contains("no queue"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_read_and_stay() {
    const SIGNUP: &[u8] = br#"{"event": "00000000-0000-7000-8000-000000000001",
        "id": "3f2a0000-0000-0000-0000-000000000007", "email": "p0000007@t.example",
        "name": "Ann", "signed_up_at": "2026-11-21T10:30:00Z"}"#;
    let broker = Broker::connect().await;
    let dead = name("dead");
    broker.declare(dead, true, quorum()).await;
    let properties = |kind: &str, reason: &str| {
        let mut headers = FieldTable::default();
        headers.insert("reason".into(), text(reason));
        let properties = BasicProperties::default().with_content_type(kind.into());
        properties.with_headers(headers)
    };
    let queue = broker.queue(&[], dead, "");
    assert!(letters(&queue).await.is_empty());
    let refused = properties("application/json", "refused: 22021");
    broker.publish(dead, refused, SIGNUP).await;
    let unreadable = properties("application/octet-stream", "truncated");
    broker.publish(dead, unreadable, b"\xFF\x00").await;
    for _ in 0..2 {
        let letters = letters(&queue).await;
        let mut reasons: Vec<&str> = letters.iter().map(|l| l.reason.as_str()).collect();
        reasons.sort_unstable();
        assert_eq!(reasons, ["refused: 22021", "truncated"]);
        let signups: Vec<_> = letters.iter().filter_map(|l| l.signup.as_ref()).collect();
        assert_eq!(signups.len(), 1);
        assert_eq!(signups[0].email, "p0000007@t.example");
    }
    broker.delete(&[dead]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_the_messages_ready_and_what_the_writer_has_in_hand() {
    let broker = Broker::connect().await;
    let (one, other) = (name("one"), name("other"));
    for queue in [one, other] {
        broker.declare(queue, true, quorum()).await;
        broker
            .publish(queue, BasicProperties::default(), b"a")
            .await;
    }
    broker.publish(one, BasicProperties::default(), b"b").await;
    let writer = writer("writer_signups_in_hand{shard=\"0\"} 7\n").await;
    let queue = broker.queue(leak(vec![one, other]), "", &writer);
    let waiting = loop {
        let waiting = queue.waiting().await.unwrap();
        // A message is ready when it is flushed.
        if waiting.messages == 3 {
            break waiting;
        }
    };
    let expected = Waiting {
        messages: 3,
        in_hand: 7,
    };
    assert_eq!(waiting, expected);
    let without = broker.queue(leak(vec![one]), "", "http://127.0.0.1:9");
    assert!(without.waiting().await.is_err(), "nobody knows");
    broker.delete(&[one, other]).await;
}
