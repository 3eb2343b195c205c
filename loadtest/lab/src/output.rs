//! What the lab writes to its two streams. A reader may go away early (`lab … | head -1`): the rest is
//! then dropped without a word, and the work goes on to its exit code. `println!` would panic.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

/// Why output was lost, other than that nobody reads it any more: a full disk, for example.
static LOST: OnceLock<String> = OnceLock::new();

/// Writes a line of results to standard output.
macro_rules! out {
    ($($words:tt)*) => { $crate::output::to_stdout(format_args!($($words)*)) };
}

/// Writes a line about what is going on to standard error.
macro_rules! note {
    ($($words:tt)*) => { $crate::output::to_stderr(format_args!($($words)*)) };
}

pub(crate) use {note, out};

pub(crate) fn to_stdout(line: Arguments<'_>) {
    if let Err(error) = write_line(io::stdout().lock(), line) {
        LOST.get_or_init(|| format!("cannot write to standard output: {error}"));
    }
}

pub(crate) fn to_stderr(line: Arguments<'_>) {
    // Where this cannot be written, neither can the reason.
    let _ = write_line(io::stderr().lock(), line);
}

/// Why results were lost, if they were.
pub(crate) fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

fn write_line(mut stream: impl Write, line: Arguments<'_>) -> io::Result<()> {
    let written = writeln!(stream, "{line}").and_then(|()| stream.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
