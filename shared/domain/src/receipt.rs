//! The receipt: the proof of attendance, in one URL-safe string.
//!
//! A receipt is a signup's id and an authentication tag under the service's key. So nobody can
//! guess or forge one, and a service knows "issued by us" from "never issued" without asking a
//! database. It is not encrypted: it says nothing but the id.

use crate::{EventId, SignupId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use constant_time_eq::constant_time_eq_16;
use std::fmt;
use uuid::Uuid;

/// Length of a receipt: 32 bytes (id and tag, 16 each) in base64 without padding.
const TEXT_LEN: usize = 43;

/// A secret key of the service: 32 bytes. Its `Debug` output hides them.
#[derive(Clone)]
pub struct ReceiptKey([u8; 32]);

impl ReceiptKey {
    /// Derives the key from the content of a secret file, whatever its length and form.
    #[must_use]
    pub fn from_secret(secret: &[u8]) -> Self {
        Self(blake3::derive_key("signup-lab 2026 receipt key v1", secret))
    }

    fn tag(&self, event: EventId, id: SignupId) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(event.as_uuid().as_bytes());
        hasher.update(id.as_uuid().as_bytes());
        let mut tag = [0; 16];
        hasher.finalize_xof().fill(&mut tag);
        tag
    }
}

impl fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptKey(…)")
    }
}

/// The keys in force: one seals, and during a rotation the one before it still opens.
///
/// After a rotation a repeated signup gets its receipt sealed anew; the old one stays good until
/// `previous` is taken away.
#[derive(Debug, Clone)]
pub struct ReceiptKeys {
    /// Seals new receipts, and opens them.
    pub current: ReceiptKey,
    /// Opens receipts sealed before the last rotation.
    pub previous: Option<ReceiptKey>,
}

/// A receipt as it is handed to a participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(String);

impl Receipt {
    /// The receipt as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ReceiptKeys {
    /// The receipt of signup `id` for `event`.
    #[must_use]
    pub fn seal(&self, event: EventId, id: SignupId) -> Receipt {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(id.as_uuid().as_bytes());
        bytes[16..].copy_from_slice(&self.current.tag(event, id));
        Receipt(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The id in `receipt`, if this service issued it for `event`; `None` when it is malformed,
    /// forged, or of another event or service.
    #[must_use]
    pub fn open(&self, event: EventId, receipt: &str) -> Option<SignupId> {
        if receipt.len() != TEXT_LEN {
            return None;
        }
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(receipt).ok()?.try_into().ok()?;
        let (id, tag) = bytes.split_at(16);
        let id = SignupId::from_uuid(Uuid::from_slice(id).ok()?);
        let tag: &[u8; 16] = tag.try_into().ok()?;
        let issued = |key: &ReceiptKey| constant_time_eq_16(&key.tag(event, id), tag);
        (issued(&self.current) || self.previous.as_ref().is_some_and(issued)).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LAUNCH_DAY;
    use proptest::prelude::*;

    fn keys(current: &[u8], previous: Option<&[u8]>) -> ReceiptKeys {
        ReceiptKeys {
            current: ReceiptKey::from_secret(current),
            previous: previous.map(ReceiptKey::from_secret),
        }
    }

    #[test]
    fn a_receipt_survives_one_rotation_and_not_two() {
        let id = SignupId::from_uuid(Uuid::from_u128(42));
        let receipt = keys(b"first", None).seal(LAUNCH_DAY, id);
        assert_eq!(
            keys(b"second", Some(b"first")).open(LAUNCH_DAY, receipt.as_str()),
            Some(id)
        );
        assert_eq!(
            keys(b"third", Some(b"second")).open(LAUNCH_DAY, receipt.as_str()),
            None
        );
    }

    proptest! {
        #[test]
        fn a_receipt_opens_to_the_id_it_was_sealed_with(id: u128, event: u128) {
            let (id, event) = (SignupId::from_uuid(Uuid::from_u128(id)), EventId::from_uuid(Uuid::from_u128(event)));
            let keys = keys(b"key", None);
            prop_assert_eq!(keys.open(event, keys.seal(event, id).as_str()), Some(id));
        }

        #[test]
        fn receipts_of_other_keys_or_events_are_refused(id: u128, event: u128, other_event: u128, secret: [u8; 8]) {
            prop_assume!(event != other_event && secret != *b"the key!");
            let (event, other) = (EventId::from_uuid(Uuid::from_u128(event)), EventId::from_uuid(Uuid::from_u128(other_event)));
            let receipt = keys(b"the key!", None).seal(event, SignupId::from_uuid(Uuid::from_u128(id)));
            prop_assert_eq!(keys(b"the key!", None).open(other, receipt.as_str()), None);
            prop_assert_eq!(keys(&secret, None).open(event, receipt.as_str()), None);
        }

        #[test]
        fn one_changed_character_is_refused(id: u128, at in 0..TEXT_LEN, to in "[A-Za-z0-9_-]") {
            let keys = keys(b"key", None);
            let receipt = keys.seal(LAUNCH_DAY, SignupId::from_uuid(Uuid::from_u128(id))).as_str().to_owned();
            let mut forged = receipt.clone();
            forged.replace_range(at..=at, &to);
            prop_assume!(forged != receipt);
            prop_assert_eq!(keys.open(LAUNCH_DAY, &forged), None);
        }

        #[test]
        fn opening_any_text_never_panics(text in any::<String>()) {
            prop_assert_eq!(keys(b"key", None).open(LAUNCH_DAY, &text), None);
        }
    }
}
