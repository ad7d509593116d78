//! What differs between two texts, word by word, for the eye: both texts come back whole, cut into
//! pieces that the other has too and pieces that it has not.

/// A run of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    pub text: &'a str,
    /// The other text does not have it here.
    pub differs: bool,
}

/// Comparing takes time and room by the product of both lengths in words; above this, what stands
/// between the common beginning and the common end differs as a whole.
const LARGEST_TABLE: usize = 1 << 18;

/// The pieces of `one` and of `other`, each in order.
pub fn by_word<'a>(one: &'a str, other: &'a str) -> (Vec<Piece<'a>>, Vec<Piece<'a>>) {
    let (words, others) = (words(one), words(other));
    let alike = |(a, b): &(&&str, &&str)| a == b;
    let start = words.iter().zip(&others).take_while(alike).count();
    let (rest, other_rest) = (&words[start..], &others[start..]);
    let end = rest.iter().rev().zip(other_rest.iter().rev()).take_while(alike).count();
    let (middle, other_middle) = (&rest[..rest.len() - end], &other_rest[..other_rest.len() - end]);
    let (kept, other_kept) = common(middle, other_middle);
    (
        pieces(one, &words, start, &kept),
        pieces(other, &others, start, &other_kept),
    )
}

/// Runs of letters and digits, runs of spaces, and every other sign by itself.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut before = Kind::Sign;
    for (at, sign) in text.char_indices() {
        let kind = Kind::of(sign);
        if at > start && (kind != before || kind == Kind::Sign) {
            words.extend(text.get(start..at));
            start = at;
        }
        before = kind;
    }
    words.extend(text.get(start..).filter(|last| !last.is_empty()));
    words
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Space,
    Sign,
}

impl Kind {
    /// Whatever is not ASCII counts as a letter: tables of Unicode would be the larger part of a page's module.
    fn of(sign: char) -> Self {
        if sign.is_ascii_whitespace() {
            Self::Space
        } else if sign.is_ascii_punctuation() || sign.is_ascii_control() {
            Self::Sign
        } else {
            Self::Word
        }
    }
}

