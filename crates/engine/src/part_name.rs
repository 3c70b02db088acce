//! A record of a request in words.

use backstay_base::{Place, Step};

/// Which record of a request is meant: `record 2`, or ``record 0 of `items` of record 2``.
pub(crate) fn named(at: &Place) -> String {
    let Place::Value(steps) = at else { return "record".to_owned() };
    let mut names: Vec<String> = Vec::new();
    let mut members: Vec<&str> = Vec::new();
    for step in steps {
        match step {
            Step::Member(name) => members.push(name),
            Step::Item(index) => {
                names.extend((!members.is_empty()).then(|| format!("`{}`", members.join("."))));
                members.clear();
                names.push(format!("record {index}"));
            }
        }
    }
    names.extend((!members.is_empty()).then(|| format!("`{}`", members.join("."))));
    // From the inside out; a record comes before the list that it is in.
    names.reverse();
    names.join(" of ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_from_the_inside_out() {
        let check = |place: Place, expected: &str| assert_eq!(named(&place), expected);
        let items = || Place::member("items");
        check(Place::item(2), "record 2");
        check(items().then(Step::Item(1)), "record 1 of `items`");
        check(items().then(Step::Member("$add".to_owned())).then(Step::Item(0)), "record 0 of `items.$add`");
        check(items().then(Step::Item(1)).under(&Place::item(2)), "record 1 of `items` of record 2");
        check(Place::member("profile"), "`profile`");
        check(items().then(Step::Item(1)).then(Step::Member("note".to_owned())), "`note` of record 1 of `items`");
    }
}
