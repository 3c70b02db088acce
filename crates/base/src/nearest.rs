/// Characters of the longest name that is compared: nobody means a longer one.
const LONGEST: usize = 80;
/// Characters of names that say too little of what is meant: one letter of two tells none of them from the others.
const SHORT: usize = 2;

/// The candidate that a misspelt name probably means: the nearest by letters left out, put in, replaced or exchanged
/// with their neighbour, whatever their case. Names of one or two letters are near each other only if they differ in case
/// alone. `None` where none is near.
pub fn nearest<'n>(name: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let length = name.chars().take(LONGEST + 1).count();
    if length > LONGEST {
        return None;
    }
    let most = ((length + 1) / 3).clamp(1, 3);
    let wanted = name.to_lowercase();
    let both_short = |known: &str| length <= SHORT && known.chars().nth(SHORT).is_none();
    let near = candidates.into_iter().map(|known| (strsim::osa_distance(&wanted, &known.to_lowercase()), known));
    near.filter(|(distance, known)| *distance <= if both_short(known) { 0 } else { most })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_the_one_that_is_meant() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(nearest(name, ["title", "state", "publishedAt"]), expected, "{name}");
        };
        check("titel", Some("title"));
        check("TITLE", Some("title"));
        check("published_at", Some("publishedAt"));
        check("colour", None);
        check("", None);
        check(&"title".repeat(1000), None);
    }

    #[test]
    fn a_short_name_is_not_taken_for_another_short_one() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(nearest(name, ["id", "b", "to", "use"]), expected, "{name}");
        };
        check("us", Some("use"));
        check("is", None);
        check("x", None);
        check("di", None);
        check("ID", Some("id"));
        check("ids", Some("id"));
        check("", None);
        assert_eq!(nearest("ü", ["ö"]), None);
    }
}
