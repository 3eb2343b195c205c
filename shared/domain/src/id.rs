//! The ids of events and signups. That of a signup is the one key that makes every write idempotent.
//!
//! Computed, not drawn: whoever knows the event's salt gets the same id for the same participant,
//! before any database is asked. So a retry, a redelivery or a second server writes the same row.

use crate::Email;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Names an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// Wraps an id.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id as it is stored.
    #[must_use]
    pub fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// The secret key of one event: 32 random bytes, drawn when the event is created, never changed.
///
/// It keeps ids of different events unrelated, and keeps an e-mail address from being guessed from
/// an id. Its `Debug` output hides the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct EventSalt([u8; 32]);

impl EventSalt {
    /// Wraps 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be stored with the event.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for EventSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventSalt(…)")
    }
}

/// 128 bits of a keyed BLAKE3 hash over (event id, canonical e-mail), stored as `uuid`.
///
/// Two of a million participants collide with probability 10⁻²⁷.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignupId(Uuid);

impl SignupId {
    /// The id of `email`'s signup for `event`.
    #[must_use]
    pub fn derive(salt: &EventSalt, event: EventId, email: &Email) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(salt.as_bytes());
        hasher.update(event.as_uuid().as_bytes());
        hasher.update(email.as_str().as_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self(Uuid::from_bytes(bytes))
    }

    /// Wraps an id read from where signups are stored.
    #[must_use]
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id as it is stored.
    #[must_use]
    pub fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(salt: u8, event: u128, email: &str) -> SignupId {
        let event = EventId::from_uuid(Uuid::from_u128(event));
        SignupId::derive(
            &EventSalt::new([salt; 32]),
            event,
            &Email::parse(email).unwrap(),
        )
    }

    #[test]
    fn the_id_of_a_participant_never_changes() {
        // Pinned: stored ids outlive this code, so a change of the hash is a migration.
        assert_eq!(
            id(7, 1, "ann@example.org").as_uuid().to_string(),
            "fbee692a-e2a2-adb4-5ea7-4b7dd502f037"
        );
    }

    #[test]
    fn salt_event_and_email_each_decide() {
        let ann = id(7, 1, "ann@example.org");
        assert_ne!(ann, id(8, 1, "ann@example.org"));
        assert_ne!(ann, id(7, 2, "ann@example.org"));
        assert_ne!(ann, id(7, 1, "bob@example.org"));
    }

    proptest! {
        #[test]
        fn only_event_and_canonical_email_matter(local in "[a-zA-Zé]{1,20}", pad in "[ \t]{0,3}") {
            let plain = format!("{local}@example.org");
            let spelled = format!("{pad}{}@EXAMPLE.org{pad}", local.to_uppercase());
            // Upper-casing is not always undone by lower-casing (ß, final sigma): compare only
            // addresses that are the same participant.
            if Email::parse(&plain) == Email::parse(&spelled) {
                prop_assert_eq!(id(7, 1, &plain), id(7, 1, &spelled));
            }
        }
    }
}
