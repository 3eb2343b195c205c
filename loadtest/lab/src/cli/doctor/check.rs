//! One check of a machine, and what came of it.

/// The result of one check.
pub(super) struct Check {
    pub(super) what: &'static str,
    pub(super) state: State,
    pub(super) found: String,
}

pub(super) enum State {
    Good,
    /// It works, but numbers may suffer.
    Doubtful,
    /// It will not work until this is done.
    Bad(&'static str),
}

pub(super) fn check(what: &'static str, state: State, found: String) -> Check {
    Check { what, state, found }
}
