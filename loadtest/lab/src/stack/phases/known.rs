//! The phases there are, with the addresses their Compose files publish.

use super::parts::{DatabaseAddress, Phase, QueueAddress, Role};
use lab_truth::spec::{Budget, Other, Part};

pub(super) const PHASE1: Phase = Phase {
    name: "phase1",
    title: "monolith",
    url: "http://127.0.0.1:8080",
    entry: "phase1-server",
    operations: &["http://127.0.0.1:9100"],
    databases: &[DatabaseAddress {
        service: "phase1-database",
        port: 15401,
        role: Role::Owner,
    }],
    queue: None,
    parts: &[],
    others: &[Other::GoServer],
    budgets: &[Budget::Same],
};

pub(super) const PHASE2: Phase = Phase {
    name: "phase2",
    title: "replicated",
    url: "http://127.0.0.1:8080",
    entry: "phase2-balancer",
    operations: &["http://127.0.0.1:9111", "http://127.0.0.1:9112"],
    databases: &[
        DatabaseAddress {
            service: "phase2-primary",
            port: 15402,
            role: Role::Owner,
        },
        DatabaseAddress {
            service: "phase2-replica",
            port: 15403,
            role: Role::Replica {
                of: "phase2-primary",
            },
        },
    ],
    queue: None,
    parts: &[Part::Batch, Part::Cache, Part::Replica, Part::Balancer],
    others: &[],
    budgets: &[Budget::Same, Budget::Grown],
};

pub(super) const PHASE3: Phase = Phase {
    name: "phase3",
    title: "buffered",
    url: "http://127.0.0.1:8080",
    entry: "phase3-listener",
    operations: &["http://127.0.0.1:9121", "http://127.0.0.1:9122"],
    databases: &[
        DatabaseAddress {
            service: "phase3-shard-0",
            port: 15410,
            role: Role::Shard { number: 0 },
        },
        DatabaseAddress {
            service: "phase3-shard-1",
            port: 15411,
            role: Role::Shard { number: 1 },
        },
    ],
    queue: Some(QueueAddress {
        service: "phase3-queue",
        port: 15604,
        queues: &["signups.0", "signups.1"],
        dead_letters: "signups.dead",
        writer: "http://127.0.0.1:9123",
    }),
    parts: &[Part::Queue],
    others: &[Other::Balancer],
    budgets: &[Budget::Same, Budget::Grown],
};
