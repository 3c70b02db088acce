//! Which records a placeholder of a statement is about: those of the SELECTs that it stands in.

use std::ops::Range;

/// A SELECT within a statement: where it is, and the records that it reads.
struct Select {
    within: Range<usize>,
    /// The alias of each table of records in its FROM.
    records: Vec<String>,
    stands: Stands,
}

/// Where a SELECT stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// In a FROM: it is a table itself, which doesn't see those beside it.
    AsTable,
    /// Behind `"id" IN`: it finds records by itself, whatever record around it is compared with them, unless it names that.
    AsIds,
    /// Anywhere else in an expression.
    InExpression,
}

/// A placeholder: where it is, and the aliases of the records that it is about.
pub(crate) struct Placeholder {
    pub(crate) at: Range<usize>,
    pub(crate) records: Vec<String>,
}

/// The placeholders of a statement, in the order of its text.
pub(crate) fn placeholders(text: &str, tables: &[String]) -> Vec<Placeholder> {
    let plain = without_texts(text);
    let selects = selects(&plain, text, tables);
    let starts = plain.match_indices(['?', '$']).map(|(at, _)| at);
    let placeholder = |at: usize| {
        let digits = plain[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let mut around: Vec<&Select> = selects.iter().filter(|select| select.within.contains(&at)).collect();
        around.sort_by_key(|select| select.within.len());
        let (mut records, mut hides_next, mut sets) = (Vec::new(), false, Vec::new());
        for select in around {
            let is_named = |alias: &&String| {
                sets.iter().all(|set: &Range<usize>| text[set.clone()].contains(&format!("\"{alias}\".")))
            };
            if !hides_next {
                records.extend(select.records.iter().filter(is_named).cloned());
            }
            hides_next = select.stands == Stands::AsTable;
            if select.stands == Stands::AsIds {
                sets.push(select.within.clone());
            }
        }
        Placeholder { at: at..at + 1 + digits, records }
    };
    starts.map(placeholder).collect()
}

/// The statement with blanks for what is in single quotes, and for parentheses in double quotes.
fn without_texts(text: &str) -> String {
    let mut quote = None;
    let plain = text.bytes().map(|byte| {
        let inside = quote;
        match (quote, byte) {
            (None, b'\'' | b'"') => quote = Some(byte),
            (Some(begun), byte) if byte == begun => quote = None,
            _ => {}
        }
        match inside {
            Some(b'\'') => b' ',
            Some(_) if matches!(byte, b'(' | b')' | b'?' | b'$') => b'_',
            _ if byte.is_ascii() => byte,
            _ => b' ',
        }
    });
    String::from_utf8(plain.collect()).expect("ASCII")
}

/// Every SELECT, with the parts of a UNION apart.
fn selects(plain: &str, text: &str, tables: &[String]) -> Vec<Select> {
    let mut open = vec![(0, Stands::InExpression)];
    let mut found = Vec::new();
    let mut close = |(from, stands): (usize, Stands), to: usize| {
        let starts = at_depth(plain, from..to, "SELECT ");
        for (index, start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(to);
            let within = *start..end;
            found.push(Select { records: records(plain, text, &within, tables), within, stands });
        }
    };
    for (at, byte) in plain.bytes().enumerate() {
        match byte {
            b'(' => {
                let before = plain[..at].trim_end();
                let is_table =
                    ["FROM", "JOIN", "LATERAL", " AS", "MATERIALIZED"].iter().any(|word| before.ends_with(word));
                let stands = match (is_table, before.ends_with("\"id\" IN")) {
                    (true, _) => Stands::AsTable,
                    (false, true) => Stands::AsIds,
                    (false, false) => Stands::InExpression,
                };
                open.push((at + 1, stands));
            }
            b')' => close(open.pop().expect("parentheses match"), at),
            _ => {}
        }
    }
    close(open.pop().expect("parentheses match"), plain.len());
    found
}

/// Where a word is, but not within further parentheses.
fn at_depth(plain: &str, within: Range<usize>, word: &str) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for (offset, byte) in plain[within.clone()].bytes().enumerate() {
        let at = within.start + offset;
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ if depth == 0 && plain[at..within.end].starts_with(word) => found.push(at),
            _ => {}
        }
    }
    found
}

