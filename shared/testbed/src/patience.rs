//! How long a test waits. No test fails because a busy machine is late: what the contract bounds (an
//! answer within 2 s, healed within 5 s) is waited for far longer here, and measured by the lab's runs.

use std::time::Duration;

/// For an answer, whatever is broken behind the service: by the contract 2 s.
pub const ANSWERED: Duration = Duration::from_secs(20);

/// For all that must happen once: to start, to heal, to be seen, to end.
pub const EVENTUALLY: Duration = Duration::from_secs(60);
