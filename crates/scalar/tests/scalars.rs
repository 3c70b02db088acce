//! Every scalar by its table: what is read is what the table says, whatever writes it; a value in normal form stays as it
//! is; and what is written is read again. The samples of the table are varied, so that no text breaks this.

use std::cmp::Ordering;

use backstay_scalar::{Scalar, Token, Value, write};

const TABLES: &str = include_str!("scalars.md");
/// Variations of each sample.
const VARIATIONS: u32 = 3000;

/// The rows of a table: the scalar, and the other cells without their backticks, none for `-`.
fn rows(heading: &str) -> Vec<(Scalar, Vec<Option<String>>)> {
    let (_, table) = TABLES.split_once(&format!("## {heading}\n")).expect("the table");
    let table = table.split("\n## ").next().expect("the table's end");
    let lines = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines
        .map(|line| {
            let mut cells = line.trim_start_matches("| ").trim_end_matches(" |").split(" | ");
            let name = cells.next().expect("a scalar");
            let cell = |cell: &str| {
                let inner =
                    cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).expect("a cell in backticks");
                Some(inner.to_owned()).filter(|inner| inner != "-")
            };
            (Scalar::named(name).expect("a scalar's name"), cells.map(cell).collect())
        })
        .collect()
}

fn written(value: &Value) -> String {
    let mut out = Vec::new();
    write(&mut out, value);
    String::from_utf8(out).expect("JSON is text")
}

/// What must be true of every value that a scalar has read.
fn holds(scalar: Scalar, value: &Value, from: &str) {
    let name = scalar.name();
    let fitted = scalar.fit(value.clone());
    assert_eq!(fitted.as_ref(), Ok(value), "{name}: what is read of {from:?} is in normal form");
    let text = written(value);
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{name}: {text} of {from:?} is JSON");
    assert_eq!(scalar.read(Token::Json(&text)).as_ref(), Ok(value), "{name}: {text} of {from:?} is read again");
    if let Some(bare) = value.bare() {
        assert_eq!(scalar.read(Token::Bare(&bare)).as_ref(), Ok(value), "{name}: {bare} of {from:?} is read again");
    }
    assert!(matches!(value.order(value), None | Some(Ordering::Equal)), "{name}: {from:?} is as large as itself");
}

#[test]
fn every_scalar_reads_what_its_table_says() {
    for (scalar, cells) in rows("Accepted") {
        let [json, bare, _, _, answer] = cells.as_slice() else { panic!("{cells:?}") };
        let (json, answer) = (json.as_deref().expect("JSON"), answer.as_deref().expect("an answer"));
        let value = scalar.read(Token::Json(json)).unwrap_or_else(|problem| panic!("{json}: {problem}"));
        assert_eq!(written(&value), answer, "{}: {json}", scalar.name());
        holds(scalar, &value, json);
        if let Ok(text) = serde_json::from_str::<String>(json) {
            assert_eq!(scalar.read(Token::Text(&text)).as_ref(), Ok(&value), "{}: {json} as a text", scalar.name());
        }
        if let Some(bare) = bare {
            assert_eq!(scalar.read(Token::Bare(bare)).as_ref(), Ok(&value), "{}: {bare}", scalar.name());
        }
    }
}

#[test]
fn every_scalar_refuses_what_its_table_says() {
    for (scalar, cells) in rows("Refused") {
        let [json, bare] = cells.as_slice() else { panic!("{cells:?}") };
        let json = json.as_deref().expect("JSON");
        assert!(scalar.read(Token::Json(json)).is_err(), "{}: {json}", scalar.name());
        if let Some(bare) = bare {
            assert!(scalar.read(Token::Bare(bare)).is_err(), "{}: {bare}", scalar.name());
        }
    }
}

#[test]
fn the_tables_name_every_scalar() {
    for (heading, least) in [("Accepted", 2), ("Refused", 1)] {
        let rows = rows(heading);
        for scalar in Scalar::ALL {
            let count = rows.iter().filter(|(named, _)| named.name() == scalar.name()).count();
            assert!(count >= least, "{heading}: {} has {count}", scalar.name());
        }
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word ^ (word >> 31)) % end as u64).expect("it is below a usize")
    }
}

/// The text with a few characters changed, doubled, dropped or added.
fn varied(text: &str, numbers: &mut Numbers) -> String {
    const ADDED: [char; 28] = [
        '0', '1', '9', '-', '+', '.', ',', ':', 'e', 'E', 'T', 'Z', 'P', 'M', ' ', '_', '@', '/', '%', '=', 'é', 'ß',
        '\u{0}', '\u{301}', '\u{202e}', '😀', '"', '\\',
    ];
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(characters.len() + 1);
        let added = ADDED[numbers.below(ADDED.len())];
        match numbers.below(5) {
            0 if at < characters.len() => characters[at] = added,
            1 if at < characters.len() => drop(characters.remove(at)),
            2 if at < characters.len() => characters.insert(at, characters[at]),
            3 if at < characters.len() => {
                let other = numbers.below(characters.len());
                characters.swap(at, other);
            }
            _ => characters.insert(at, added),
        }
    }
    characters.into_iter().collect()
}

#[test]
fn what_is_read_is_in_normal_form_and_what_is_written_is_read_again() {
    let mut numbers = Numbers(1);
    let accepted = rows("Accepted").into_iter();
    let samples: Vec<_> = accepted.chain(rows("Refused")).collect();
    let mut read = 0;
    for (scalar, cells) in &samples {
        for text in cells.iter().take(2).flatten() {
            for _ in 0..VARIATIONS {
                let text = varied(text, &mut numbers);
                let mut quoted = Vec::new();
                backstay_scalar::quote(&mut quoted, &text);
                let quoted = String::from_utf8(quoted).expect("JSON is text");
                let mut tokens = vec![Token::Bare(&text), Token::Text(&text), Token::Json(&quoted)];
                if serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|value| !value.is_null()) {
                    tokens.push(Token::Json(&text));
                }
                for token in tokens {
                    if let Ok(value) = scalar.read(token) {
                        holds(*scalar, &value, &text);
                        read += 1;
                    }
                }
                assert_eq!(scalar.read(Token::Text(&text)), scalar.read(Token::Json(&quoted)), "{text:?}");
            }
        }
    }
    assert!(read > 10_000, "only {read} variations are values");
}
