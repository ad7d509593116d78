//! A piece of two long texts, around where they begin to differ, with the words marked that the other has not.

use resilient_core::difference::{self, Piece};

/// Characters that stay before the first difference.
const BEFORE: usize = 40;
/// Characters that are compared from there on: more than are shown, so that the end of what is shown is no difference.
const COMPARED: usize = 1_000;
/// Stands for what was left out.
const MORE: Piece = Piece {
    text: "…",
    differs: false,
};

/// Both texts whole where they are short, else at most `length` characters of each, from shortly before the first
/// difference on.
pub fn of_difference<'a>(one: &'a str, other: &'a str, length: usize) -> (Vec<Piece<'a>>, Vec<Piece<'a>>) {
    let alike = one.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b);
    let first = alike.clone().count();
    let is_long = |text: &str| text.chars().nth(length).is_some();
    let from = match is_long(one) || is_long(other) {
        true if first > length => word_before(one, first.saturating_sub(BEFORE)),
        _ => 0,
    };
    // Up to there the texts are the same.
    let (rest, other_rest) = (compared(&one[from..]), compared(&other[from..]));
    let (pieces, others) = difference::by_word(rest, other_rest);
    let shown = |text: &str, pieces| cut(pieces, from > 0, length, text.len());
    (shown(&one[from..], pieces), shown(&other[from..], others))
}

/// The whole of one text that is compared with nothing.
pub fn of_one(text: &str, differs: bool, length: usize) -> Vec<Piece<'_>> {
    let whole = Piece {
        text: compared(text),
        differs,
    };
    cut(vec![whole], false, length, text.len())
}

/// Where the word begins, in bytes, that the character `at` stands in; that character where it is a very long one.
fn word_before(text: &str, at: usize) -> usize {
    let begin = text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    let space = text[..begin].rfind(char::is_whitespace).map(|space| space + 1);
    let space = space.filter(|space| text.is_char_boundary(*space) && begin - space <= BEFORE);
    space.unwrap_or(begin)
}

fn compared(text: &str) -> &str {
    let end = text.char_indices().nth(COMPARED).map_or(text.len(), |(byte, _)| byte);
    &text[..end]
}

/// `pieces` up to `length` characters of a text of so many bytes.
fn cut(pieces: Vec<Piece<'_>>, begins_later: bool, length: usize, bytes: usize) -> Vec<Piece<'_>> {
    let mut shown: Vec<Piece> = begins_later.then_some(MORE).into_iter().collect();
    let (mut room, mut seen) = (length, 0);
    for piece in pieces.into_iter().filter(|piece| !piece.text.is_empty()) {
        let end = piece
            .text
            .char_indices()
            .nth(room)
            .map_or(piece.text.len(), |(byte, _)| byte);
        let text = &piece.text[..end];
        room -= text.chars().count();
        seen += text.len();
        if !text.is_empty() {
            shown.push(Piece { text, ..piece });
        }
    }
    shown.extend((seen < bytes).then_some(MORE));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(pieces: &[Piece]) -> String {
        let mark = |piece: &Piece| match piece.differs {
            true => format!("[{}]", piece.text),
            false => piece.text.to_owned(),
        };
        pieces.iter().map(mark).collect()
    }

    fn told(one: &str, other: &str, length: usize) -> (String, String) {
        let (one, other) = of_difference(one, other, length);
        (marked(&one), marked(&other))
    }

    #[test]
    fn short_texts_are_whole() {
        assert_eq!(
            told("one valve", "two valve", 10),
            ("[one] valve".into(), "[two] valve".into())
        );
        assert_eq!(told("", "", 10), (String::new(), String::new()));
        assert_eq!(marked(&of_one("one", true, 10)), "[one]");
    }

    #[test]
    fn long_texts_are_cut_before_a_word_and_only_what_differs_is_marked() {
        let words = "grün und blau ".repeat(100);
        let (one, other) = (format!("{words}old {words}"), format!("{words}newer {words}"));
        let (one, other) = told(&one, &other, 60);
        assert!(
            one.starts_with("…grün") || one.starts_with("…und") || one.starts_with("…blau"),
            "{one}"
        );
        assert!(one.contains("[old] grün") && one.ends_with('…'), "{one}");
        assert!(other.contains("[newer] grün") && other.ends_with('…'), "{other}");
        assert_eq!(
            one.matches('[').count() + other.matches('[').count(),
            2,
            "{one} {other}"
        );
        assert!(other.chars().count() <= 64, "{other}");
    }

    #[test]
    fn what_differs_early_is_shown_from_the_beginning() {
        let long = "x".repeat(100);
        let (one, other) = told(&format!("a {long}"), "b", 10);
        assert_eq!((one.as_str(), other.as_str()), ("[a xxxxxxxx]…", "[b]"));
    }

    #[test]
    fn a_text_without_any_word_is_cut_all_the_same() {
        let before = "ÿ".repeat(2_000);
        let (one, other) = told(&before, &format!("{before} more"), 50);
        assert_eq!(one, format!("…{}", "ÿ".repeat(40)));
        assert_eq!(other, format!("…{}[ more]", "ÿ".repeat(40)));
        assert_eq!(marked(&of_one(&before, false, 3)), "ÿÿÿ…");
        assert_eq!(told(&before[..40], &format!("{} more", &before[..40]), 5).1, "ÿÿÿÿÿ…");
    }
}
