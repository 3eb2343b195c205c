//! A name as it is shown on the attendance list or as an event's title: kept verbatim, refused when
//! it could deceive the eye or break a line.

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
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// Longer than 200 characters.
    #[error("is longer than {MAX_CHARS} characters")]
    TooLong,
    /// Contains a control, bidirectional-formatting or zero-width character.
    #[error("contains a character that cannot be shown")]
    InvisibleCharacter,
}

impl Name {
    /// Accepts `text` as it is.
    ///
    /// # Errors
    /// [`InvalidName`] when the text is empty, too long or contains characters that are not seen.
    pub fn parse(text: String) -> Result<Self, InvalidName> {
        if text.chars().any(is_invisible) {
            return Err(InvalidName::InvisibleCharacter);
        }
        if text.trim().is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.chars().count() > MAX_CHARS {
            return Err(InvalidName::TooLong);
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

/// Control characters, line separators, bidirectional formatting (Unicode TR9) and zero-width characters: a
/// reader does not see them, but a log line, a terminal or an attendance list would obey them.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00ad}'
                | '\u{061c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}'
                | '\u{2066}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
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
        for c in [
            '\0', '\r', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{200b}', '\u{200d}', '\u{202e}',
            '\u{2067}', '\u{feff}',
        ] {
            assert_eq!(
                Name::parse(format!("Ann{c}")),
                Err(InvalidName::InvisibleCharacter),
                "{c:?}"
            );
        }
    }

    #[test]
    fn a_name_has_one_to_200_characters() {
        assert_eq!(Name::parse(String::new()), Err(InvalidName::Empty));
        assert_eq!(Name::parse(" \u{a0}".into()), Err(InvalidName::Empty));
        assert!(Name::parse("é".repeat(200)).is_ok());
        assert_eq!(Name::parse("é".repeat(201)), Err(InvalidName::TooLong));
    }
}
