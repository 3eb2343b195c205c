//! How goose is set up: as many users as there are slots, started at once, silent, and without the
//! controllers and log files it can offer. It writes a report where one is asked for.

use super::shared::Shared;
use super::slot;
use goose::GooseAttack;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{Scenario, Transaction, TransactionFunction};
use std::path::Path;
use std::sync::Arc;

/// What a reader of goose's report must know: its users are no participants here.
const NOTES: &str = "Written by goose for an open load of the signup lab. Response times count from the \
    instant a request was meant to be sent; goose's users are the slots in which requests are in flight.";

/// The attack, ready to execute; with a `report`, goose writes one there when it has ended.
pub(super) fn attack(
    host: &str,
    shared: &Arc<Shared>,
    report: Option<&Path>,
) -> anyhow::Result<GooseAttack> {
    let users = shared.slots.to_string();
    let mut arguments = vec![
        "--host",
        host,
        "--users",
        &users,
        // Users a second; the load begins when all of them wait for a ticket.
        "--increase-rate",
        "100000",
        // Not `--no-reset-metrics`: goose then prints a line that nothing can silence. It forgets
        // what it has counted when its last user has started, and the load begins after that.
        "--no-transaction-metrics",
        "--no-scenario-metrics",
        "--no-print-metrics",
        "--no-telnet",
        "--co-mitigation",
        "disabled",
        "--quiet",
    ];
    let report = report.map(|file| file.to_string_lossy());
    match &report {
        Some(file) => arguments.extend(["--report-file", &**file, "--notes", NOTES]),
        None => arguments.extend(["--no-status-codes", "--no-error-summary"]),
    }
    let configuration = GooseConfiguration::parse_args_default(&arguments)?;
    let scenario = Scenario::new("slot")
        .register_transaction(ready(shared).set_on_start())
        .register_transaction(serve(shared).set_name("serve"));
    // goose's client, which nothing is sent with: with cookies each user would build one.
    let client = GooseClientBuilder::new().without_cookies();
    Ok(GooseAttack::initialize_with_config(configuration)?
        .set_client_builder_without_cookies(client)?
        .register_scenario(scenario))
}

/// Runs once in each user: says that the slot is there.
fn ready(shared: &Arc<Shared>) -> Transaction {
    let shared = Arc::clone(shared);
    let function: TransactionFunction = Arc::new(move |_user| {
        shared.ready.add_permits(1);
        Box::pin(async { Ok(()) })
    });
    Transaction::new(function)
}

fn serve(shared: &Arc<Shared>) -> Transaction {
    let shared = Arc::clone(shared);
    let function: TransactionFunction = Arc::new(move |user| {
        let shared = Arc::clone(&shared);
        Box::pin(async move { slot::serve(user, &shared).await })
    });
    Transaction::new(function)
}
