//! What happens when nobody reads what the lab says, as in `lab … | head -1`: nothing. It ends as it would
//! have ended, and its exit code says the same.

use std::fs::File;
use std::process::{Command, Stdio};

/// Nobody listens on the discard port.
const NOBODY: &str = "http://127.0.0.1:9";

fn lab(arguments: &[&str]) -> Command {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"));
    lab.args(["--root", root]).args(arguments);
    lab
}

/// The exit code when both streams are pipes that nobody reads.
fn unread(arguments: &[&str]) -> Option<i32> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut lab = lab(arguments);
    lab.stdout(writer.try_clone().unwrap()).stderr(writer);
    lab.status().unwrap().code()
}

#[test]
fn nobody_who_reads_is_no_reason_to_panic() {
    let token = tempfile::NamedTempFile::new().unwrap();
    let token = token.path().to_str().unwrap();
    let conformance = [
        "conformance",
        "--url",
        NOBODY,
        "--filter",
        "a_participant_signs_up_once",
    ];
    let conformance = [&conformance[..], &["--organiser-token-file", token]].concat();
    // Cases fail, and the code tells.
    assert_eq!(unread(&conformance), Some(11));
    for (arguments, code) in [
        (&["judge", "--all"][..], 0),
        (&["report", "latest"], 0),
        (&["report", "no such run"], 1),
        (
            &["calibrate", "--rates", "20", "--step", "1", "--slots", "4"],
            0,
        ),
        (&["--help"], 0),
        (&["no such command"], 2),
    ] {
        assert_eq!(unread(arguments), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_doctor_whom_nobody_hears_finds_the_same() {
    let heard = lab(&["doctor"]).output().unwrap().status.code();
    assert_eq!(unread(&["doctor"]), heard);
}

#[test]
fn results_that_a_full_disk_swallowed_are_an_error() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut lab = lab(&["report", "latest"]);
    let ended = lab.stdout(full).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write to standard output"), "{said}");
}
