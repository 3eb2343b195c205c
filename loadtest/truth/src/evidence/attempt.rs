//! One HTTP request of a run, and how it ended: what the ledger and every figure are made of.
//!
//! A run keeps a million of these and more, so a record is 72 bytes and owns nothing.

use super::Provenance;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use uuid::Uuid;

/// Length of a receipt in base64: 32 bytes without padding.
const RECEIPT_LEN: usize = 43;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The event, when a visit begins.
    Event,
    /// A signup.
    Signup,
    /// A check of a receipt.
    Receipt,
    /// The event again, for its count.
    Count,
}

impl Kind {
    /// Name for tables and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Signup => "signup",
            Self::Receipt => "receipt",
            Self::Count => "count",
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// A whole answer with this status.
    Status(u16),
    /// No whole answer within the request timeout. Whether it had an effect is unknown.
    Timeout,
    /// No connection was made: the request has certainly had no effect.
    NeverSent,
    /// The connection broke after the request may have left. Whether it had an effect is unknown.
    Broken,
}

impl Ending {
    /// The status of a whole answer.
    #[must_use]
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(status),
            Self::Timeout | Self::NeverSent | Self::Broken => None,
        }
    }

    /// A 2xx: the service gave its word.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Status(200..=299))
    }

    /// A 429 or 503: refused before anything was kept.
    #[must_use]
    pub fn is_refused(self) -> bool {
        matches!(self, Self::Status(429 | 503))
    }

    /// Whether the request may or may not have had an effect. Everything that is neither a promise
    /// nor, by the contract, without effect.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        match self {
            Self::Timeout | Self::Broken => true,
            Self::NeverSent => false,
            Self::Status(status) => !matches!(status, 200..=299 | 400..=499 | 503),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::Timeout => f.write_str("timeout"),
            Self::NeverSent => f.write_str("never_sent"),
            Self::Broken => f.write_str("broken"),
        }
    }
}

/// A receipt without its base64: the signup's id and its tag.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Receipt([u8; 32]);

impl Receipt {
    /// Reads the text a service gave; `None` when it is not of the receipt's form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let read = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (text.len() == RECEIPT_LEN && read == bytes.len()).then_some(Self(bytes))
    }

    /// The id of the signup it is the receipt of.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[..16]);
        Uuid::from_bytes(id)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; RECEIPT_LEN];
        let written = URL_SAFE_NO_PAD
            .encode_slice(self.0, &mut text)
            .map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text[..written]).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({self})")
    }
}

/// Where a signup is safe, in the service's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Committed in the database.
    Recorded,
    /// In the queue; it will be recorded.
    Accepted,
}

/// One request. All times are microseconds since the start of the load.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// When the schedule wanted it sent.
    pub intended_us: u64,
    /// When it was handed to the HTTP client.
    pub sent_us: u64,
    /// When the whole answer, or the failure, was there.
    pub answered_us: u64,
    /// Whose request.
    pub participant: u32,
    /// What was asked.
    pub kind: Kind,
    /// 1 for the participant's first request of this kind, 2 for the next, ….
    pub number: u8,
    /// How it ended.
    pub ending: Ending,
    /// The receipt in the answer to a signup; `None` when there was none, or not of a receipt's form.
    pub receipt: Option<Receipt>,
    /// `status` in the answer to a signup or a receipt check.
    pub state: Option<State>,
    /// Where a read says it was answered from; `None` for a signup, or when it does not say.
    pub provenance: Option<Provenance>,
    /// Whether every slot was taken when it was due.
    pub waited_for_slot: bool,
}

impl Attempt {
    /// One that was answered at once with this, for tests and as a start for others.
    #[must_use]
    pub fn answered(kind: Kind, ending: Ending) -> Self {
        Self {
            intended_us: 0,
            sent_us: 0,
            answered_us: 1,
            participant: 0,
            kind,
            number: 1,
            ending,
            receipt: None,
            state: None,
            provenance: None,
            waited_for_slot: false,
        }
    }

    /// How late it was sent, in microseconds.
    #[must_use]
    pub fn lag_us(&self) -> u64 {
        self.sent_us.saturating_sub(self.intended_us)
    }

    /// From the intended start to the whole answer, in microseconds: what the participant waited.
    #[must_use]
    pub fn latency_us(&self) -> u64 {
        self.answered_us.saturating_sub(self.intended_us)
    }

    /// From the send to the whole answer, in microseconds: what the service took.
    #[must_use]
    pub fn latency_from_send_us(&self) -> u64 {
        self.answered_us.saturating_sub(self.sent_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_stays_lean() {
        assert!(size_of::<Attempt>() <= 72, "{}", size_of::<Attempt>());
    }

    #[test]
    fn only_what_the_contract_promises_counts_as_known() {
        for (ending, unknown) in [
            (Ending::Status(201), false),
            (Ending::Status(202), false),
            (Ending::Status(409), false),
            (Ending::Status(429), false),
            (Ending::Status(503), false),
            (Ending::NeverSent, false),
            (Ending::Status(500), true),
            (Ending::Status(502), true),
            (Ending::Status(504), true),
            (Ending::Timeout, true),
            (Ending::Broken, true),
        ] {
            assert_eq!(ending.is_unknown(), unknown, "{ending}");
        }
    }

    #[test]
    fn what_is_not_a_receipt_is_none() {
        let (short, long) = ("A".repeat(42), "A".repeat(44));
        for text in ["", "A", short.as_str(), long.as_str(), "=", "é"] {
            assert_eq!(Receipt::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_receipt_is_kept_to_the_letter(bytes: [u8; 32]) {
            let text = URL_SAFE_NO_PAD.encode(bytes);
            let receipt = Receipt::parse(&text).unwrap();
            prop_assert_eq!(receipt.to_string(), text);
            let id = receipt.id();
            prop_assert_eq!(id.as_bytes().as_slice(), &bytes[..16]);
        }
    }
}
