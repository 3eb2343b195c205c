//! Ctrl-C, kept out of goose's hands.
//!
//! goose installs a handler when an attack starts. It would replace Tokio's, its own stop would not
//! reach users that wait for a ticket, and at the second Ctrl-C it would end the process with the
//! containers still running. A process has one such handler, and the first to install it wins.

use tokio_util::sync::CancellationToken;

/// Cancels the first of `stops` that is not cancelled yet on SIGINT, SIGTERM and SIGHUP. Call it before the
/// first load; it replaces `tokio::signal::ctrl_c` when that was called before.
///
/// # Errors
/// When it was called before in this process, or a load has run without it.
pub fn stop_on_interrupt(stops: Vec<CancellationToken>) -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(move || {
        if let Some(next) = stops.iter().find(|stop| !stop.is_cancelled()) {
            next.cancel();
        }
    })?)
}
