//! Text inside `<textarea>`.

/// The content of a `textarea` as HTML, for `inner_html`. An application uses that for nothing else.
///
/// Leptos 0.8 does not escape a textarea's children on the server, so that a stored
/// `</textarea><script>` would run. The line feed in front is dropped by HTML's parser and keeps it
/// from dropping the text's own first one. A carriage return is written as a reference because the
/// parser would turn it into a line feed before the control does.
pub fn textarea_content(text: &str) -> String {
    let mut content = String::with_capacity(text.len() + 1);
    content.push('\n');
    for character in text.chars() {
        match character {
            '&' => content.push_str("&amp;"),
            '<' => content.push_str("&lt;"),
            '>' => content.push_str("&gt;"),
            '\r' => content.push_str("&#13;"),
            other => content.push(other),
        }
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_script_stays_text() {
        let content = textarea_content("</textarea><script>alert(1)</script>&lt;");
        assert_eq!(
            content,
            "\n&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;lt;"
        );
    }

    #[test]
    fn a_first_line_feed_survives_the_parser() {
        assert_eq!(textarea_content("\nsecond line"), "\n\nsecond line");
    }
}
