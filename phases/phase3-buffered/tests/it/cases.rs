//! What the conformance cases run against: one system for all that leave each other alone, as an
//! event of its own lets them, and one each for those that look at the whole process. Starting two
//! programs on two databases takes longer than most cases do.

use crate::server::System;
use signup_conformance::Target;
use signup_testbed::ORGANISER_TOKEN;
use std::sync::{Arc, Weak, mpsc};
use std::thread::JoinHandle;
use tokio::sync::{Mutex, oneshot};

/// The modules of cases that look at all that a process does.
const ALONE: [&str; 3] = ["admission", "cardinality", "probes"];

/// A system, for as long as a case needs it.
pub(crate) struct Served {
    target: Target,
    _system: Arc<Background>,
}

/// A system on a thread and a runtime of its own: that of a case ends with the case.
struct Background {
    url: String,
    operations_url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// A system for a case of the module `path`.
    pub(crate) async fn to(path: &str) -> Self {
        static SHARED: Mutex<Weak<Background>> = Mutex::const_new(Weak::new());
        let system = if ALONE.iter().any(|module| path.ends_with(module)) {
            Arc::new(Background::start())
        } else {
            let mut shared = SHARED.lock().await;
            let system = shared.upgrade();
            let system = system.unwrap_or_else(|| Arc::new(Background::start()));
            *shared = Arc::downgrade(&system);
            system
        };
        // One for each case: its connections belong to the case's runtime.
        let operations = Some(system.operations_url.clone());
        Self {
            target: Target::new(system.url.clone(), operations, ORGANISER_TOKEN)
                .unwrap()
                .patient(),
            _system: system,
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }
}

impl Background {
    fn start() -> Self {
        let (started, urls) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let system = System::start().await;
                let urls = (
                    system.gateway.url.clone(),
                    system.gateway.operations_url.clone(),
                );
                started.send(urls).unwrap();
                let _ = stopped.await;
            });
        });
        let (url, operations_url) = urls.recv().unwrap();
        Self {
            url,
            operations_url,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Background {
    /// Waits for its end: the process may end next, and would leave databases and queues behind.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
