//! What a name tells about a table or column.

pub use resilient_core::secret_name::is_secret;
use resilient_core::secret_name::words;

/// Words that promise text of several lines.
const LONG: [&str; 16] = [
    "description",
    "notes",
    "note",
    "comment",
    "comments",
    "body",
    "text",
    "content",
    "instructions",
    "address",
    "remarks",
    "message",
    "summary",
    "details",
    "bio",
    "abstract",
];

/// For people: `_` as space and a capital first letter.
pub fn label(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

pub fn is_long_text(name: &str) -> bool {
    let words = words(name);
    let is_one_line = words
        .iter()
        .any(|word| ["email", "mail", "ip", "mac", "web"].contains(&word.as_str()));
    words.last().is_some_and(|word| LONG.contains(&word.as_str())) && !is_one_line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_names_made_readable() {
        assert_eq!(label("purchase_price"), "Purchase price");
        assert_eq!(label("ärger"), "Ärger");
        assert_eq!(label(""), "");
    }

    #[test]
    fn long_texts_are_told_by_the_last_word() {
        assert!(is_long_text("safety_instructions"));
        assert!(is_long_text("postalAddress"));
        assert!(!is_long_text("comment_count"));
        assert!(!is_long_text("email"));
        assert!(!is_long_text("email_address"));
    }
}
