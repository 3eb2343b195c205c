//! How goose is set up: as many users as there are slots, started at once, silent, and without the
//! controllers, reports and log files it can offer.

use super::shared::Shared;
use super::slot;
use goose::GooseAttack;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{Scenario, Transaction, TransactionFunction};
use std::sync::Arc;

/// The attack, ready to execute.
pub(super) fn attack(host: &str, shared: &Arc<Shared>) -> anyhow::Result<GooseAttack> {
    let users = shared.slots.to_string();
    let configuration = GooseConfiguration::parse_args_default(&[
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
        "--no-status-codes",
        "--no-print-metrics",
        "--no-error-summary",
        "--no-telnet",
        "--co-mitigation",
        "disabled",
        "--quiet",
    ])?;
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
