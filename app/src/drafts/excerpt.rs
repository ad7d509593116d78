//! A piece of two long texts, around where they begin to differ.

/// Characters that stay before the first difference.
const BEFORE: usize = 40;
/// Stands for what was left out.
const MORE: char = '…';

/// Both texts whole where they are short, else at most `length` characters of each, from shortly before the first
/// difference on.
pub fn around_difference(one: &str, other: &str, length: usize) -> (String, String) {
    let alike = one.chars().zip(other.chars()).take_while(|(a, b)| a == b);
    let first = alike.count();
    let is_long = |text: &str| text.chars().nth(length).is_some();
    if !is_long(one) && !is_long(other) {
        return (one.to_owned(), other.to_owned());
    }
    let from = if first < length { 0 } else { first - BEFORE.min(first) };
    (piece(one, from, length), piece(other, from, length))
}

fn piece(text: &str, from: usize, length: usize) -> String {
    let mut rest = text.chars().skip(from);
    let mut piece = String::new();
    if from > 0 {
        piece.push(MORE);
    }
    piece.extend(rest.by_ref().take(length));
    if rest.next().is_some() {
        piece.push(MORE);
    }
    piece
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_whole() {
        assert_eq!(around_difference("one", "two", 10), ("one".into(), "two".into()));
        assert_eq!(around_difference("", "", 10), (String::new(), String::new()));
    }

    #[test]
    fn long_texts_are_cut_around_their_first_difference() {
        let before = "ä".repeat(1_000);
        let (one, other) = (format!("{before}old{before}"), format!("{before}new"));
        let (one, other) = around_difference(&one, &other, 60);
        let context = "ä".repeat(40);
        assert_eq!(one, format!("…{context}old{}…", "ä".repeat(17)));
        assert_eq!(other, format!("…{context}new"));
    }

    #[test]
    fn what_differs_early_is_shown_from_the_beginning() {
        let long = "x".repeat(100);
        let (one, other) = around_difference(&format!("a{long}"), "b", 10);
        assert_eq!((one.as_str(), other.as_str()), ("axxxxxxxxx…", "b"));
    }

    #[test]
    fn a_text_that_only_goes_on_is_cut_where_it_does() {
        let before = "y".repeat(200);
        let (one, other) = around_difference(&before, &format!("{before} more"), 50);
        assert_eq!(one, format!("…{}", "y".repeat(40)));
        assert_eq!(other, format!("…{} more", "y".repeat(40)));
    }
}
