//! What a name tells about a table or column.

/// Words in a column's name that make it a secret, unless the configuration says otherwise.
const SECRET: [&str; 12] = [
    "password", "passwd", "pwd", "hash", "secret", "token", "otp", "pin", "apikey", "card", "iban", "ssn",
];

/// Words that, at the end of a name, make it something said about a secret rather than one.
const ABOUT: [&str; 8] = ["id", "at", "on", "date", "until", "expiry", "count", "type"];

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

/// Long enough to mean the same inside another word, as in `userpassword`.
const PART: [&str; 4] = ["password", "passwd", "secret", "apikey"];

/// For people: `_` as space and a capital first letter.
pub fn label(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// By the name alone, so that drafts of a table nobody can read are told apart too. `card_id`,
/// `password_changed_at` and `has_pin` hold no secret.
pub fn is_secret(name: &str) -> bool {
    let words = words(name);
    let is_about_one = words.last().is_some_and(|word| ABOUT.contains(&word.as_str()))
        || words.first().is_some_and(|word| word == "has" || word == "is");
    let holds_one = words.iter().any(|word| {
        SECRET.contains(&word.as_str()) || word.ends_with("token") || PART.iter().any(|part| word.contains(part))
    }) || words.windows(2).any(|pair| pair == ["api", "key"]);
    holds_one && !is_about_one
}

pub fn is_long_text(name: &str) -> bool {
    let words = words(name);
    let is_one_line = words
        .iter()
        .any(|word| ["email", "mail", "ip", "mac", "web"].contains(&word.as_str()));
    words.last().is_some_and(|word| LONG.contains(&word.as_str())) && !is_one_line
}

/// The words of `snake_case`, `camelCase` and spaced names, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (after_lower && letter.is_uppercase()) {
            words.push(String::new());
        }
        after_lower = letter.is_lowercase() || letter.is_numeric();
        if letter.is_alphanumeric() {
            let word = words.len() - 1;
            words[word].extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
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
    fn secrets_are_told_by_their_words() {
        for name in [
            "password",
            "Password_Hash",
            "pin_code",
            "PIN",
            "api_key",
            "stripe_api_key",
            "iban",
            "ssn",
            "apiKey",
            "userpassword",
            "accesstoken",
            "clientsecret",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "pinned",
            "shopping",
            "cardinality",
            "key",
            "api",
            "tokens_used",
            "hashtag",
            "name",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn what_is_said_about_a_secret_is_none() {
        for name in ["card_id", "password_changed_at", "token_expiry", "has_pin", "cardType"] {
            assert!(!is_secret(name), "{name}");
        }
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
