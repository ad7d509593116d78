//! Finds a pattern in a stream that arrives in pieces.

/// Patterns up to this length are found wherever the pieces are cut.
const LONGEST_PATTERN: usize = 4096;

/// The end of what one client has sent so far.
#[derive(Default)]
pub(crate) struct Matcher {
    tail: Vec<u8>,
}

impl Matcher {
    /// Takes the next piece of the stream; whether `pattern` ends in it. Pieces are taken also while
    /// there is no pattern, so that one that is set in the middle is still found.
    pub fn sees(&mut self, pattern: Option<&[u8]>, piece: &[u8]) -> bool {
        let found = pattern.is_some_and(|pattern| self.ends_in(pattern, piece));
        self.tail.extend_from_slice(piece);
        let surplus = self.tail.len().saturating_sub(LONGEST_PATTERN - 1);
        self.tail.drain(..surplus);
        found
    }

    fn ends_in(&self, pattern: &[u8], piece: &[u8]) -> bool {
        let Some(before) = pattern.len().checked_sub(1) else {
            return true;
        };
        let kept = &self.tail[self.tail.len().saturating_sub(before)..];
        [kept, piece]
            .concat()
            .windows(pattern.len())
            .any(|window| window == pattern)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pattern_is_found_however_the_stream_is_cut(
            before in "[a-cO]{0,40}", after in "[a-cM]{0,40}", cuts in proptest::collection::vec(1..9usize, 1..60)
        ) {
            let stream = format!("{before}COMMIT{after}").into_bytes();
            let mut matcher = Matcher::default();
            let (mut rest, mut found) = (&stream[..], 0);
            for cut in cuts.iter().cycle() {
                let (piece, later) = rest.split_at(rest.len().min(*cut));
                found += usize::from(matcher.sees(Some(b"COMMIT"), piece));
                rest = later;
                if rest.is_empty() { break; }
            }
            prop_assert_eq!(found, 1);
        }
    }

    #[test]
    fn a_pattern_set_in_the_middle_of_itself_is_found() {
        let mut matcher = Matcher::default();
        assert!(!matcher.sees(None, b"xxCOM"));
        assert!(matcher.sees(Some(b"COMMIT"), b"MIT"));
        assert!(!matcher.sees(Some(b"COMMIT"), b";"));
    }
}
