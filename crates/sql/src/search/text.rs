//! A search in the notation of a database. It holds words alone, which are letters, digits and marks: nothing of what a caller
//! sent can be an operator.

use backstay_scalar::{Search, Term, Value};
use serde_json::json;

use crate::Dialect;

pub(super) fn values(search: &Search, columns: &[usize], dialect: Dialect) -> [Value; 2] {
    let matched = match dialect {
        Dialect::Sqlite => in_fts5(search, columns),
        Dialect::Postgres => in_tsquery(search, columns),
    };
    let term = |term: &Term, column: usize| match dialect {
        Dialect::Sqlite => format!("{{{}}} : {}", super::words(column), phrase(term)),
        Dialect::Postgres => lexemes(term, column),
    };
    let terms = search.terms();
    let each = terms.iter().flat_map(|one| columns.iter().map(|column| json!([column, term(one, *column)])));
    let terms = serde_json::Value::Array(each.collect()).to_string();
    [Value::text(matched), Value::text(terms)]
}

/// FTS5: `({c0 c1} : ("new york" OR "nyc" *) AND …) NOT {c0 c1} : (…)`.
fn in_fts5(search: &Search, columns: &[usize]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| super::words(*column)).collect();
    let columns = columns.join(" ");
    let any = |terms: &[Term]| {
        let terms: Vec<String> = terms.iter().map(phrase).collect();
        format!("{{{columns}}} : ({})", terms.join(" OR "))
    };
    let groups: Vec<String> = search.groups.iter().map(|group| any(group)).collect();
    let groups = groups.join(" AND ");
    if search.without.is_empty() { groups } else { format!("({groups}) NOT ({})", any(&search.without)) }
}

fn phrase(term: &Term) -> String {
    format!("\"{}\"{}", term.words.join(" "), if term.prefix { " *" } else { "" })
}

/// A tsquery: `('anew' <-> 'ayork' | 'bnew' <-> 'byork') & … & !(…)`.
fn in_tsquery(search: &Search, columns: &[usize]) -> String {
    let any = |terms: &[Term]| {
        let each = terms.iter().flat_map(|term| columns.iter().map(|column| lexemes(term, *column)));
        format!("({})", each.collect::<Vec<_>>().join(" | "))
    };
    let groups: Vec<String> = search.groups.iter().map(|group| any(group)).collect();
    let groups = groups.join(" & ");
    if search.without.is_empty() { groups } else { format!("{groups} & !{}", any(&search.without)) }
}

fn lexemes(term: &Term, column: usize) -> String {
    let last = term.words.len() - 1;
    let lexeme = |(place, word): (usize, &String)| {
        let prefix = if term.prefix && place == last { ":*" } else { "" };
        format!("'{}{word}'{prefix}", super::tag(column))
    };
    let lexemes: Vec<String> = term.words.iter().enumerate().map(lexeme).collect();
    lexemes.join(" <-> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, dialect: Dialect, expected: [&str; 2]) {
        let search = Search::read(text).expect("a search");
        let found = values(&search, &[0, 2], dialect);
        assert_eq!(found, expected.map(Value::text), "{text}");
    }

    #[test]
    fn a_search_in_the_notation_of_fts5() {
        check(
            "Zürich \"new york\" OR nyc*",
            Dialect::Sqlite,
            [
                r#"{c0 c2} : ("zurich") AND {c0 c2} : ("new york" OR "nyc" *)"#,
                r#"[[0,"{c0} : \"zurich\""],[2,"{c2} : \"zurich\""],[0,"{c0} : \"new york\""],[2,"{c2} : \"new york\""],[0,"{c0} : \"nyc\" *"],[2,"{c2} : \"nyc\" *"]]"#,
            ],
        );
        check(
            "a -b -\"c d\"",
            Dialect::Sqlite,
            [r#"({c0 c2} : ("a")) NOT ({c0 c2} : ("b" OR "c d"))"#, r#"[[0,"{c0} : \"a\""],[2,"{c2} : \"a\""]]"#],
        );
    }

    #[test]
    fn a_search_as_a_tsquery() {
        check(
            "\"new york\" OR nyc* -b",
            Dialect::Postgres,
            [
                "('anew' <-> 'ayork' | 'cnew' <-> 'cyork' | 'anyc':* | 'cnyc':*) & !('ab' | 'cb')",
                r#"[[0,"'anew' <-> 'ayork'"],[2,"'cnew' <-> 'cyork'"],[0,"'anyc':*"],[2,"'cnyc':*"]]"#,
            ],
        );
    }
}
