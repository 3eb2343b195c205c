//! The canonical e-mail address: who a participant is.
//!
//! Two spellings of one address must be one participant in every phase, after every retry and
//! restart, so the address is brought to one form before anything else looks at it. Whether the
//! address can receive mail is not decided here.

use std::fmt;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// Longest address accepted, in characters (RFC 5321 limits the path to 256 with its brackets).
const MAX_CHARS: usize = 254;

/// A canonical e-mail address: Unicode NFC, trimmed, lower-cased, with one `@`.
///
/// Its `Debug` output hides the address, so that it cannot reach a log by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// Why a text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidEmail {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// Longer than 254 characters.
    #[error("is longer than {MAX_CHARS} characters")]
    TooLong,
    /// Not of the form `local@domain`, or with characters no address has.
    #[error("is not an e-mail address")]
    Malformed,
}

impl Email {
    /// Brings `text` to its canonical form.
    ///
    /// # Errors
    /// [`InvalidEmail`] when the text is empty, too long or not of the form `local@domain`.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let canonical = canonicalise(text);
        if canonical.is_empty() {
            return Err(InvalidEmail::Empty);
        }
        if canonical.chars().count() > MAX_CHARS {
            return Err(InvalidEmail::TooLong);
        }
        let (local, domain) = canonical.split_once('@').ok_or(InvalidEmail::Malformed)?;
        let malformed = local.is_empty()
            || domain.is_empty()
            || domain.contains('@')
            || canonical
                .chars()
                .any(|c| c.is_whitespace() || crate::name::is_invisible(c));
        if malformed {
            return Err(InvalidEmail::Malformed);
        }
        Ok(Self(canonical))
    }

    /// The canonical address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Lower-casing can leave a text that is no longer in NFC (`İ` becomes `i` and a combining dot), so
/// NFC is applied on both sides of it.
fn canonicalise(text: &str) -> String {
    if text.is_ascii() {
        return text.trim().to_ascii_lowercase();
    }
    let composed: String = text.nfc().collect();
    composed.trim().to_lowercase().nfc().collect()
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_address_are_one_participant() {
        let canonical = Email::parse("rené@example.org").unwrap();
        for spelling in [
            "  René@Example.ORG ",
            "RENE\u{301}@example.org",
            "rene\u{301}@EXAMPLE.org\n",
        ] {
            assert_eq!(
                Email::parse(spelling).as_ref(),
                Ok(&canonical),
                "{spelling:?}"
            );
        }
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for (text, reason) in [
            ("", InvalidEmail::Empty),
            (" \t ", InvalidEmail::Empty),
            ("a@", InvalidEmail::Malformed),
            ("@b", InvalidEmail::Malformed),
            ("a@b@c", InvalidEmail::Malformed),
            ("ab", InvalidEmail::Malformed),
            ("a b@c", InvalidEmail::Malformed),
            ("a@b\r\nBcc: c@d", InvalidEmail::Malformed),
            ("a\0@b", InvalidEmail::Malformed),
            ("a\u{200b}@b", InvalidEmail::Malformed),
        ] {
            assert_eq!(Email::parse(text), Err(reason), "{text:?}");
        }
        let longest = format!("{}@example.org", "a".repeat(MAX_CHARS - 12));
        assert!(Email::parse(&longest).is_ok());
        assert_eq!(
            Email::parse(&format!("a{longest}")),
            Err(InvalidEmail::TooLong)
        );
    }

    #[test]
    fn debug_output_hides_the_address() {
        assert_eq!(format!("{:?}", Email::parse("a@b").unwrap()), "Email(…)");
    }

    proptest! {
        #[test]
        fn canonicalising_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = canonicalise(&text);
            prop_assert_eq!(canonicalise(&once), once);
        }

        #[test]
        fn a_canonical_address_parses_to_itself(local in "\\PC{1,20}", domain in "[a-zA-Z.É]{1,20}") {
            if let Ok(email) = Email::parse(&format!("{local}@{domain}")) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
            }
        }

        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = Email::parse(&text);
        }
    }
}
