//! A name as it is shown on the attendance list or as an event's title: kept verbatim, refused when
//! it could deceive the eye or break a line.

use crate::visible;
use std::fmt;
use thiserror::Error;

/// Longest name accepted, in characters.
const MAX_CHARS: usize = 200;

/// A name, stored and shown exactly as it was given.
///
/// Its `Debug` output hides the name, so that it cannot reach a log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(String);

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidName {
    /// Nothing but white space, marks and characters that nobody sees.
    #[error("shows nothing")]
    Empty,
    /// Longer than 200 characters.
    #[error("is longer than {MAX_CHARS} characters")]
    TooLong,
    /// Contains a character that nobody sees and that has no effect where it is, or that no text has.
    #[error("contains a character that cannot be seen")]
    HiddenCharacter,
}

impl Name {
    /// Accepts `text` as it is.
    ///
    /// A joiner or variation selector is part of a name only where it has an effect: between letters
    /// that join (RFC 5892, CONTEXTJ), at a virama, between emoji, after an emoji or ideograph. Text
    /// behind a bidirectional control or a tag is not, and a character of a Unicode version that
    /// `icu_properties` does not know yet is refused.
    ///
    /// # Errors
    /// [`InvalidName`] when the text is too long, shows nothing or contains characters that are not seen.
    pub fn parse(text: String) -> Result<Self, InvalidName> {
        if text.chars().count() > MAX_CHARS {
            return Err(InvalidName::TooLong);
        }
        if visible::shows_nothing(&text) {
            return Err(InvalidName::Empty);
        }
        if visible::has_hidden(&text) {
            return Err(InvalidName::HiddenCharacter);
        }
        Ok(Self(text))
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it was given, by value.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_scripts_are_names_like_any_other() {
        for text in [
            "'; DROP TABLE signups; --",
            "<script>alert(1)</script>",
            "{{7*7}}",
            "Ann\u{301}",
            " Ann ",
        ] {
            assert_eq!(Name::parse(text.into()).unwrap().as_str(), text);
        }
    }

    #[test]
    fn characters_nobody_sees_are_refused() {
        let hidden = "\0\r\n\u{7f}\u{200d}\u{202e}\u{feff}\u{34f}\u{fe0f}\u{115f}\u{2800}\u{3164}\
            \u{e0041}";
        for c in hidden.chars() {
            for name in [format!("Ann{c}"), format!("{c}Ann"), format!("An{c}n")] {
                assert_eq!(
                    Name::parse(name),
                    Err(InvalidName::HiddenCharacter),
                    "{c:?}"
                );
            }
        }
    }

    #[test]
    fn a_name_shows_something() {
        for text in [
            "",
            " ",
            " \u{a0}",
            "\u{3000}",
            "\u{301}",
            " \u{200d}\u{301}",
            "\u{3164}",
            "\u{2800} ",
            "\u{34f}",
            "\u{115f}",
            "\u{e0041}",
            "\u{fe0f}",
            "\u{200c}\u{200d}",
        ] {
            assert_eq!(
                Name::parse(text.into()),
                Err(InvalidName::Empty),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_name_has_one_to_200_characters() {
        assert!(Name::parse("A".into()).is_ok());
        assert!(Name::parse("é".repeat(200)).is_ok());
        assert_eq!(Name::parse("é".repeat(201)), Err(InvalidName::TooLong));
    }

    #[test]
    fn a_name_is_kept_verbatim_can_be_seen_and_hides_nothing() {
        bolero::check!().for_each(|text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            let Ok(name) = Name::parse(text.clone().into_owned()) else {
                return;
            };
            assert_eq!(name.as_str(), text);
            assert!((1..=MAX_CHARS).contains(&text.chars().count()));
            assert!(!text.chars().any(|c| c.is_control()), "{text:?}");
            let seen = |c: char| !c.is_whitespace() && !visible::is_hidden(c);
            assert!(text.chars().any(seen), "{text:?}");
            // The style of an emoji and its joiner; more of them could hide any text.
            let hidden = text.split(|c| !visible::is_hidden(c));
            assert!(
                hidden.map(|run| run.chars().count()).all(|run| run <= 2),
                "{text:?}"
            );
        });
    }
}
