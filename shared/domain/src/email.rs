//! The canonical e-mail address: who a participant is.
//!
//! Two spellings of one address must be one participant in every phase, after every retry and
//! restart, so the address is brought to one form before anything else looks at it. What an address
//! is, `email_address` says of the mailbox (RFC 5322, 6532) and `idna` of its domain (UTS 46).
//! Whether the address can receive mail is not decided here.
//!
//! Ids are computed from this form, and stored ones stay: a row whose address would now be spelt
//! otherwise, or refused, is listed and counted and its receipt is good, but whoever signs up again
//! is not recognised as its participant. So it changes only where two spellings were two
//! participants, and of a domain it is the spelling that people read.

use crate::visible;
use email_address::{EmailAddress, Options};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46, verify_dns_length};
use std::borrow::Cow;
use std::fmt;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// Longest address accepted, in characters (RFC 5321 limits the path to 256 with its brackets).
const MAX_CHARS: usize = 254;

/// The address alone, and no host without a dot. A local part of more than 64 bytes is taken, since
/// many servers do.
const MAILBOX: Options = Options {
    minimum_sub_domains: 2,
    allow_domain_literal: false,
    allow_display_text: false,
    allow_long_local_parts: true,
};

/// How domains are read: letters, digits, and hyphens within, as hosts are named.
const DOMAINS: Uts46 = Uts46::new();
const HOST: (AsciiDenyList, Hyphens) = (AsciiDenyList::STD3, Hyphens::CheckFirstLast);

/// A canonical e-mail address: trimmed, the local part lower-cased in Unicode NFC, the domain in the
/// Unicode form of UTS 46.
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
    /// Not of the form `local@domain` alone, or with characters no address has.
    #[error("is not an e-mail address")]
    Malformed,
}

impl Email {
    /// Brings `text` to its canonical form.
    ///
    /// # Errors
    /// [`InvalidEmail`] when the text is empty, too long or not one address and nothing else.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = compose(text.trim());
        if text.is_empty() {
            return Err(InvalidEmail::Empty);
        }
        check_length(&text)?;
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail::Malformed)?;
        if is_ambiguous(local, domain) {
            return Err(InvalidEmail::Malformed);
        }
        let local = lower_case(local);
        let domain = ascii(domain).ok_or(InvalidEmail::Malformed)?;
        let mailbox = [&local, "@", &domain].concat();
        EmailAddress::parse_with_options(&mailbox, MAILBOX).map_err(|_| InvalidEmail::Malformed)?;
        let canonical = match unicode(&domain) {
            Cow::Borrowed(_) => mailbox,
            Cow::Owned(readable) if !is_read_back(&local, &readable, &domain) => {
                return Err(InvalidEmail::Malformed);
            }
            Cow::Owned(readable) => [&local, "@", &readable].concat(),
        };
        check_length(&canonical)?;
        Ok(Self(canonical))
    }

    /// The canonical address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_length(text: &str) -> Result<(), InvalidEmail> {
    if text.chars().count() > MAX_CHARS {
        return Err(InvalidEmail::TooLong);
    }
    Ok(())
}

/// Whether one mailbox or what looks like one has another spelling: with quotes, or with characters
/// that nobody sees. Of those `email_address` takes any but ASCII's, and UTS 46 leaves some out; in a
/// domain it decides about joiners. Spaces outside ASCII are taken, too.
fn is_ambiguous(local: &str, domain: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || visible::is_hidden(c);
    local.starts_with('"')
        || !local.is_ascii() && (visible::shows_nothing(local) || local.chars().any(odd))
        || !domain.is_ascii() && domain.chars().any(|c| odd(c) && !visible::is_joiner(c))
}

/// Whether the readable form of a domain is an address's, too, and of the same domain: `xn--6ii` is a
/// blank, and Punycode within Punycode is none.
fn is_read_back(local: &str, readable: &str, domain: &str) -> bool {
    !is_ambiguous(local, readable) && ascii(readable).as_deref() == Some(domain)
}

fn compose(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.into();
    }
    text.nfc().collect()
}

/// Lower-casing can leave a text that is no longer in NFC (`İ` becomes `i` and a combining dot), so
/// NFC is applied on both sides of it.
fn lower_case(local: &str) -> String {
    if local.is_ascii() {
        return local.to_ascii_lowercase();
    }
    local.to_lowercase().nfc().collect()
}

/// The domain as DNS has it, lower-cased; `None` when there can be none of this name.
fn ascii(domain: &str) -> Option<Cow<'_, str>> {
    // All that UTS 46 does with such a name but look for hyphens at its ends, as `email_address` does;
    // in full it took as long as all the rest of an address.
    if is_plain(domain) {
        return verify_dns_length(domain, false).then(|| domain.to_ascii_lowercase().into());
    }
    let (characters, hyphens) = HOST;
    DOMAINS
        .to_ascii(domain.as_bytes(), characters, hyphens, DnsLength::Verify)
        .ok()
}

/// Letters, digits, dots and single hyphens, so that nothing of it is in Punycode.
fn is_plain(domain: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    domain.bytes().all(plain) && !domain.contains("--")
}

/// The domain as people read it; borrowed when it is the same.
fn unicode(ascii: &str) -> Cow<'_, str> {
    if is_plain(ascii) {
        return ascii.into();
    }
    let (characters, hyphens) = HOST;
    DOMAINS.to_unicode(ascii.as_bytes(), characters, hyphens).0
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests;
