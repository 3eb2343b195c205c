//! A load in steps: one rate after the other, without a pause between them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of a load: so many participants within so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// How many come.
    pub users: u32,
    /// Seconds within which they come.
    pub window_s: u32,
}

impl StepSpec {
    /// Participants of all `steps`.
    #[must_use]
    pub fn users(steps: &[Self]) -> u32 {
        steps.iter().map(|step| step.users).sum()
    }

    /// Seconds of all `steps`.
    #[must_use]
    pub fn window_s(steps: &[Self]) -> u32 {
        steps.iter().map(|step| step.window_s).sum()
    }
}
