//! The thread that carries the slots: a runtime of its own, so that a request waits for nothing
//! else. Metering, progress and faults stay on the runtime of the caller.

use super::priority;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// One worker carries 10,000 requests a second; two cost a third more CPU a request (NOTES.md).
const THREADS: usize = 1;

/// The runtime of a load. Dropping it ends whatever still runs on it.
pub(super) struct Worker {
    handle: Handle,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    raised: Arc<AtomicBool>,
}

impl Worker {
    pub(super) fn start() -> std::io::Result<Self> {
        let raised = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&raised);
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("generator")
            .on_thread_start(move || seen.store(priority::raise_this_thread(), Ordering::Relaxed))
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            raised,
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

impl Drop for Worker {
    fn drop(&mut self) {
        // A runtime must not be waited for within another, where this is dropped.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
