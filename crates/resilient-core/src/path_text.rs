//! Names and keys as they stand in paths, queries and control names: `[A-Za-z0-9_-]` as is, every
//! other UTF-8 byte as `~HH`.
//!
//! Percent-coding does not serve: routers decode it before a composite key can be split at its
//! commas, and browsers fold `%2e%2e`.

/// Writes one name or one part of a key.
///
/// The empty string is `~`; a part that is `new` or begins with `new-` starts `~6eew`, so that it
/// is never taken for the page that makes a new record.
pub fn write_part(text: &str) -> String {
    if text.is_empty() {
        return "~".to_owned();
    }
    let mut written = String::with_capacity(text.len());
    let mut rest = text.as_bytes();
    if text == "new" || text.starts_with("new-") {
        written.push_str("~6e");
        rest = &rest[1..];
    }
    for &byte in rest {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            written.push(byte as char);
        } else {
            written.push_str(&format!("~{byte:02x}"));
        }
    }
    written
}

/// Reads what [`write_part`] wrote; `None` for anything it would not have written, so that each
/// name has exactly one address.
pub fn read_part(written: &str) -> Option<String> {
    if written == "~" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'~' {
            let high = (rest.next()? as char).to_digit(16)?;
            let low = (rest.next()? as char).to_digit(16)?;
            bytes.push((high * 16 + low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (write_part(&text) == written).then_some(text)
}

/// Writes the parts of a key, joined by `,`.
pub fn write_key(parts: &[String]) -> String {
    parts.iter().map(|part| write_part(part)).collect::<Vec<_>>().join(",")
}

/// Reads what [`write_key`] wrote.
pub fn read_key(written: &str) -> Option<Vec<String>> {
    written.split(',').map(read_part).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_key_is_read_back_as_it_was_written(parts in proptest::collection::vec(".*", 1..4)) {
            let written = write_key(&parts);
            prop_assert!(written.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-~,".contains(&b)));
            prop_assert_eq!(read_key(&written), Some(parts));
        }
    }

    #[test]
    fn a_key_named_new_is_not_the_page_for_new_records() {
        assert_eq!(write_part("new"), "~6eew");
        assert_eq!(write_part("new-1"), "~6eew-1");
        assert_eq!(write_part("newer"), "newer");
        assert_eq!(read_part("new"), None);
        assert_eq!(read_part("~6E"), None);
        assert_eq!(write_part(""), "~");
        assert_eq!(write_part("a.b"), "a~2eb");
    }
}
