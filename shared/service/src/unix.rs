//! Listening on a Unix socket for others on this machine.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::net::UnixListener;

/// Listens on `path`; a file of that name is replaced.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    // What a killed process left behind; nobody else has this path.
    if path.exists() {
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    // Who connects is another user; whoever reaches the folder may.
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(listener)
}
