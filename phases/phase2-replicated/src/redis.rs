//! The second level of the cache: one Redis for all servers, which is not trusted.
//!
//! It may be gone, hang, forget everything or lie, and no answer changes: a question costs at most
//! [`ANSWER_TIMEOUT`], a failure opens a breaker, and what comes back is believed only with a seal that
//! nobody without the event's salt can make. Keys and values are not readable as ids there.

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::io::tcp::TcpSettings;
use ::redis::{AsyncCommands, Client, IntoConnectionInfo, RedisResult};
use anyhow::Context;
use constant_time_eq::constant_time_eq_16;
use signup_domain::EventSalt;
use signup_service::Breaker;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer is waited for. On the spot it takes under a millisecond; who waits longer is
/// better served by a database.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(40);

/// A peer that has not acknowledged a packet for so long is gone: without it, Linux goes on for a
/// quarter of an hour.
const PEER_GONE: Duration = Duration::from_secs(1);

/// No value is as long as this, in bytes: a name has at most 200 characters.
const LONGEST: usize = 1_024;

/// What all keys begin with.
const PREFIX: &[u8] = b"cache:";

/// Bytes of the seal behind a value.
const SEAL: usize = 16;

/// The connection to Redis. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Redis {
    connection: ConnectionManager,
    breaker: Arc<Breaker>,
}

/// Redis did not answer in time, or said something that is not ours.
#[derive(Debug)]
pub(crate) struct Failed;

/// A value to keep, under a name within its event.
pub(crate) struct Item {
    pub(crate) name: [u8; 16],
    pub(crate) value: Vec<u8>,
    pub(crate) keep: Duration,
}

impl Redis {
    /// The connection, made at the first question: a server starts without Redis, too.
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        let info = url
            .into_connection_info()
            .context("REDIS_URL is not redis://host:port")?;
        // Questions are small: without this they wait for the peer's delayed acknowledgement.
        let settings = TcpSettings::default()
            .set_nodelay(true)
            .set_user_timeout(PEER_GONE);
        let client = Client::open(info.set_tcp_settings(settings))?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(ANSWER_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client, config)?,
            breaker: Arc::default(),
        })
    }

    /// The value under `name`, if there is one; one without our seal is a failure.
    pub(crate) async fn get(
        &self,
        salt: &EventSalt,
        name: [u8; 16],
    ) -> Result<Option<Vec<u8>>, Failed> {
        let key = key(salt, name);
        let mut connection = self.connection.clone();
        let question = async {
            // Not GET: whatever is there, no more than this is sent.
            let mut command = ::redis::cmd("GETRANGE");
            command.arg(&key[..]).arg(0).arg(LONGEST - 1);
            command.query_async::<Vec<u8>>(&mut connection).await
        };
        let mut value = self.ask(question).await?;
        if value.is_empty() {
            return Ok(None);
        }
        let length = value.len().checked_sub(SEAL).ok_or(Failed)?;
        let found = value.split_off(length);
        let found = <[u8; SEAL]>::try_from(found).map_err(|_| Failed)?;
        if constant_time_eq_16(&found, &seal(salt, &key, &value)) {
            Ok(Some(value))
        } else {
            Err(Failed)
        }
    }

    /// Keeps `item` of the event with this salt. That it fails is no loss.
    pub(crate) async fn put(&self, salt: &EventSalt, item: Item) -> Result<(), Failed> {
        let Item {
            name,
            mut value,
            keep,
        } = item;
        let key = key(salt, name);
        value.extend_from_slice(&seal(salt, &key, &value));
        let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut connection = self.connection.clone();
        self.ask(connection.pset_ex(&key[..], value, keep)).await
    }

    async fn ask<T>(&self, question: impl Future<Output = RedisResult<T>>) -> Result<T, Failed> {
        if !self.breaker.allows() {
            return Err(Failed);
        }
        // Around all of it: while the connection is down, a command waits for the next one, which
        // the client's own time limit does not count.
        match tokio::time::timeout(ANSWER_TIMEOUT, question).await {
            Ok(Ok(answer)) => {
                self.breaker.succeeded();
                Ok(answer)
            }
            // It answers, only not what was asked: a lie under one key says nothing about others.
            Ok(Err(error)) if !error.is_io_error() => Err(Failed),
            Ok(Err(_)) | Err(_) => {
                if self.breaker.failed() {
                    tracing::warn!("Redis failed; going on without it");
                }
                Err(Failed)
            }
        }
    }
}

/// Where `name` is kept: different for each event, and not to be guessed without its salt. In Redis a server
/// may use no key without the prefix.
fn key(salt: &EventSalt, name: [u8; 16]) -> Vec<u8> {
    [PREFIX, &hash(salt, &[b"key", &name])].concat()
}

/// What proves that a server of this service put `value` under `key`.
fn seal(salt: &EventSalt, key: &[u8], value: &[u8]) -> [u8; SEAL] {
    hash(salt, &[b"value", key, value])
}

/// The first 128 bits of a keyed BLAKE3 hash. The salt is also the key of the signups' ids, whose
/// input begins with an event id: so these inputs begin with a key derived for them alone.
fn hash(salt: &EventSalt, parts: &[&[u8]]) -> [u8; 16] {
    let context_key = blake3::derive_key("signup lab phase 2 cache entries", salt.as_bytes());
    let mut hasher = blake3::Hasher::new_keyed(&context_key);
    for part in parts {
        hasher.update(part);
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}
