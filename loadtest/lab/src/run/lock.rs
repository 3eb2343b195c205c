//! One run at a time: containers, ports and databases are the machine's, not a checkout's.

use crate::stack::engine;
use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use time::macros::format_description;

/// Held while something is brought up, loaded or taken down. It ends with its process, however that
/// ends, because the kernel keeps it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of this machine, for what is being done.
    ///
    /// # Errors
    /// When another process has it: says which, what it does, and since when.
    pub fn take(what: &str) -> anyhow::Result<Self> {
        Self::at(&file(), what)
    }

    fn at(path: &Path, what: &str) -> anyhow::Result<Self> {
        let mut file = open(path).with_context(|| format!("opening {}", path.display()))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "another process",
                holder => holder,
            };
            bail!(
                "the lab is in use on this machine: {holder}. Containers and ports are shared by all \
                 checkouts; wait until it has ended"
            );
        }
        let since = OffsetDateTime::now_utc().format(format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second] UTC"
        ))?;
        file.set_len(0)?;
        file.rewind()?;
        write!(
            file,
            "{what}, process {}, since {since}",
            std::process::id()
        )?;
        Ok(Self { _file: file })
    }
}

/// Where it lies: for all checkouts and users of a machine, and so not where TMPDIR says.
fn file() -> PathBuf {
    PathBuf::from("/tmp/signup-lab.lock")
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    // Without O_CREAT first: in a folder like /tmp the kernel refuses it for somebody else's file.
    options.open(path).or_else(|_| {
        use std::os::unix::fs::OpenOptionsExt;
        options.create(true).truncate(false).mode(0o666).open(path)
    })
}

/// Phases that are up though no run is on: left by `lab up`, `--keep` or `docker compose up`.
///
/// # Errors
/// When the engine does not answer.
pub async fn left_up() -> anyhow::Result<Vec<String>> {
    let mut phases: Vec<String> = engine::running_services()
        .await?
        .into_iter()
        .filter(|service| service.starts_with("phase"))
        .filter_map(|service| Some(service.split_once('-')?.0.to_owned()))
        .collect();
    phases.sort();
    phases.dedup();
    Ok(phases)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_second_is_refused_at_once_and_told_who_runs_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::at(&path, "lab run phase2").unwrap();
        let error = Lock::at(&path, "lab main").unwrap_err().to_string();
        let process = format!("lab run phase2, process {}, since 20", std::process::id());
        assert!(error.contains(&process), "{error}");
        drop(first);
        assert!(Lock::at(&path, "lab main").is_ok());
    }

    /// This test starts itself anew as the process that is killed.
    #[test]
    fn the_lock_dies_with_its_process() {
        if let Ok(path) = std::env::var("LAB_TEST_LOCK") {
            let _lock = Lock::at(Path::new(&path), "the one that is killed").unwrap();
            std::thread::sleep(std::time::Duration::from_secs(600));
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "run::lock::tests::the_lock_dies_with_its_process",
                "--exact",
                "--nocapture",
            ])
            .env("LAB_TEST_LOCK", &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while Lock::at(&path, "too early").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(Lock::at(&path, "the next").is_ok());
    }
}
