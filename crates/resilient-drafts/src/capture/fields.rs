//! A form's fields, and how they stand in a draft.

use resilient_core::draft::{Revision, Values};
use resilient_core::path_text::{read_part, write_part};
use resilient_core::secret_name;
use resilient_core::submission::form_body::{SEQ, WRITER};
use resilient_core::submission::is_writer;

/// Words that make a field one of the moment, or a secret that no column is.
const NEVER: [&str; 6] = ["csrf", "xsrf", "cvv", "cvc", "passphrase", "passcode"];
/// Between the writing of a name and which of several fields of that name it is.
const OCCURRENCE: char = '.';

/// More fields than are kept of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {most} fields")]
pub struct TooManyFields {
    pub most: usize,
}

/// What was posted, less what is never kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Names and texts, in the order posted; a name can come more than once.
    pub pairs: Vec<(String, String)>,
    /// Names of those that were left out although they had a text.
    pub left_out: Vec<String>,
    /// The draft that the form was drawn with, as its hidden controls name it.
    pub drawn_with: Option<Revision>,
}

/// By its name alone: passwords, tokens, card numbers and the like, as
/// [`secret_name`](resilient_core::secret_name) tells them, and what only guards one drawing of a form.
pub fn is_never_kept(name: &str) -> bool {
    let words = secret_name::words(name);
    let is_one = |word: &String| NEVER.iter().any(|never| word.contains(never));
    secret_name::is_secret(name) || words.iter().any(is_one)
}

impl Fields {
    /// Reads an urlencoded body.
    ///
    /// # Errors
    /// Above `most` fields, which are counted before they are taken apart.
    pub fn read(body: &[u8], most: usize, left_out: impl Fn(&str) -> bool) -> Result<Self, TooManyFields> {
        if !body.is_empty() && body.iter().filter(|byte| **byte == b'&').count() >= most {
            return Err(TooManyFields { most });
        }
        Ok(Self::of(form_urlencoded::parse(body).into_owned(), left_out))
    }

    /// Of fields that a handler has read itself.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>, left_out: impl Fn(&str) -> bool) -> Self {
        let mut fields = Self::default();
        let (mut seq, mut writer) = (None, None);
        for (name, text) in pairs {
            match name.as_str() {
                SEQ => seq = text.parse().ok(),
                WRITER => writer = Some(text).filter(|writer| is_writer(writer)),
                _ if !left_out(&name) => fields.pairs.push((name, text)),
                _ if !text.is_empty() && !fields.left_out.contains(&name) => fields.left_out.push(name),
                _ => {}
            }
        }
        fields.drawn_with = seq.zip(writer).map(|(seq, writer)| Revision { seq, writer });
        fields
    }

    /// As a draft holds them: the first field of a name under the name's `~HH` writing, others with their number. What was
    /// left out stands there by its name, without a text.
    pub fn values(&self) -> Values {
        let mut values = Values::new();
        for (name, text) in &self.pairs {
            let name = write_part(name);
            let mut key = name.clone();
            let mut occurrence = 1;
            while values.contains_key(&key) {
                occurrence += 1;
                key = format!("{name}{OCCURRENCE}{occurrence}");
            }
            values.insert(key, Some(text.clone()));
        }
        for name in &self.left_out {
            values.entry(write_part(name)).or_insert(None);
        }
        values
    }
}

/// The fields of a draft: by name, those of one name in the order posted.
pub fn of_values(values: &Values) -> Vec<(String, String)> {
    let mut fields: Vec<(String, usize, String)> = values
        .iter()
        .filter_map(|(key, text)| {
            let (name, occurrence) = key.split_once(OCCURRENCE).unwrap_or((key, "1"));
            Some((read_part(name)?, occurrence.parse().ok()?, text.clone()?))
        })
        .collect();
    fields.sort();
    fields.into_iter().map(|(name, _, text)| (name, text)).collect()
}

/// Names of what was left out of a draft.
pub fn left_out_of(values: &Values) -> Vec<String> {
    let without_text = values.iter().filter(|(_, text)| text.is_none());
    without_text.filter_map(|(name, _)| read_part(name)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn several_fields_of_one_name_come_back_in_their_order() {
        let tags = (1..=12).map(|n| pair("tags[]", &format!("tag {n}")));
        let fields = Fields::of(tags.clone().chain([pair("a.b", "dotted")]), |_| false);
        let back = of_values(&fields.values());
        let expected: Vec<_> = [pair("a.b", "dotted")].into_iter().chain(tags).collect();
        assert_eq!(back, expected);
    }

    #[test]
    fn what_looks_like_a_secret_is_named_and_not_kept() {
        let body = b"title=Pump&user%5Bpassword%5D=hunter2&cvv=123&_csrf=x&pin=&authenticity_token=t";
        let fields = Fields::read(body, 100, is_never_kept).unwrap();
        assert_eq!(fields.pairs, [pair("title", "Pump")]);
        assert_eq!(
            fields.left_out,
            ["user[password]", "cvv", "_csrf", "authenticity_token"]
        );
        let values = fields.values();
        assert_eq!(of_values(&values), [pair("title", "Pump")]);
        assert_eq!(
            left_out_of(&values),
            ["_csrf", "authenticity_token", "cvv", "user[password]"]
        );
    }

    #[test]
    fn the_draft_it_was_drawn_with_is_told_by_its_controls_and_is_no_field() {
        let fields = Fields::read(b"_seq=3&_writer=page-1&a=1", 100, is_never_kept).unwrap();
        let writer = "page-1".to_owned();
        assert_eq!(fields.drawn_with, Some(Revision { seq: 3, writer }));
        assert_eq!(fields.pairs, [pair("a", "1")]);
        for damaged in ["_seq=x&_writer=page-1", "_seq=3&_writer=two+words", "_seq=3"] {
            assert_eq!(
                Fields::read(damaged.as_bytes(), 100, is_never_kept).unwrap().drawn_with,
                None
            );
        }
    }

    #[test]
    fn fields_are_counted() {
        assert!(Fields::read(b"a=1&b=2", 2, |_| false).is_ok());
        assert_eq!(Fields::read(b"a=1&b=2&c", 2, |_| false), Err(TooManyFields { most: 2 }));
        assert!(Fields::read(b"", 0, |_| false).is_ok());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_on_the_way_into_a_draft_and_back(
            pairs in prop::collection::vec(("[a-c.~\\[\\]0-9]{0,3}", "\\PC{0,5}"), 0..20),
        ) {
            let mut expected = pairs.clone();
            let fields = Fields::of(pairs, |_| false);
            // Those of one name stay in order, and names are sorted.
            expected.sort_by(|one, other| one.0.cmp(&other.0));
            prop_assert_eq!(of_values(&fields.values()), expected);
        }
    }
}
