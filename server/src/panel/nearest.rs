//! What somebody may have meant by a name that is not there.

/// `; did you mean …?`, or nothing where no name is near.
pub fn suggestion<'a>(name: &str, there: impl Iterator<Item = &'a str>) -> String {
    let lowered = name.to_lowercase();
    let distance = |other: &&str| strsim::damerau_levenshtein(&lowered, &other.to_lowercase());
    let nearest = there.min_by_key(distance);
    let is_near = |other: &&str| distance(other) <= (name.chars().count() / 3).max(2);
    nearest
        .filter(is_near)
        .map_or_else(String::new, |other| format!("; did you mean `{other}`?"))
}
