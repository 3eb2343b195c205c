//! Whether connections are better off elsewhere: this process stops, or lacks something that it needs, and
//! others accept from the same socket.

use crate::operations::Ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is asked whether the work can be done. Twice this and a connection goes elsewhere: within
/// a second.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// Each answer is the last of its connection while this is set.
#[derive(Clone, Default)]
pub(crate) struct Leaving(Arc<Flags>);

#[derive(Default)]
struct Flags {
    stops: AtomicBool,
    lacks_something: AtomicBool,
}

impl Leaving {
    pub(crate) fn is_set(&self) -> bool {
        self.0.stops.load(Ordering::Relaxed) || self.0.lacks_something.load(Ordering::Relaxed)
    }

    /// The process stops.
    pub(crate) fn for_good(&self) {
        self.0.stops.store(true, Ordering::Relaxed);
    }

    /// Follows what `whole` says, until `end`.
    pub(crate) fn follow(&self, whole: Ready, end: CancellationToken) {
        let flags = Arc::clone(&self.0);
        let follow = async move {
            loop {
                let answer = timeout(ASK_EVERY, whole()).await;
                let is_whole = matches!(answer, Ok(Ok(())));
                flags.lacks_something.store(!is_whole, Ordering::Relaxed);
                sleep(ASK_EVERY).await;
            }
        };
        tokio::spawn(end.run_until_cancelled_owned(follow));
    }
}
