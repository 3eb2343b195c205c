//! A public port that several services of one test accept from.

#![expect(clippy::panic, reason = "a test says what it expects by panicking")]

use crate::answered::{Answered, answered};
use crate::service::EVENT;
use reqwest::Client;
use signup_service::{Address, Listener, hold};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The port, held by a task in place of the program that does it in a phase.
#[derive(Debug)]
pub struct SharedPort {
    url: String,
    holding: JoinHandle<()>,
    folder: TempDir,
}

impl SharedPort {
    /// Opens one.
    ///
    /// # Panics
    /// When there is no port or no folder to be had.
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("a folder: {error}"));
        let (url, holding) = start(&path(folder.path())).await;
        Self {
            url,
            holding,
            folder,
        }
    }

    /// Ends who holds it, and has another hold another port at the same place.
    ///
    /// # Panics
    /// As [`SharedPort::open`].
    pub async fn open_again(&mut self) {
        self.holding.abort();
        let _ = (&mut self.holding).await;
        (self.url, self.holding) = start(&path(self.folder.path())).await;
    }

    /// Its part of one service.
    ///
    /// # Panics
    /// Never: nothing is bound here.
    pub async fn listener(&self) -> Listener {
        let listener = Listener::bind(&Address::Handed(path(self.folder.path()))).await;
        listener.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Somebody who has no connection yet, and keeps the one that he makes.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor {
            client: Client::new(),
            url: format!("{}/v1/events/{EVENT}/signups", self.url),
        }
    }
}

/// Somebody with connections of his own.
#[derive(Debug)]
pub struct Visitor {
    client: Client,
    url: String,
}

impl Visitor {
    /// Signs `participant` up.
    ///
    /// # Panics
    /// When there is no answer, or not JSON in it.
    pub async fn sign_up(&self, participant: &str) -> Answered {
        let email = format!("{participant}@example.org");
        let body = serde_json::json!({"email": email, "name": participant});
        answered(self.client.post(&self.url).json(&body)).await
    }
}

impl Drop for SharedPort {
    fn drop(&mut self) {
        self.holding.abort();
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("listener")
}

async fn start(path: &Path) -> (String, JoinHandle<()>) {
    // Of tokio's, because 1,024 may wait there; of std's, 128.
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.and_then(TcpListener::into_std);
    let listener = listener.unwrap_or_else(|error| panic!("a port: {error}"));
    let address = listener.local_addr();
    let address = address.unwrap_or_else(|error| panic!("a port: {error}"));
    let path = path.to_owned();
    let holding = tokio::spawn(async move {
        let held = hold(listener, &path).await;
        held.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    });
    (format!("http://{address}"), holding)
}
