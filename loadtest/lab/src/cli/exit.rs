//! Exit codes, as `--help` documents them.

use std::process::ExitCode;

pub(super) const COULD_NOT_RUN: u8 = 1;
pub(super) const SUSPECT: u8 = 10;
pub(super) const INVALID: u8 = 11;
pub(super) const MISSED: u8 = 12;
pub(super) const BEYOND_LIMIT: u8 = 13;

/// Success, or the code for what it otherwise is.
pub(super) fn exit(good: bool, otherwise: u8) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(otherwise)
    }
}
