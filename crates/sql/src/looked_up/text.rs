//! A search in the notation of a database. It holds words alone, which are letters, digits and marks: nothing of what a caller
//! sent can be an operator.

use backstay_scalar::{Language, Search, Term, Value};
use serde_json::json;

use crate::Dialect;

/// Words of a field that are looked up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Column {
    pub(super) number: usize,
    pub(super) language: Option<Language>,
}

/// What a record must match.
pub(super) fn matched(search: &Search, columns: &[Column], dialect: Dialect) -> Value {
    Value::text(match dialect {
        Dialect::Sqlite => in_fts5(search, columns),
        Dialect::Postgres => in_tsquery(search, columns),
    })
}

/// The terms by which records are ranked, each with the number of a column: `[[0, "…"], …]`.
pub(super) fn terms(search: &Search, columns: &[Column], dialect: Dialect) -> Value {
    let term = |term: &Term, column: Column| match dialect {
        Dialect::Sqlite => format!("{{{}}} : {}", super::words(column.number), phrase(term, column.language)),
        Dialect::Postgres => lexemes(term, column),
    };
    let terms = search.terms();
    let of_term = |one| columns.iter().map(move |column| json!([column.number, term(one, *column)]));
    let each = terms.iter().flat_map(|one| of_term(one));
    Value::text(serde_json::Value::Array(each.collect()).to_string())
}

/// FTS5: `({c0 c1} : ("new york" OR "nyc" *) AND …) NOT {c0 c1} : (…)`. Columns whose words have the same language are
/// looked at together.
fn in_fts5(search: &Search, columns: &[Column]) -> String {
    let languages = by_language(columns);
    let any = |terms: &[Term]| {
        let in_language = |(language, columns): &(Option<Language>, String)| {
            let terms: Vec<String> = terms.iter().map(|term| phrase(term, *language)).collect();
            format!("{{{columns}}} : ({})", terms.join(" OR "))
        };
        match &*languages {
            [one] => in_language(one),
            several => format!("({})", several.iter().map(in_language).collect::<Vec<_>>().join(" OR ")),
        }
    };
    let groups: Vec<String> = search.groups.iter().map(|group| any(group)).collect();
    let groups = groups.join(" AND ");
    if search.without.is_empty() { groups } else { format!("({groups}) NOT ({})", any(&search.without)) }
}

/// The columns of each language, in the order in which languages come first.
fn by_language(columns: &[Column]) -> Vec<(Option<Language>, String)> {
    let mut languages: Vec<(Option<Language>, String)> = Vec::new();
    for column in columns {
        let name = super::words(column.number);
        match languages.iter_mut().find(|(language, _)| *language == column.language) {
            Some((_, columns)) => {
                columns.push(' ');
                columns.push_str(&name);
            }
            None => languages.push((column.language, name)),
        }
    }
    languages
}

fn phrase(term: &Term, language: Option<Language>) -> String {
    format!("\"{}\"{}", term.words_in(language).join(" "), if term.prefix { " *" } else { "" })
}

/// A tsquery: `('anew' <-> 'ayork' | 'bnew' <-> 'byork') & … & !(…)`.
fn in_tsquery(search: &Search, columns: &[Column]) -> String {
    let any = |terms: &[Term]| {
        let each = terms.iter().flat_map(|term| columns.iter().map(|column| lexemes(term, *column)));
        format!("({})", each.collect::<Vec<_>>().join(" | "))
    };
    let groups: Vec<String> = search.groups.iter().map(|group| any(group)).collect();
    let groups = groups.join(" & ");
    if search.without.is_empty() { groups } else { format!("{groups} & !{}", any(&search.without)) }
}

fn lexemes(term: &Term, column: Column) -> String {
    let words = term.words_in(column.language);
    let last = words.len() - 1;
    let lexeme = |(place, word): (usize, &String)| {
        let prefix = if term.prefix && place == last { ":*" } else { "" };
        format!("'{}{word}'{prefix}", super::tag(column.number))
    };
    let lexemes: Vec<String> = words.iter().enumerate().map(lexeme).collect();
    lexemes.join(" <-> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, dialect: Dialect, expected: [&str; 2]) {
        let search = Search::read(text).expect("a search");
        let columns = [0, 2].map(|number| Column { number, language: None });
        let found = [matched(&search, &columns, dialect), terms(&search, &columns, dialect)];
        assert_eq!(found, expected.map(Value::text), "{text}");
    }

    #[test]
    fn each_field_is_searched_in_its_language() {
        let search = Search::read("Cafés \"running late\" -cities runs*").expect("a search");
        let columns = [(0, Some(Language::English)), (1, None), (2, Some(Language::English))];
        let columns = columns.map(|(number, language)| Column { number, language });
        let matched = matched(&search, &columns, Dialect::Sqlite);
        let expected = r#"(({c0 c2} : ("cafe") OR {c1} : ("cafes")) AND ({c0 c2} : ("run late") OR {c1} : ("running late")) AND ({c0 c2} : ("run" *) OR {c1} : ("runs" *))) NOT (({c0 c2} : ("citi") OR {c1} : ("cities")))"#;
        assert_eq!(matched, Value::text(expected));
        let of_both = &columns[..2];
        let terms = terms(&search, of_both, Dialect::Postgres);
        let matched = super::matched(&search, of_both, Dialect::Postgres);
        let expected = "('acafe' | 'bcafes') & ('arun' <-> 'alate' | 'brunning' <-> 'blate') & ('arun':* | 'bruns':*) & !('aciti' | 'bcities')";
        assert_eq!(matched, Value::text(expected));
        let expected = r#"[[0,"'acafe'"],[1,"'bcafes'"],[0,"'arun' <-> 'alate'"],[1,"'brunning' <-> 'blate'"],[0,"'arun':*"],[1,"'bruns':*"]]"#;
        assert_eq!(terms, Value::text(expected));
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
