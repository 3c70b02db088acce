/// Characters of the longest name that is compared: nobody means a longer one.
const LONGEST: usize = 80;

/// The candidate that a misspelt name probably means: the nearest by letters left out, put in, replaced or exchanged
/// with their neighbour, whatever their case. `None` where none is near.
pub fn nearest<'n>(name: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let length = name.chars().take(LONGEST + 1).count();
    if length > LONGEST {
        return None;
    }
    let most = ((length + 1) / 3).clamp(1, 3);
    let wanted = name.to_lowercase();
    let near = candidates.into_iter().map(|known| (strsim::osa_distance(&wanted, &known.to_lowercase()), known));
    near.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
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
}
