//! What a real database and a real queue say to a password that is not theirs: theirs is the one they were
//! made with, and secrets made anew do not change it.

use lab::stack::databases::Databases;
use lab::stack::phases::{DatabaseAddress, Phase, QueueAddress, Role, phase};
use lab::stack::project::Project;
use lab::stack::queue::Queue;
use lab_truth::spec::PhaseName;
use sqlx::postgres::PgConnectOptions;

/// Where the test services are.
fn ports() -> (u16, u16) {
    let database = std::env::var("TEST_DATABASE_URL")
        .map(|url| url.parse::<PgConnectOptions>().unwrap().get_port());
    let queue = std::env::var("TEST_QUEUE_PORT").map(|port| port.parse().unwrap());
    (database.unwrap_or(15432), queue.unwrap_or(15673))
}

/// A project whose secrets are these.
fn project(password: &str) -> (tempfile::TempDir, Project) {
    let root = tempfile::tempdir().unwrap();
    let secrets = root.path().join("compose/secrets");
    std::fs::create_dir_all(&secrets).unwrap();
    for name in ["database_password", "queue_password"] {
        std::fs::write(secrets.join(name), password).unwrap();
    }
    let project = Project::new(root.path());
    (root, project)
}

/// A phase with a database and a queue at these ports.
fn phase_at(database: u16, queue: u16) -> Phase {
    let database = DatabaseAddress {
        service: "the database",
        port: database,
        role: Role::Owner,
    };
    let queue = QueueAddress {
        service: "the queue",
        port: queue,
        ..phase(PhaseName::Phase3).queue.unwrap()
    };
    Phase {
        databases: vec![database].leak(),
        queue: Some(queue),
        ..phase(PhaseName::Phase3)
    }
}

#[tokio::test]
async fn a_password_that_is_refused_is_told_from_all_other_trouble() {
    let (_root, project) = project("another one");
    let (database, queue) = ports();
    let phase = phase_at(database, queue);
    let databases = Databases::new(phase, &project).unwrap();
    let queue = Queue::new(phase, &project).unwrap().unwrap();
    assert_eq!(databases.refuses_password().await, Some("the database"));
    assert_eq!(queue.refuses_password().await, Some("the queue"));
    // Nobody there: that may pass.
    let phase = phase_at(9, 9);
    let databases = Databases::new(phase, &project).unwrap();
    let queue = Queue::new(phase, &project).unwrap().unwrap();
    assert_eq!(databases.refuses_password().await, None);
    assert_eq!(queue.refuses_password().await, None);
}

#[tokio::test]
async fn a_queue_that_takes_the_password_does_not_refuse_it() {
    let (_root, project) = project("test");
    let phase = phase_at(9, ports().1);
    let queue = Queue::new(phase, &project).unwrap().unwrap();
    assert_eq!(queue.refuses_password().await, None);
}
