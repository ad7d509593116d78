//! Which controls and columns hold a secret, told by their names.

/// Words in a name that make what it holds a secret.
const SECRET: [&str; 12] = [
    "password", "passwd", "pwd", "hash", "secret", "token", "otp", "pin", "apikey", "card", "iban", "ssn",
];

/// Words that, at the end of a name, make it something said about a secret rather than one.
const ABOUT: [&str; 8] = ["id", "at", "on", "date", "until", "expiry", "count", "type"];

/// Long enough to mean the same inside another word, as in `userpassword`.
const PART: [&str; 4] = ["password", "passwd", "secret", "apikey"];

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

/// The words of `snake_case`, `camelCase` and spaced names, in lower case.
pub fn words(name: &str) -> Vec<String> {
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
            "userPin",
            "factor2Pin",
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
        for name in [
            "card_id",
            "password_changed_at",
            "token_expiry",
            "has_pin",
            "cardType",
            "passwordId",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