/// Where the parenthesis ends that this is in.
fn closing(plain: &str) -> usize {
    let mut depth = 0_usize;
    let end = plain.bytes().position(|byte| {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => return true,
            b')' => depth -= 1,
            _ => {}
        }
        false
    });
    end.expect("parentheses match")
}

/// The tables of records in the FROM of a SELECT: what a LEFT JOIN adds is looked at with the rights of its own.
fn records(plain: &str, text: &str, within: &Range<usize>, tables: &[String]) -> Vec<String> {
    let mut records = Vec::new();
    // Whole records, under another name.
    for at in at_depth(plain, within.clone(), "FROM (SELECT \"") {
        let inner = at + "FROM (".len();
        let end = inner + closing(&plain[inner..within.end]);
        let mut names = text[inner..end].split('"').skip(1).step_by(2);
        let (of, table) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        let is_whole = text[inner..].starts_with(&format!("SELECT \"{of}\".* FROM \"{table}\""));
        if is_whole && tables.iter().any(|known| known == table) {
            records.extend(text[end..within.end].split('"').nth(1).map(str::to_owned));
        }
    }
    for word in ["FROM \"", "JOIN \""] {
        for at in at_depth(plain, within.clone(), word) {
            if plain[..at].ends_with("LEFT ") {
                continue;
            }
            let mut names = text[at + word.len() - 1..within.end].split('"').skip(1).step_by(2);
            let (table, alias) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
            if tables.iter().any(|known| known == table) {
                records.push(alias.to_owned());
            }
        }
    }
    records
}

#[test]
fn a_placeholder_is_about_the_records_of_the_selects_around_it() {
    let check = |text: &str, expected: &[&[&str]]| {
        let tables = ["item".to_owned(), "part".to_owned()];
        let found: Vec<Vec<String>> = placeholders(text, &tables).into_iter().map(|one| one.records).collect();
        assert_eq!(found, expected, "{text}");
    };
    check(
        r#"SELECT "t1"."id" FROM "item" AS "t1" WHERE "t1"."a" = ? AND '?(' <> "t1"."(?" LIMIT $12"#,
        &[&["t1"], &["t1"]],
    );
    check(
        r#"SELECT ? FROM "item" AS "t1" LEFT JOIN "part" AS "t2" ON ? WHERE EXISTS(SELECT 1 FROM "part" AS "t3" WHERE ?)"#,
        &[&["t1"], &["t1"], &["t3", "t1"]],
    );
    check(
        r#"SELECT (SELECT sum(? + "t3"."v") FROM (SELECT ? AS "v" FROM "part" AS "t2") AS "t3") FROM "item" AS "t1""#,
        &[&["t1"], &["t2", "t1"]],
    );
    check(
        r#"SELECT 1 FROM "item" AS "t1" WHERE "t1"."id" IN (SELECT "t2"."id" FROM "part" AS "t2" WHERE "t2"."a" = ? AND EXISTS(SELECT ?))"#,
        &[&["t2"], &["t2"]],
    );
    check(
        r#"SELECT 1 FROM "item" AS "t1" WHERE "t1"."id" IN (SELECT "t2"."id" FROM "part" AS "t2" WHERE "t2"."a" = "t1"."a" AND ?)"#,
        &[&["t2", "t1"]],
    );
    check(
        r#"SELECT 1 FROM "item" AS "t1" WHERE "t1"."b" IN (SELECT "t2"."id" FROM "part" AS "t2" WHERE ?)"#,
        &[&["t2", "t1"]],
    );
    check(
        r#"SELECT ? FROM (SELECT "t1".* FROM "item" AS "t1" WHERE ? LIMIT 1) AS "t2" WHERE ?"#,
        &[&["t2"], &["t1"], &["t2"]],
    );
    check(r#"SELECT ? FROM "item" AS "t1" UNION ALL SELECT ? FROM "part" AS "t2""#, &[&["t1"], &["t2"]]);
}
