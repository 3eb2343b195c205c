//! The thread that carries the slots and the pacer: a runtime of its own, so that a request waits for
//! nothing else. Metering, progress and faults stay on the runtime of the caller.

use super::priority;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The runtime of a load, of one thread: that carries 10,000 requests a second, and two cost more CPU a
/// request (NOTES N7, N8). Dropping it ends whatever still runs on it.
pub(super) struct Worker {
    handle: Handle,
    raised: Arc<AtomicBool>,
    _ends_it: DropGuard,
}

impl Worker {
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let raised = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&raised);
        let end = CancellationToken::new();
        let ended = end.clone();
        std::thread::Builder::new()
            .name("generator".to_owned())
            .spawn(move || {
                seen.store(priority::raise_this_thread(), Ordering::Relaxed);
                runtime.block_on(ended.cancelled());
            })?;
        Ok(Self {
            handle,
            raised,
            _ends_it: end.drop_guard(),
        })
    }

    pub(super) fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(work)
    }

    /// Whether its thread has real-time scheduling.
    pub(super) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }
}
