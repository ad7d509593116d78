//! A dump of `mysqldump` on its way back: what would run by itself comes back switched off, and the table without which
//! nothing can be saved has another name until everything else is done.

const BODY_ENDS: &[u8] = b"DELIMITER ";
const EVENT: &[u8] = b"/*!50106 CREATE*/";
/// How the dump's lines begin that are about a table.
const ABOUT: [&[u8]; 5] = [
    b"DROP TABLE IF EXISTS `",
    b"CREATE TABLE `",
    b"LOCK TABLES `",
    b"/*!40000 ALTER TABLE `",
    b"INSERT INTO `",
];
/// Of a line, as much as is looked at: a table's name is at its beginning, and so is when an event runs.
const LOOKED_AT: usize = 256;
const LOOKED_AT_OF_BODY: usize = 64 << 10;

/// Takes the dump piece by piece.
#[derive(Debug)]
pub struct Replay {
    /// Without quotes, and the name it has meanwhile.
    table: (String, String),
    /// The beginning of the line, as long as it is not decided.
    line: Vec<u8>,
    /// The rest of this line is as it is.
    passing: bool,
    /// Of a trigger, routine or event: it stands between two changes of what ends a statement.
    in_body: bool,
}

impl Replay {
    pub fn new(table: String, meanwhile: String) -> Self {
        Self {
            table: (table, meanwhile),
            line: Vec::new(),
            passing: false,
            in_body: false,
        }
    }

    /// What goes on for what came.
    pub fn see(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 64);
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let (now, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            if self.passing {
                out.extend_from_slice(now);
            } else {
                self.line.extend_from_slice(now);
                let enough = if self.in_body { LOOKED_AT_OF_BODY } else { LOOKED_AT };
                if end.is_some() || self.line.len() >= enough {
                    out.extend(self.decided());
                    self.passing = true;
                }
            }
            self.passing &= end.is_none();
            bytes = rest;
        }
        out
    }

    /// What is left at the end.
    pub fn end(mut self) -> Vec<u8> {
        self.decided()
    }

    fn decided(&mut self) -> Vec<u8> {
        let line = std::mem::take(&mut self.line);
        if let Some(ends_with) = line.strip_prefix(BODY_ENDS) {
            self.in_body = ends_with.trim_ascii() != b";";
            return line;
        }
        match self.in_body {
            true if line.starts_with(EVENT) => switched_off(&line).unwrap_or(line),
            true => line,
            false => self.named(line),
        }
    }

    fn named(&self, line: Vec<u8>) -> Vec<u8> {
        let (table, meanwhile) = &self.table;
        let name = format!("{table}`");
        for about in ABOUT {
            let rest = line
                .strip_prefix(about)
                .and_then(|rest| rest.strip_prefix(name.as_bytes()));
            if let Some(rest) = rest {
                return [about, meanwhile.as_bytes(), b"`", rest].concat();
            }
        }
        line
    }
}

/// `… ON COMPLETION NOT PRESERVE ENABLE DO …`: what stands before it may be quoted, and says anything.
fn switched_off(event: &[u8]) -> Option<Vec<u8>> {
    const RUNS: &[u8] = b" PRESERVE ENABLE ";
    const RESTS: &[u8] = b" PRESERVE DISABLE ";
    let mut quote = None;
    for (at, byte) in event.iter().enumerate() {
        match quote {
            Some(open) if open == *byte => quote = None,
            Some(_) => {}
            None if matches!(byte, b'\'' | b'"' | b'`') => quote = Some(*byte),
            None if event[at..].starts_with(RUNS) => {
                return Some([&event[..at], RESTS, &event[at + RUNS.len()..]].concat());
            }
            None if event[at..].starts_with(RESTS) => return None,
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = concat!(
        "DROP TABLE IF EXISTS `own_saves`;\nCREATE TABLE `own_saves` (\n  `t` text DEFAULT 'INSERT INTO `own_saves`'\n);\n",
        "INSERT INTO `own_saves` VALUES ('INSERT INTO `own_saves`\\nDELIMITER ;;');\nINSERT INTO `own_saves_2` VALUES (1);\n",
        "DELIMITER ;;\n/*!50003 CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW\nINSERT INTO `own_saves` VALUES (1) */;;\n",
        "/*!50106 CREATE*/ /*!50117 DEFINER=`a PRESERVE ENABLE `@`%`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 SECOND ",
        "ON COMPLETION NOT PRESERVE ENABLE DO SELECT ' PRESERVE ENABLE ' */ ;;\n",
        "/*!50106 CREATE*/ /*!50106 EVENT `f` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE DISABLE DO\n",
        "SELECT 1 PRESERVE ENABLE DO */ ;;\nDELIMITER ;\nLOCK TABLES `own_saves` WRITE;\n-- Dump completed",
    );

    #[test]
    fn events_are_off_and_one_table_is_elsewhere_however_the_dump_is_cut() {
        let wanted = DUMP
            .replace("EXISTS `own_saves`", "EXISTS `meanwhile`")
            .replace("CREATE TABLE `own_saves`", "CREATE TABLE `meanwhile`")
            .replace("INSERT INTO `own_saves` VALUES ('", "INSERT INTO `meanwhile` VALUES ('")
            .replace("LOCK TABLES `own_saves`", "LOCK TABLES `meanwhile`")
            .replace("NOT PRESERVE ENABLE DO", "NOT PRESERVE DISABLE DO");
        for size in [1, 2, 7, 64, 300, DUMP.len()] {
            let mut replay = Replay::new("own_saves".to_owned(), "meanwhile".to_owned());
            let mut out = Vec::new();
            DUMP.as_bytes()
                .chunks(size)
                .for_each(|chunk| out.extend(replay.see(chunk)));
            out.extend(replay.end());
            assert_eq!(String::from_utf8(out).unwrap(), wanted, "{size}");
        }
    }
}
