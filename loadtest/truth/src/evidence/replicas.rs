//! Whether the replicas held in the end what their owners do.

use std::time::Duration;

/// How long a replica may take, once nothing is written any more, to replay what was. It replays a
/// signup in a fraction of what the primary takes to make it, so this is far over what one needs
/// that was not away.
pub const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(60);

/// How the replicas of a phase caught up.
#[derive(Debug, Clone, Default)]
pub struct CatchUp {
    /// How long the slowest took; `None` where there is none.
    pub took: Option<Duration>,
    /// Those that did not, within [`CATCH_UP_TIMEOUT`], and where they were left.
    pub behind: Vec<String>,
}
