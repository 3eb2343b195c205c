//! Checks of the machine itself: cores, memory, disk.

use super::check::{Check, State, check};
use crate::load::open_files as files;
use crate::stack::host;
use lab_truth::spec::{GreedyClients, SLOTS};
use rustix::fs::statvfs;
use std::path::Path;

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
    let free = statvfs(root)
        .ok()
        .map(|of| of.f_bavail.saturating_mul(of.f_frsize));
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

/// Each slot of the generator has a connection, so has each greedy client, and a connection is a file.
pub(super) fn open_files() -> Check {
    let limit = files::raise();
    let (state, enough) = match files::check(SLOTS, &GreedyClients::default()) {
        Ok(()) => {
            let greedy = files::connections() - u64::from(SLOTS);
            (
                State::Good,
                format!(": {SLOTS} slots, and {greedy} greedy clients beside them"),
            )
        }
        Err(_) => (
            State::Bad(
                "raise the limit: `ulimit -n 16384`, or nofile in /etc/security/limits.conf",
            ),
            format!(", too few for the generator's {SLOTS} slots"),
        ),
    };
    check("open files", state, format!("{limit} allowed{enough}"))
}
