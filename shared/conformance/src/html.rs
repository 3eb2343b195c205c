//! As much of HTML as it takes to say what a page shows and what it refers to.

/// The text that a reader of `html` sees, with single spaces.
pub(crate) fn text(html: &str) -> String {
    let (mut text, mut in_tag) = (String::new(), false);
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            _ if in_tag => {}
            c => text.push(c),
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    unescaped(&words.join(" "))
}

/// The opening tags of this name in `html`, without their brackets.
pub(crate) fn tags<'h>(html: &'h str, name: &str) -> Vec<&'h str> {
    let start = format!("<{name}");
    html.split(start.as_str())
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
        .collect()
}

/// What `html` refers to with `href` and `src`.
pub(crate) fn references(html: &str) -> Vec<&str> {
    [" href=\"", " src=\""]
        .into_iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

/// With `&lt;`, `&#60;` and `&#x3c;` replaced by what they stand for.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let known = piece
            .split_once(';')
            .and_then(|(name, rest)| Some((character(name)?, rest)));
        match known {
            Some((c, rest)) => {
                plain.push(c);
                plain.push_str(rest);
            }
            None => {
                plain.push('&');
                plain.push_str(piece);
            }
        }
    }
    plain
}

fn character(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_what_was_escaped_and_no_tags() {
        let html = "<h1 id=\"a\">&lt;b&#62;\n &amp;lt; &#x27;&nope;</h1><p>1</p>";
        assert_eq!(text(html), "<b> &lt; '&nope; 1");
    }

    #[test]
    fn references_and_tags_are_found() {
        let html = "<link href=\"/a.css\"><script src=\"/a.js\"></script><script>1</script>";
        assert_eq!(references(html), ["/a.css", "/a.js"]);
        assert_eq!(tags(html, "script"), [" src=\"/a.js\"", ""]);
    }
}
