//! Amounts of money at random: the evaluation in memory and both databases give the same answers about the data set.
//! `EXPRESSION_CASES` is how many are tried, and `EXPRESSION_SEED` where the choices start.

use backstay_sql::Dialect;
use backstay_testkit::reference::Random;

use crate::{Databases, Setting, letters, memory, postgres, run, sqlite};

/// Expressions in a run without settings.
const CASES: usize = 400;
const AMOUNTS: [&str; 16] = [
    "cost",
    "money(price, currency)",
    "money(fine, cost.currency)",
    "money(12.345, 'EUR')",
    "money(0.005, currency)",
    "money(7, 'USD')",
    "gross",
    "spent",
    "parts.max(p, p.cost)",
    "parts.min(p, p.cost * p.weight)",
    "parts.sum(p, p.cost)",
    "money(parts.min(p, p.ok ? p.price : 0.05), 'EUR')",
    "money(parts.sum(p, p.price), 'EUR')",
    "parts.first(p, true, [p.weight]).cost",
    "parts.first(p, true, [-p.cost]).cost",
    "parts.first(p, p.weight != 5, [p.state, p.cost * 2]).cost",
];
const NUMBERS: [&str; 8] = ["number", "price", "fine", "2", "-1.5", "0.0001", "$rate", "size(parts)"];
const CONDITIONS: [&str; 4] = ["flag", "number > 0", "state == 'OPEN'", "cost.currency == currency"];
const SIGNS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

struct Writer<'r>(&'r mut Random);

impl Writer<'_> {
    fn one(&mut self, of: &[&'static str]) -> &'static str {
        of[self.0.below(of.len())]
    }

    fn amount(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.one(&AMOUNTS).to_owned();
        }
        let depth = depth - 1;
        match self.0.below(10) {
            0 | 1 => format!("({} + {})", self.amount(depth), self.amount(depth)),
            2 => format!("({} - {})", self.amount(depth), self.amount(depth)),
            3 => format!("({} * {})", self.amount(depth), self.one(&NUMBERS)),
            4 => format!("({} * {})", self.one(&NUMBERS), self.amount(depth)),
            5 => format!("(-{})", self.amount(depth)),
            6 => format!("round({})", self.amount(depth)),
            7 => format!("round({}, {})", self.amount(depth), self.0.below(5)),
            8 => format!("round({} / {})", self.amount(depth), self.one(&NUMBERS)),
            _ => {
                let condition = self.one(&CONDITIONS);
                format!("({condition} ? {} : {})", self.amount(depth), self.amount(depth))
            }
        }
    }

    fn condition(&mut self) -> String {
        let (left, right) = (self.0.below(3), self.0.below(2));
        let (left, right) = (self.amount(left), self.amount(right));
        let sign = self.one(&SIGNS);
        match self.0.below(7) {
            // A parameter takes its type from the other side.
            5 => format!("{left} {sign} $sum"),
            0 => format!("({left}).amount {sign} ({right}).amount"),
            1 => format!("({left}).currency {sign} 'EUR'"),
            2 => format!("round({left} / {right}, 3) {sign} 1"),
            3 => format!("parts.sum(p, p.cost * {}) {sign} {right}", self.one(&NUMBERS)),
            _ => format!("{left} {sign} {right}"),
        }
    }
}

#[test]
fn random_amounts_have_one_truth_everywhere() {
    let (cases, seed) =
        (super::random::setting("EXPRESSION_CASES", CASES), super::random::setting("EXPRESSION_SEED", 1));
    let mut random = Random::seeded(u64::try_from(seed).expect("a seed has at most 64 bits"));
    let setting = Setting::new("money");
    let mut databases =
        Databases { sqlite: sqlite::Sqlite::with(&setting), postgres: postgres::Postgres::with(&setting) };
    let mut known = 0;
    for number in 0..cases {
        let text = Writer(&mut random).condition();
        let checked = setting.compile(&text);
        let in_memory = letters(&setting.data.items, |id| memory::truth(&setting, &checked, id));
        let (_, on_sqlite) = run(&setting, &mut databases.sqlite, &checked, Dialect::Sqlite);
        let (_, on_postgres) = run(&setting, &mut databases.postgres, &checked, Dialect::Postgres);
        assert_eq!(
            (&on_sqlite, &on_postgres),
            (&in_memory, &in_memory),
            "EXPRESSION_SEED={seed} EXPRESSION_CASES={cases}, case {number}: {text}"
        );
        known += usize::from(in_memory.contains(['T', 'F']));
    }
    assert!(known > cases / 3, "only {known} of {cases} say anything");
}
