//! What a reader sees of a text, by Unicode's data.
//!
//! A hidden character makes two texts that look alike differ, or a line look empty. Whether one is
//! hidden is looked up, not listed. A joiner or a variation selector is hidden, too, but some names
//! cannot be written without: it stays where Unicode's own rules give it an effect there.

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, EmojiModifier, ExtendedPictographic,
    GeneralCategory, GeneralCategoryGroup, JoiningType, Script, UnifiedIdeograph,
};
use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed,
};

const CATEGORY: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();
const COMBINING_CLASS: CodePointMapDataBorrowed<'static, CanonicalCombiningClass> =
    CodePointMapData::new();
const JOINING_TYPE: CodePointMapDataBorrowed<'static, JoiningType> = CodePointMapData::new();
const SCRIPT: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::new();
const IGNORABLE: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();
const PICTURE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<ExtendedPictographic>();
const SKIN_TONE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiModifier>();
const IDEOGRAPH: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<UnifiedIdeograph>();

/// Controls, formats, private use, unassigned, and the separators of lines and paragraphs.
const NOT_TEXT: GeneralCategoryGroup = GeneralCategoryGroup::Other
    .union(GeneralCategoryGroup::LineSeparator)
    .union(GeneralCategoryGroup::ParagraphSeparator);

/// What has no place of its own: it goes onto what is before it, or between.
const MARK_OR_SPACE: GeneralCategoryGroup =
    GeneralCategoryGroup::Mark.union(GeneralCategoryGroup::Separator);

const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
const EMOJI_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// Whether nobody sees `c`, or no text has it.
pub(crate) fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    NOT_TEXT.contains(CATEGORY.get(c)) || IGNORABLE.contains(c) || is_blank(c)
}

/// Whether `c` joins or parts its neighbours: ZWJ or ZWNJ.
pub(crate) fn is_joiner(c: char) -> bool {
    matches!(c, ZWNJ | ZWJ)
}

/// Whether `text` has a hidden character that has no effect where it is.
pub(crate) fn has_hidden(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().any(|byte| byte.is_ascii_control());
    }
    text.char_indices()
        .any(|(at, c)| is_hidden(c) && !has_effect(&text[..at], c, &text[at + c.len_utf8()..]))
}

/// Whether `text` is nothing but spaces, marks and characters that nobody sees.
pub(crate) fn shows_nothing(text: &str) -> bool {
    text.chars().all(|c| {
        if c.is_ascii() {
            return c == ' ';
        }
        MARK_OR_SPACE.contains(CATEGORY.get(c)) || IGNORABLE.contains(c) || is_blank(c)
    })
}

/// Symbols and letters of empty shape, for which Unicode has no property: of Braille, of an object
/// that was not pasted along, of hieroglyphs (two), of musical notes.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{2800}' | '\u{fffc}' | '\u{13441}' | '\u{13442}' | '\u{1d159}'
    )
}

/// Whether the hidden character `c` changes how the text around it is read.
fn has_effect(before: &str, c: char, after: &str) -> bool {
    let previous = before.chars().next_back();
    let next = after.chars().next();
    match c {
        ZWNJ => previous.is_some_and(is_virama) || parts_letters(before, after),
        // Between a letter and a virama as well: Bengali র‍্য, Kannada ರ‍್ (Unicode, chapter 12).
        ZWJ => {
            previous.is_some_and(is_virama)
                || previous.is_some_and(|c| !is_hidden(c)) && next.is_some_and(is_virama)
                || joins_emoji(before, next)
        }
        '\u{fe0e}' | EMOJI_STYLE => {
            previous.is_some_and(|c| PICTURE.contains(c) || next == Some(KEYCAP) && is_on_a_key(c))
        }
        // Japanese names tell variants of one ideograph apart (UTS 37).
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => {
            previous.is_some_and(|c| IDEOGRAPH.contains(c))
        }
        // Each once: a letter in a chosen form, and after that the separator.
        '\u{180e}' => previous.is_some_and(|c| is_mongolian(c) && c != '\u{180e}'),
        '\u{180b}'..='\u{180f}' => previous.is_some_and(|c| is_mongolian(c) && !is_hidden(c)),
        _ => false,
    }
}

fn is_on_a_key(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '#' | '*')
}

/// The selectors of its forms are of the script, too.
fn is_mongolian(c: char) -> bool {
    SCRIPT.get(c) == Script::Mongolian
}

/// CONTEXTJ, the rule for domain names (RFC 5892, A.1 and A.2), first half.
fn is_virama(c: char) -> bool {
    COMBINING_CLASS.get(c) == CanonicalCombiningClass::Virama
}

