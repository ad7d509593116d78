//! Names made of texts.

/// FNV-1a, 64 bits, on top of what was hashed before (`None`: nothing). It tells apart what nobody makes alike on purpose.
pub fn fnv1a(before: Option<u64>, text: &str) -> u64 {
    text.bytes()
        .fold(before.unwrap_or(0xcbf2_9ce4_8422_2325), |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::fnv1a;

    #[test]
    fn it_is_the_published_one() {
        // The test vectors of its authors.
        for (text, hash) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(fnv1a(None, text), hash, "{text}");
        }
    }

    #[test]
    fn on_top_of_a_part_it_is_that_of_the_whole() {
        assert_eq!(fnv1a(Some(fnv1a(None, "foo")), "bar"), fnv1a(None, "foobar"));
    }
}
