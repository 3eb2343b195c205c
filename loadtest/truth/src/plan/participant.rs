//! Who takes part: a number, and the e-mail and name that follow from it.
//!
//! The ledger finds a row's participant by its e-mail alone and knows the name that must stand
//! beside it, so nothing about a participant has to be kept during a run.

use serde::{Serialize, Serializer};
use std::fmt;

/// The participants of one run. Its tag is in every address, so that rows of an earlier run are
/// recognised as foreign.
#[derive(Debug, Clone)]
pub struct Participants {
    domain: String,
}

/// A signup as it is sent.
#[derive(Serialize)]
struct Signup<'a> {
    email: Email<'a>,
    name: Name,
}

struct Email<'a> {
    number: u32,
    domain: &'a str,
}

struct Name(u32);

impl Participants {
    /// The participants of run `tag`, which begins and ends with a letter or digit and has at most 63
    /// characters. What a domain label cannot hold becomes `-`.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        let label: String = tag
            .chars()
            .map(|c| match c.to_ascii_lowercase() {
                c if c.is_ascii_alphanumeric() => c,
                _ => '-',
            })
            .collect();
        Self {
            domain: format!("{label}.example"),
        }
    }

    /// The e-mail of participant `number`, in canonical form.
    #[must_use]
    pub fn email(&self, number: u32) -> String {
        self.address(number).to_string()
    }

    fn address(&self, number: u32) -> Email<'_> {
        let domain = &self.domain;
        Email { number, domain }
    }

    /// The participant with this e-mail; `None` when it is nobody of this run.
    #[must_use]
    pub fn number(&self, email: &str) -> Option<u32> {
        let (local, domain) = email.split_once('@')?;
        let digits = local.strip_prefix('p')?;
        let plain = digits.len() >= 7 && digits.bytes().all(|b| b.is_ascii_digit());
        let number: u32 = digits.parse().ok().filter(|_| plain)?;
        // One participant has one address: `p00000001` is not another spelling of `p0000001`.
        let canonical = digits.len() == 7 || !digits.starts_with('0');
        (domain == self.domain && canonical).then_some(number)
    }

    /// The name of participant `number`. One in eight has a name that only verbatim storage keeps:
    /// quotes, markup, other scripts, a combining accent, joiners, blanks at both ends.
    #[must_use]
    pub fn name(&self, number: u32) -> String {
        Name(number).to_string()
    }

    /// The body of participant `number`'s signup.
    #[must_use]
    pub fn body(&self, number: u32) -> Vec<u8> {
        let mut body = Vec::with_capacity(128);
        self.write_body(number, &mut body);
        body
    }

    /// Appends the body of participant `number`'s signup. Allocates nothing when there is room.
    fn write_body(&self, number: u32, body: &mut Vec<u8>) {
        let (email, name) = (self.address(number), Name(number));
        // Two strings into memory: serialising them cannot fail.
        let _ = serde_json::to_writer(body, &Signup { email, name });
    }
}

impl fmt::Display for Email<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{:07}@{}", self.number, self.domain)
    }
}

impl Serialize for Email<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number) = self;
        match number % 64 {
            7 => write!(f, "Zoë \"Zo\" O'Brien {number}"),
            15 => write!(f, "<b>Ann</b> & Co. <script>alert({number})</script>"),
            23 => write!(f, "Robert'); DROP TABLE signups; -- {number}"),
            // A joiner between two letters, as the name is spelt.
            31 => write!(f, "李小龍 علی\u{200c}رضا Žofia {number}"),
            // The accent is a character of its own: composing it would change the name.
            39 => write!(f, "Rene\u{301} {number}"),
            47 => write!(f, "🎟️ {{{{7*7}}}} ${{name}} %s {number}"),
            55 => write!(f, "C:\\new\\table \\u0041 {number}"),
            63 => write!(f, "  Ann  {number} "),
            _ => write!(f, "Participant {number}"),
        }
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use signup_domain::{Email, Name};

    #[test]
    fn every_name_is_one_the_contract_accepts_and_no_two_are_equal() {
        let participants = Participants::new("run-1");
        let names: std::collections::HashSet<String> =
            (0..1_000).map(|n| participants.name(n)).collect();
        assert_eq!(names.len(), 1_000);
        for name in names {
            let verbatim = Name::parse(name.clone()).expect("a name");
            assert_eq!(verbatim.as_str(), name);
        }
    }

    #[test]
    fn addresses_of_another_run_or_spelling_are_nobody() {
        let participants = Participants::new("20260131T101112Z-phase1");
        for email in [
            "p0000001@other.example",
            "p00000001@20260131t101112z-phase1.example",
            "p1@20260131t101112z-phase1.example",
            "p+000001@20260131t101112z-phase1.example",
            "q0000001@20260131t101112z-phase1.example",
            "",
        ] {
            assert_eq!(participants.number(email), None, "{email}");
        }
    }

    #[test]
    fn a_body_is_the_signup_in_json() {
        let participants = Participants::new("r");
        let body: serde_json::Value = serde_json::from_slice(&participants.body(7)).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"email": "p0000007@r.example", "name": "Zoë \"Zo\" O'Brien 7"})
        );
    }

    proptest! {
        #[test]
        fn an_email_leads_back_to_its_number(number: u32, tag in "[0-9]([A-Za-z0-9_:-]{0,28}[A-Za-z0-9])?") {
            let participants = Participants::new(&tag);
            let email = participants.email(number);
            prop_assert_eq!(participants.number(&email), Some(number));
            let canonical = Email::parse(&email).unwrap();
            prop_assert_eq!(canonical.as_str(), email);
        }

        #[test]
        fn looking_up_any_text_never_panics(text: String) {
            let _ = Participants::new("r").number(&text);
        }
    }
}
