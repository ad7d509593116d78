//! Counts the rows in a dump of `mysqldump` while it passes: its snapshot is its own, so nobody else can count in it.

use super::Rows;

const INSERT: &[u8] = b"INSERT INTO `";

/// Takes a dump apart byte by byte, however it is cut into pieces.
#[derive(Debug, Default)]
pub struct RowCounter {
    rows: Rows,
    state: State,
    /// The beginning of the line.
    line: Vec<u8>,
    /// Of a trigger, routine or event, whose lines may look like those of the dump: it stands between two changes of
    /// what ends a statement.
    in_body: bool,
    /// The end of what was seen: a whole dump ends with a line that says so.
    tail: Vec<u8>,
}

#[derive(Debug, Default)]
enum State {
    /// At the beginning of a line that may be an INSERT: so many of its letters are there.
    #[default]
    LineBegins,
    Matching(usize),
    OtherLine,
    TableName(Vec<u8>),
    /// A backtick inside a name: its end, or the first of two.
    NameMayEnd(Vec<u8>),
    Values {
        table: String,
        /// Past the list of columns, where there is one.
        begun: bool,
        depth: u32,
        /// The quote that is open, and whether a backslash stands before the next letter.
        quote: Option<u8>,
        escaped: bool,
    },
}

impl RowCounter {
    pub fn see(&mut self, bytes: &[u8]) {
        const TAIL: usize = 512;
        self.tail.extend(&bytes[bytes.len().saturating_sub(TAIL)..]);
        let too_many = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..too_many);
        for byte in bytes {
            let state = std::mem::take(&mut self.state);
            if !matches!(state, State::Values { .. }) {
                self.note_line(*byte);
            }
            self.state = self.next(state, *byte);
        }
    }

    fn note_line(&mut self, byte: u8) {
        const LONGEST: usize = 32;
        if byte != b'\n' {
            if self.line.len() < LONGEST {
                self.line.push(byte);
            }
            return;
        }
        if let Some(ends_with) = self.line.strip_prefix(b"DELIMITER ") {
            self.in_body = ends_with.trim_ascii() != b";";
        }
        self.line.clear();
    }

    /// Whether the last line is the one that a whole dump ends with.
    pub fn is_whole(&self) -> bool {
        let tail = String::from_utf8_lossy(&self.tail);
        let last = tail.lines().rfind(|line| !line.trim().is_empty());
        last.is_some_and(|line| line.starts_with("-- Dump completed"))
    }

    pub fn rows(self) -> Rows {
        self.rows
    }

    fn next(&mut self, state: State, byte: u8) -> State {
        match state {
            State::LineBegins | State::OtherLine if byte == b'\n' => State::LineBegins,
            State::OtherLine => State::OtherLine,
            State::LineBegins if self.in_body => State::OtherLine,
            State::LineBegins => matching(0, byte),
            State::Matching(_) if byte == b'\n' => State::LineBegins,
            State::Matching(there) => matching(there, byte),
            State::TableName(name) if byte == b'`' => State::NameMayEnd(name),
            State::TableName(mut name) => {
                name.push(byte);
                State::TableName(name)
            }
            State::NameMayEnd(mut name) if byte == b'`' => {
                name.push(byte);
                State::TableName(name)
            }
            State::NameMayEnd(name) => State::Values {
                table: String::from_utf8_lossy(&name).into_owned(),
                begun: false,
                depth: 0,
                quote: None,
                escaped: false,
            },
            State::Values {
                table,
                begun,
                depth,
                quote: Some(quote),
                escaped,
            } => State::Values {
                table,
                begun,
                depth,
                quote: (escaped || byte != quote).then_some(quote),
                escaped: !escaped && byte == b'\\' && quote != b'`',
            },
            State::Values {
                table, begun, depth, ..
            } => self.outside_quotes(table, begun, depth, byte),
        }
    }

    fn outside_quotes(&mut self, table: String, begun: bool, depth: u32, byte: u8) -> State {
        if byte == b';' && depth == 0 {
            return State::OtherLine;
        }
        if byte == b'(' && depth == 0 && begun {
            *self.rows.entry(table.clone()).or_default() += 1;
        }
        State::Values {
            table,
            // Of VALUES; names stand in quotes.
            begun: begun || byte == b'V',
            depth: match byte {
                b'(' => depth + 1,
                b')' => depth.saturating_sub(1),
                _ => depth,
            },
            quote: matches!(byte, b'\'' | b'"' | b'`').then_some(byte),
            escaped: false,
        }
    }
}

fn matching(there: usize, byte: u8) -> State {
    if INSERT.get(there) != Some(&byte) {
        return State::OtherLine;
    }
    match there + 1 {
        all if all == INSERT.len() => State::TableName(Vec::new()),
        some => State::Matching(some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = concat!(
        "-- INSERT INTO `no` VALUES (1);\n",
        "CREATE TABLE `a` (x text DEFAULT 'INSERT INTO `a` VALUES (1)');\n",
        "INSERT INTO `a` VALUES (1,'it''s (not) a row; \\'),(\\\\'),(2,NULL),(3,'),(');\n",
        "INSERT INTO `a` VALUES\n(4,x'00'),\n(5,_binary 'a\\\\');\n",
        "DELIMITER ;;\n/*!50003 CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW\n",
        "INSERT INTO `audit` VALUES (NEW.x, 'DELIMITER ;') */;;\nDELIMITER ;\n",
        "INSERT INTO `odd``name` (`x`, `V`) VALUES (1,JSON('(('));\n",
        "\n-- Dump completed on 2026-11-26 17:00:00\n",
    );

    #[test]
    fn rows_are_counted_however_the_dump_is_cut() {
        for size in [1, 2, 7, 64, DUMP.len()] {
            let mut counter = RowCounter::default();
            DUMP.as_bytes().chunks(size).for_each(|chunk| counter.see(chunk));
            assert!(counter.is_whole(), "{size}");
            let rows = counter.rows();
            assert_eq!(rows.get("a"), Some(&5), "{size}: {rows:?}");
            assert_eq!(rows.get("odd`name"), Some(&1), "{size}");
            assert_eq!(rows.len(), 2, "{size}");
        }
    }

    #[test]
    fn a_dump_that_was_cut_short_is_not_whole() {
        let mut counter = RowCounter::default();
        counter.see(&DUMP.as_bytes()[..DUMP.len() - 60]);
        assert!(!counter.is_whole());
    }
}
