//! Ctrl-C, kept out of goose's hands.
//!
//! goose installs a handler when an attack starts. It would replace Tokio's, its own stop would not
//! reach users that wait for a ticket, and at the second Ctrl-C it would end the process with the
//! containers still running. A process has one such handler, and the first to install it wins.

use tokio_util::sync::CancellationToken;

/// Cancels `stop` on SIGINT, SIGTERM and SIGHUP. Call it before the first load; it replaces
/// `tokio::signal::ctrl_c` when that was called before.
///
/// # Errors
/// When it was called before in this process, or a load has run without it.
pub fn stop_on_interrupt(stop: CancellationToken) -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(move || stop.cancel())?)
}
