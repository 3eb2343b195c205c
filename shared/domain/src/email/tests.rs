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
fn both_spellings_of_a_domain_are_one_participant() {
    for spelling in [
        "x@exämple.org",
        "x@xn--exmple-cua.org",
        "X@EXÄMPLE.ORG",
        "x@XN--EXMPLE-CUA.org",
        "x@exa\u{308}mple。org",
        "x@ｅｘämple.org",
    ] {
        let email = Email::parse(spelling);
        assert_eq!(email.unwrap().as_str(), "x@exämple.org", "{spelling:?}");
    }
    // A joiner that IDNA keeps, in both spellings.
    let persian = Email::parse("x@نامه\u{200c}ای.com").unwrap();
    assert_eq!(
        Email::parse("x@xn--mgba3gch31f060k.com"),
        Ok(persian.clone())
    );
}

#[test]
fn what_is_not_an_address_is_refused() {
    for (text, reason) in [
        ("", InvalidEmail::Empty),
        (" \t ", InvalidEmail::Empty),
        ("a@", InvalidEmail::Malformed),
        ("@b.org", InvalidEmail::Malformed),
        ("a@b@c.org", InvalidEmail::Malformed),
        ("ab", InvalidEmail::Malformed),
        ("a b@c.org", InvalidEmail::Malformed),
        ("a@b.org\r\nBcc: c@d.org", InvalidEmail::Malformed),
        ("a\0@b.org", InvalidEmail::Malformed),
        ("a@b", InvalidEmail::Malformed),
        ("a@-b.org", InvalidEmail::Malformed),
        ("a@b..org", InvalidEmail::Malformed),
        ("a.@b.org", InvalidEmail::Malformed),
        ("a@[127.0.0.1]", InvalidEmail::Malformed),
        ("a@xn--a.org", InvalidEmail::Malformed),
        ("a@xn--xn--ex-ple-cex-ple-cua.org", InvalidEmail::Malformed),
        ("\"a\"@b.org", InvalidEmail::Malformed),
        ("\u{301}@b.org", InvalidEmail::Malformed),
        ("a\u{3000}b@c.org", InvalidEmail::Malformed),
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
fn what_is_pasted_along_with_an_address_is_refused() {
    for text in [
        "mailto:q@example.org",
        "<q@example.org>",
        "Q <q@example.org>",
        "q@example.org,",
        "q@example.org;",
        "q@example.org.",
        "(q@example.org)",
        "'q@example.org'",
        "q@example.org?subject=x",
    ] {
        assert_eq!(Email::parse(text), Err(InvalidEmail::Malformed), "{text:?}");
    }
}

#[test]
fn what_nobody_sees_is_in_no_address() {
    for c in "\u{34f}\u{fe0f}\u{ad}\u{200b}\u{2800}\u{e000}".chars() {
        for text in ["a?nn@example.org", "ann@exam?ple.org", "ann@example.org?"] {
            let text = text.replace('?', &c.to_string());
            assert_eq!(
                Email::parse(&text),
                Err(InvalidEmail::Malformed),
                "{text:?}"
            );
        }
    }
    // The same in the form of DNS: a blank of Braille.
    for text in ["ann@xn--6ii.org", "ann@example.XN--6II"] {
        assert_eq!(Email::parse(text), Err(InvalidEmail::Malformed), "{text:?}");
    }
}

#[test]
fn debug_output_hides_the_address() {
    let email = Email::parse("a@example.org").unwrap();
    assert_eq!(format!("{email:?}"), "Email(…)");
}

proptest! {
    #[test]
    fn a_plain_address_is_only_lower_cased(
        local in "[a-zA-Z0-9+_-]{1,20}",
        domain in "[a-wA-W][a-zA-Z0-9]{0,9}[.][a-wA-W]{2,9}",
    ) {
        let text = format!("{local}@{domain}");
        let email = Email::parse(&text).unwrap();
        prop_assert_eq!(email.as_str(), text.to_ascii_lowercase());
    }

    #[test]
    fn the_short_way_for_plain_domains_says_the_same(domain in "[a-zA-Z0-9.-]{1,12}|[a-z0-9.]{60,70}|([a-z]{9}[.]){24,26}[a-z]{1,20}") {
        let (characters, hyphens) = HOST;
        let whole = DOMAINS.to_ascii(domain.as_bytes(), characters, hyphens, DnsLength::Verify);
        let short = ascii(&domain).filter(|_| !format!(".{domain}.").contains(".-") && !format!(".{domain}.").contains("-."));
        prop_assert_eq!(short, whole.ok());
    }

    #[test]
    fn a_canonical_address_parses_to_itself(
        local in "\\PC{1,20}",
        domain in "(\\PC|[a-zA-ZÉÄΣß。-]){1,20}[.](org|рф|中国)",
    ) {
        if let Ok(email) = Email::parse(&format!("{local}@{domain}")) {
            prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
        }
    }

    #[test]
    fn an_address_and_its_form_in_dns_are_one(domain in "[a-zéäσßñ中文а-я]{1,12}") {
        if let Some(dns) = ascii(&format!("{domain}.org")) {
            prop_assert_eq!(
                Email::parse(&format!("ann@{domain}.org")),
                Email::parse(&format!("ann@{dns}"))
            );
        }
    }
}

#[test]
fn an_address_is_one_participant_in_every_spelling() {
    bolero::check!().for_each(|text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        if let Ok(email) = Email::parse(&text) {
            check_form(email.as_str());
            check_spellings(&text, &email);
        }
    });
}

/// What everybody who gets an address from here relies on.
fn check_form(canonical: &str) {
    assert!(canonical.chars().count() <= MAX_CHARS, "{canonical:?}");
    assert!(canonical.nfc().eq(canonical.chars()), "{canonical:?}");
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '<' || c == '>';
    assert!(!canonical.contains(odd), "{canonical:?}");
}

/// The spellings that the contract calls one: of the text that was given, and of the canonical form.
fn check_spellings(text: &str, email: &Email) {
    let (local, domain) = email.as_str().rsplit_once('@').unwrap();
    let dns = ascii(domain).unwrap();
    for spelling in [
        email.as_str().to_owned(),
        email.as_str().nfd().collect(),
        email.as_str().to_ascii_uppercase(),
        format!("{local}@{dns}"),
        format!("{local}@{}", dns.to_ascii_uppercase()),
        format!(" \t{text}\r\n"),
        text.nfd().collect(),
        text.nfc().collect(),
        text.to_ascii_uppercase(),
        text.to_ascii_lowercase(),
    ] {
        // The form of DNS is longer, and may be too long.
        if spelling.trim().nfc().count() <= MAX_CHARS {
            assert_eq!(
                Email::parse(&spelling).as_ref(),
                Ok(email),
                "{text:?} as {spelling:?}, {:?}",
                email.as_str()
            );
        }
    }
}
