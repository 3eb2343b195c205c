//! Checks of the machine itself: cores, memory, disk.

use super::{Check, State, check};
use crate::host;
use std::path::Path;
use std::process::Command;

/// Memory the largest stack may use by its caps, with the generator beside it.
const MEMORY_BYTES: u64 = 3 << 30;

/// Disk that images, databases and build output take.
const DISK_BYTES: u64 = 10 << 30;

/// A flush slower than this makes a durable signup slower than the goals assume.
const SLOW_FLUSH_US: f64 = 5_000.0;

pub(super) fn cores() -> Check {
    let cores = host::cores();
    let state = if cores >= 2 {
        State::Good
    } else {
        State::Doubtful
    };
    check(
        "cores",
        state,
        format!(
            "{cores} ({}); a run wants 2: one for the stack, one for the load",
            host::cpu_model()
        ),
    )
}

pub(super) fn memory() -> Check {
    let bytes = host::memory_bytes();
    let state = if bytes >= MEMORY_BYTES {
        State::Good
    } else {
        State::Bad("use a machine with 3 GiB or more")
    };
    check("memory", state, format!("{} MiB", bytes >> 20))
}

pub(super) fn disk(root: &Path) -> Check {
    // `df` rather than statvfs: the standard library has no call for it, and this runs once.
    let output = Command::new("df")
        .args(["--output=avail", "-B1"])
        .arg(root)
        .output();
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let free: Option<u64> = text
        .lines()
        .nth(1)
        .and_then(|line| line.trim().parse().ok());
    match free {
        Some(free) if free < DISK_BYTES => check(
            "disk",
            State::Bad("free some space: images and builds take up to 10 GiB"),
            format!("{} GiB free", free >> 30),
        ),
        Some(free) => check("disk", State::Good, format!("{} GiB free", free >> 30)),
        None => check(
            "disk",
            State::Doubtful,
            "cannot tell how much is free".into(),
        ),
    }
}

pub(super) fn flush(root: &Path) -> Check {
    match host::fdatasync_us(root) {
        Ok(us) if us > SLOW_FLUSH_US => check(
            "flush",
            State::Doubtful,
            format!("{us:.0} µs for fdatasync: commits will be slow here"),
        ),
        // Not even a fast disk flushes so fast: somewhere below, a cache says "done" too early.
        Ok(us) if us < 5.0 => check(
            "flush",
            State::Doubtful,
            format!("{us:.1} µs for fdatasync: this disk does not really flush"),
        ),
        Ok(us) => check(
            "flush",
            State::Good,
            format!("{us:.0} µs for fdatasync of 8 kB"),
        ),
        Err(error) => check(
            "flush",
            State::Bad("make the project's folder writable"),
            format!("{error:#}"),
        ),
    }
}
