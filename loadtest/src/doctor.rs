//! `lab doctor`: what will not work on this machine, and how to mend it.

use crate::phases::PhaseName;
use crate::stack::Stack;
use crate::terminal::Style;
use crate::{containers::Containers, host};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// Memory the largest stack may use by its caps, with the generator beside it.
const MEMORY_BYTES: u64 = 3 << 30;

/// Disk that images, databases and build output take.
const DISK_BYTES: u64 = 10 << 30;

/// A flush slower than this makes a durable signup slower than the goals assume.
const SLOW_FLUSH_US: f64 = 5_000.0;

/// Ports the stacks publish.
const PORTS: [u16; 6] = [8080, 9100, 9090, 9101, 3000, 15401];

/// The result of one check.
struct Check {
    what: &'static str,
    state: State,
    found: String,
}

enum State {
    Good,
    /// It works, but numbers may suffer.
    Doubtful,
    /// It will not work until this is done.
    Bad(&'static str),
}

/// Checks the machine, prints a line for each check, and says whether runs can work here.
pub async fn doctor(root: &Path) -> bool {
    let style = Style::of_stdout();
    let mut checks = vec![
        cores(),
        memory(),
        disk(root),
        flush(root),
        set_up(root),
        compose(),
    ];
    checks.push(engine().await);
    checks.push(images(root).await);
    checks.push(ports());
    let mut works = true;
    for check in &checks {
        let mark = match check.state {
            State::Good => style.good("ok  "),
            State::Doubtful => style.warn("hmm "),
            State::Bad(_) => style.bad("BAD "),
        };
        println!("{mark} {:<12} {}", check.what, check.found);
        if let State::Bad(remedy) = check.state {
            println!("     {:<12} → {remedy}", "");
            works = false;
        }
    }
    works
}

fn check(what: &'static str, state: State, found: String) -> Check {
    Check { what, state, found }
}

fn cores() -> Check {
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

fn memory() -> Check {
    let bytes = host::memory_bytes();
    let state = if bytes >= MEMORY_BYTES {
        State::Good
    } else {
        State::Bad("use a machine with 3 GiB or more")
    };
    check("memory", state, format!("{} MiB", bytes >> 20))
}

fn disk(root: &Path) -> Check {
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

fn flush(root: &Path) -> Check {
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

fn set_up(root: &Path) -> Check {
    let missing: Vec<_> = [
        ".env",
        "compose/secrets/database_password",
        "compose/secrets/receipt_key",
        "compose/secrets/organiser_token",
    ]
    .into_iter()
    .filter(|file| !root.join(file).exists())
    .collect();
    if missing.is_empty() {
        let env = fs::read_to_string(root.join(".env")).unwrap_or_default();
        let images = env
            .lines()
            .find_map(|line| line.strip_prefix("LAB_IMAGES="))
            .unwrap_or("unknown")
            .to_owned();
        check("set-up", State::Good, format!("done, with {images} images"))
    } else {
        check(
            "set-up",
            State::Bad("run `make setup`"),
            format!("missing: {}", missing.join(", ")),
        )
    }
}

fn compose() -> Check {
    let output = Command::new("docker")
        .args(["compose", "version", "--short"])
        .output();
    match output {
        Ok(output) if output.status.success() => check(
            "compose",
            State::Good,
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        ),
        _ => check(
            "compose",
            State::Bad("run `make setup`"),
            "`docker compose` (version 2) does not run".into(),
        ),
    }
}

async fn engine() -> Check {
    let engine = async {
        Containers::connect(PhaseName::Phase1.phase())?
            .engine()
            .await
    };
    match engine.await {
        Ok((version, cgroup)) => check(
            "engine",
            State::Good,
            format!("Docker {version}, cgroup {cgroup}"),
        ),
        Err(error) => check(
            "engine",
            State::Bad("start the Docker engine, or run `make setup` as root"),
            format!("{error:#}"),
        ),
    }
}

async fn images(root: &Path) -> Check {
    match Stack::new(PhaseName::Phase1.phase(), root)
        .missing_images()
        .await
    {
        Ok(missing) if missing.is_empty() => check("images", State::Good, "all there".into()),
        Ok(missing) => check(
            "images",
            State::Bad("run `make images`"),
            format!("missing: {}", missing.join(", ")),
        ),
        Err(error) => check(
            "images",
            State::Bad("run `make setup images`"),
            format!("{error:#}"),
        ),
    }
}

fn ports() -> Check {
    let taken: Vec<_> = PORTS
        .into_iter()
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_err())
        .map(|port| port.to_string())
        .collect();
    if taken.is_empty() {
        check("ports", State::Good, "all free".into())
    } else {
        check(
            "ports",
            State::Doubtful,
            format!(
                "in use: {}; fine if a phase is up (`lab down phase1`)",
                taken.join(", ")
            ),
        )
    }
}