/// CONTEXTJ, second half: between two letters of a script that joins them, as in Persian علی‌رضا. Not
/// only where they would join, as for domain names: people write امیر‌حسین, too, and no name is told
/// from another by it.
fn parts_letters(before: &str, after: &str) -> bool {
    // Of those that nobody sees a ZWJ joins what is beside it: it is no letter.
    let joins = |c: &char| JOINING_TYPE.get(*c) != JoiningType::NonJoining && !is_hidden(*c);
    let seen = |c: &char| JOINING_TYPE.get(*c) != JoiningType::Transparent;
    let (left, right) = (before.chars().rev().find(seen), after.chars().find(seen));
    left.as_ref().is_some_and(joins) && right.as_ref().is_some_and(joins)
}

/// Between two emoji (UAX 29, GB11), of which the first may have a skin tone or an emoji style.
fn joins_emoji(before: &str, next: Option<char>) -> bool {
    let mut before = before.chars().rev();
    let first = before.find(|&c| c != EMOJI_STYLE && !SKIN_TONE.contains(c));
    first
        .zip(next)
        .is_some_and(|(first, next)| PICTURE.contains(first) && PICTURE.contains(next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_cannot_be_written_without_them_keeps_its_joiners() {
        for name in [
            "علی\u{200c}رضا",
            // After a letter that joins nothing after it.
            "امیر\u{200c}حسین",
            "ශ\u{dca}\u{200d}රී",
            "ක\u{dca}\u{200d}ෂ",
            // Bengali Rachel, Marathi eyelash ra, Malayalam and Nepali with ZWNJ.
            "র\u{200d}\u{9cd}যাচেল",
            "र\u{94d}\u{200d}य",
            "नर\u{94d}\u{200c}सिंह",
            "👩\u{200d}👩\u{200d}👧\u{200d}👦",
            "🏳\u{fe0f}\u{200d}🌈",
            "🧑🏽\u{200d}💻",
            "❤\u{fe0f} ☺\u{fe0e} 1\u{fe0f}\u{20e3}",
            // A variant of the ideograph, and a Mongolian letter in a chosen form.
            "葛\u{e0100}城",
            "ᠠ\u{180b}ᠨ\u{180e}ᠠ",
            "ᠨ\u{180b}\u{180e}ᠠ",
        ] {
            assert!(!has_hidden(name), "{name:?}");
            assert!(!shows_nothing(name), "{name:?}");
        }
    }

    #[test]
    fn a_joiner_without_effect_is_hidden() {
        for text in [
            "An\u{200d}n",
            "An\u{200c}n",
            "Ann\u{fe0f}",
            "7\u{fe0f}",
            "\u{200d}👩",
            "👩\u{200d}",
            "👩\u{200d}a",
            "👩\u{fe0f}\u{fe0f}",
            "علی\u{200c}",
            "علی\u{200c}\u{200c}رضا",
            // Between two joiners, of which each has its own effect.
            "ක\u{dca}\u{200d}\u{200c}\u{200d}\u{dca}ෂ",
            "a\u{e0100}",
            "葛\u{e0100}\u{e0101}",
            // One choice of a form, and nothing more behind it.
            "ᠠ\u{180b}\u{180b}",
            "ᠠ\u{180b}\u{180c}ᠨ",
            "ᠨ\u{180e}\u{180e}ᠠ",
            "ᠨ\u{180e}\u{180b}ᠠ",
            "a\u{fe0f}\u{20e3}",
            "ᠨ\u{180b}\u{180e}\u{fe0f}\u{20e3}",
            "ᠨ\u{180b}\u{180e}\u{200d}\u{94d}",
            "\u{200d}\u{94d}य",
            // A flag of tags: the same tags can hide any text behind an emoji.
            "🏴\u{e0067}\u{e0062}\u{e007f}",
        ] {
            assert!(has_hidden(text), "{text:?}");
        }
    }

    #[test]
    fn what_unicode_calls_invisible_or_nothing_is_hidden() {
        let hidden = "\0\t\u{7f}\u{85}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{180e}\u{200b}\
            \u{2028}\u{202e}\u{2060}\u{2069}\u{2800}\u{3164}\u{e000}\u{fdd0}\u{fe0f}\u{feff}\
            \u{ffa0}\u{fff9}\u{ffff}\u{e0041}\u{10ffff}";
        for c in hidden.chars() {
            assert!(is_hidden(c), "{c:?}");
            assert!(has_hidden(&format!("a{c}b")), "{c:?}");
        }
        for c in "a é\u{301}山🎟\u{a0}\u{3000}ｎ".chars() {
            assert!(!is_hidden(c), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_for_ascii_says_the_same(text in "[\\x00-\\x7f]{0,40}") {
            prop_assert_eq!(has_hidden(&text), text.chars().any(|c| {
                NOT_TEXT.contains(CATEGORY.get(c)) || IGNORABLE.contains(c) || is_blank(c)
            }));
        }
    }
}