/// Which words of each belong to a longest common sequence.
fn common(one: &[&str], other: &[&str]) -> (Vec<bool>, Vec<bool>) {
    let (rows, columns) = (one.len(), other.len());
    let mut kept = (vec![false; rows], vec![false; columns]);
    if rows.saturating_mul(columns) > LARGEST_TABLE {
        return kept;
    }
    // The length of the longest common sequence of what follows each pair of places. A table of this size holds no
    // longer one than its side.
    let width = columns + 1;
    let mut longest = vec![0_u16; (rows + 1) * width];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let at = row * width + column;
            longest[at] = if one[row] == other[column] {
                longest[at + width + 1] + 1
            } else {
                longest[at + width].max(longest[at + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    while row < rows && column < columns {
        let at = row * width + column;
        if one[row] == other[column] {
            (kept.0[row], kept.1[column]) = (true, true);
            (row, column) = (row + 1, column + 1);
        } else if longest[at + width] >= longest[at + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    kept
}

/// `middle` tells of the words from `start` on; those around it are common.
fn pieces<'a>(text: &'a str, words: &[&str], start: usize, middle: &[bool]) -> Vec<Piece<'a>> {
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for (at, word) in words.iter().enumerate() {
        let differs = at
            .checked_sub(start)
            .and_then(|at| middle.get(at))
            .is_some_and(|kept| !kept);
        let grows = pieces.last().is_some_and(|last| last.differs == differs);
        if grows {
            pieces.pop();
        } else {
            begin = end;
        }
        end += word.len();
        let text = text.get(begin..end).unwrap_or_default();
        pieces.push(Piece { text, differs });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(pieces: &[Piece]) -> String {
        let mark = |piece: &Piece| {
            if piece.differs {
                format!("[{}]", piece.text)
            } else {
                piece.text.to_owned()
            }
        };
        pieces.iter().map(mark).collect()
    }

    fn compared(one: &str, other: &str) -> (String, String) {
        let (one, other) = by_word(one, other);
        (marked(&one), marked(&other))
    }

    #[test]
    fn what_each_side_changed_is_marked_and_the_rest_is_not() {
        assert_eq!(
            compared("Inspect the pressure valve", "Inspect every valve twice"),
            (
                "Inspect [the pressure] valve".into(),
                "Inspect [every] valve[ twice]".into()
            )
        );
    }

    #[test]
    fn a_comma_is_a_difference_of_its_own() {
        assert_eq!(compared("one, two", "one two"), ("one[,] two".into(), "one two".into()));
    }

    #[test]
    fn lines_and_letters_of_other_scripts_are_words_like_others() {
        assert_eq!(
            compared("Öl\nprüfen", "Öl\nnachfüllen"),
            ("Öl\n[prüfen]".into(), "Öl\n[nachfüllen]".into())
        );
    }

    #[test]
    fn texts_too_long_to_compare_differ_between_their_common_ends() {
        let long = |word: &str| format!("Begin {} end", vec![word; 5_000].join(" "));
        let (one, other) = (long("a"), long("b"));
        let (pieces, _) = by_word(&one, &other);
        assert_eq!(
            pieces.iter().map(|piece| piece.differs).collect::<Vec<_>>(),
            [false, true, false]
        );
        assert_eq!((pieces[0].text, pieces[2].text), ("Begin ", " end"));
    }

    #[test]
    fn texts_are_compared_word_by_word_as_long_as_the_table_for_it_may_be() {
        let marked_wholly = |words: usize| {
            let [one, other] = ["a", "b"].map(|end| [end, &";".repeat(words - 2), end].concat());
            by_word(&one, &other).0.len() == 1
        };
        let side = LARGEST_TABLE.isqrt();
        assert!(!marked_wholly(side));
        assert!(marked_wholly(side + 1));
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[ab ,\n]{0,30}", "\\PC{0,40}", "(pump|valve|oil|[ .]){0,40}"]
    }

    fn whole(pieces: &[Piece]) -> String {
        pieces.iter().map(|piece| piece.text).collect()
    }

    fn common_text(pieces: &[Piece]) -> String {
        pieces
            .iter()
            .filter(|piece| !piece.differs)
            .map(|piece| piece.text)
            .collect()
    }

    proptest! {
        #[test]
        fn both_texts_come_back_whole_and_agree_on_what_is_common(one in text(), other in text()) {
            let (pieces, others) = by_word(&one, &other);
            prop_assert_eq!(whole(&pieces), one.clone());
            prop_assert_eq!(whole(&others), other.clone());
            prop_assert_eq!(common_text(&pieces), common_text(&others));
        }

        #[test]
        fn pieces_are_as_long_as_they_can_be_and_never_empty(one in text(), other in text()) {
            let (pieces, _) = by_word(&one, &other);
            prop_assert!(pieces.iter().all(|piece| !piece.text.is_empty()));
            prop_assert!(pieces.windows(2).all(|two| two[0].differs != two[1].differs));
        }

        #[test]
        fn nothing_differs_exactly_where_the_texts_are_equal(one in text(), other in text()) {
            let (pieces, others) = by_word(&one, &other);
            let differs = pieces.iter().chain(&others).any(|piece| piece.differs);
            prop_assert_eq!(differs, one != other);
        }

        #[test]
        fn whatever_is_taken_out_of_a_text_nothing_of_what_is_left_differs(signs in proptest::collection::vec(("[,;:]", any::<bool>()), 0..20)) {
            let whole: String = signs.iter().map(|(sign, _)| sign.as_str()).collect();
            let left: String = signs.iter().filter(|(_, stays)| *stays).map(|(sign, _)| sign.as_str()).collect();
            let (_, pieces) = by_word(&whole, &left);
            prop_assert_eq!(common_text(&pieces), left);
        }

        #[test]
        fn a_text_written_in_between_is_all_that_differs(before in "[a-z]{1,5} ", between in "[0-9]{1,5} ", after in "[a-z]{1,5}") {
            let (short, long) = (format!("{before}{after}"), format!("{before}{between}{after}"));
            let (pieces, others) = by_word(&short, &long);
            prop_assert_eq!(common_text(&pieces), short.clone());
            prop_assert_eq!(common_text(&others), short.clone());
        }
    }
}
