//! A public port that several services of one test accept from.

#![expect(clippy::panic, reason = "a test says what it expects by panicking")]

use crate::answered::{Answered, answered};
use crate::patience::EVENTUALLY;
use crate::service::{EVENT, TestService};
use reqwest::Client;
use signup_service::{Address, Listener, hold};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;

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

    /// Waits until new connections go to `other`, because `one` leaves them to it.
    ///
    /// # Panics
    /// When they do not within a minute.
    pub async fn until_left_to(&self, other: &TestService, one: &TestService) {
        let began = Instant::now();
        // Where the other stands still for 200 ms, this one answers in its place: a few, and by chance half
        // of 40.
        for round in 0.. {
            let before = one.metric(SIGNUPS).await;
            for number in 0..40 {
                let visitor = self.visitor();
                visitor.sign_up(&format!("p{round}-{number}")).await;
            }
            let answered = one.metric(SIGNUPS).await - before;
            if answered < 6.0 {
                break;
            }
            assert!(began.elapsed() < EVENTUALLY, "{answered} of 40");
        }
        assert!(other.metric(SIGNUPS).await > 34.0);
    }
}

/// Signups that were answered, whatever with.
const SIGNUPS: &str = "http_requests_total{route=\"/v1/events/{event}/signups\",method=\"POST\"}";

/// A refusal that comes sooner is none of a busy machine's, whose are of time that has run out.
const AT_ONCE: Duration = Duration::from_millis(500);

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

    /// Signs `who-0`, `who-1` and so on up until `stop` is set; returns who was answered with `accepted`.
    ///
    /// # Panics
    /// At any other answer but one of `refusals` by a busy machine; else as [`Visitor::sign_up`].
    pub async fn keep_signing_up(
        &self,
        who: &str,
        accepted: u16,
        refusals: &[u16],
        stop: &AtomicBool,
    ) -> Vec<String> {
        let mut names = Vec::new();
        for number in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let name = format!("{who}-{number}");
            let answer = self.sign_up(&name).await;
            if answer.status == accepted {
                names.push(name);
            } else {
                assert!(refusals.contains(&answer.status), "{answer:?}");
                assert!(answer.took > AT_ONCE, "{answer:?}");
            }
            sleep(Duration::from_millis(5)).await;
        }
        names
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
