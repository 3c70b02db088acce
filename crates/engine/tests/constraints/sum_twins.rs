//! Stored sums beside what they are when they are computed, after random writes.

use backstay_testkit::reference::Random;
use serde_json::Value;

use crate::support::Served;

/// Every kind of sum, each beside what it is when it is computed.
const TWINS: &str = r#"
enum Mood { GOOD BAD }
type Top @open @trash {
  total: Int @computed(is: "this.groups.sum(g, g.total)", stored: COMMIT)
  total2: Int @computed(is: "this.groups.sum(g, g.total)", rights: MODEL)
  best: Int @computed(is: "this.groups.max(g, g.most)", stored: COMMIT)
  best2: Int @computed(is: "this.groups.max(g, g.most)", rights: MODEL)
  groups: [Group!] @inverse(field: "top")
}
type Group @open @trash {
  top: Top @onDelete(do: CASCADE)
  total: Int @computed(is: "this.items.sum(i, i.n)", stored: COMMIT)
  total2: Int @computed(is: "this.items.sum(i, i.n)", rights: MODEL)
  priced: Decimal @precision(digits: 15, scale: 3) @computed(is: "this.items.sum(i, i.mood == 'GOOD' ? i.price * i.n : 0.0)", stored: COMMIT)
  priced2: Decimal @precision(digits: 15, scale: 3) @computed(is: "this.items.sum(i, i.mood == 'GOOD' ? i.price * i.n : 0.0)", rights: MODEL)
  good: Int @computed(is: "this.items.count(i, i.mood == 'GOOD')", stored: COMMIT)
  good2: Int @computed(is: "this.items.count(i, i.mood == 'GOOD')", rights: MODEL)
  most: Int @computed(is: "this.items.max(i, i.n)", stored: COMMIT)
  most2: Int @computed(is: "this.items.max(i, i.n)", rights: MODEL)
  first: DateTime @computed(is: "this.items.min(i, i.createdAt)", stored: COMMIT)
  first2: DateTime @computed(is: "this.items.min(i, i.createdAt)", rights: MODEL)
  some: Boolean @computed(is: "this.items.exists(i, i.n > 5)", stored: COMMIT)
  some2: Boolean @computed(is: "this.items.exists(i, i.n > 5)", rights: MODEL)
  others: Int @computed(is: "size(this.away)", stored: COMMIT)
  others2: Int @computed(is: "size(this.away)", rights: MODEL)
  items: [Item!] @inverse(field: "group")
  away: [Item!] @inverse(field: "other")
}
type Item @open @trash {
  group: Group @onDelete(do: CASCADE)
  other: Group @onDelete(do: SET_NULL)
  n: Int
  price: Decimal @precision(digits: 8, scale: 3)
  mood: Mood
}"#;

/// The sums that aren't what they are when they are computed.
async fn differing(on: &Served) -> Vec<String> {
    let mut found = on.differing_sums().await;
    for (of, names) in [("Top", "total,best"), ("Group", "total,priced,good,most,first,some,others")] {
        let twins: Vec<String> = names.split(',').map(|name| format!("{name},{name}2")).collect();
        let listed: Value = serde_json::from_str(&on.list(of, &twins.join(","), None).await).expect("a list");
        for record in listed.as_array().expect("a list") {
            let differs = |name: &&str| record[*name] != record[format!("{name}2")];
            found.extend(names.split(',').filter(differs).map(|name| format!("{of}.{name}: {record}")));
        }
    }
    found
}

/// Writes at random.
struct Writer {
    random: Random,
    /// The types of all records, in the order in which they were made.
    made: Vec<&'static str>,
}

impl Writer {
    /// One of these, or nothing in so many of a hundred cases.
    fn or_null(&mut self, percent: usize, value: String) -> String {
        if self.random.chance(percent) { "null".to_owned() } else { value }
    }

    /// A reference to a record of a type.
    fn reference(&mut self, of: &str) -> String {
        let all: Vec<usize> = (0..self.made.len()).filter(|at| self.made[*at] == of).collect();
        if all.is_empty() {
            return "null".to_owned();
        }
        let one = format!("\"%{}\"", self.random.pick(&all));
        self.or_null(10, one)
    }

    fn group(&mut self) -> String {
        format!(r#"{{"top":{}}}"#, self.reference("Top"))
    }

    fn item(&mut self) -> String {
        let (group, other) = (self.reference("Group"), self.reference("Group"));
        let (n, price) = (self.random.below(9), self.random.below(50_000));
        let n = self.or_null(15, n.to_string());
        let price = self.or_null(8, format!("\"{}.{:03}\"", price / 1000, price % 1000));
        let mood = *self.random.pick(&["null", "\"GOOD\"", "\"BAD\""]);
        format!(r#"{{"group":{group},"other":{other},"n":{n},"price":{price},"mood":{mood}}}"#)
    }

    /// Writes something, and tells what came of it.
    async fn write(&mut self, on: &mut Served) -> String {
        let number = self.random.below(self.made.len());
        let of = self.made[number];
        match (self.random.below(10), of) {
            (0, _) => self.make(on, "Group").await,
            (4..=6, "Item") => on.update("Item", number, &self.item()).await,
            (4..=6, "Group") => on.update("Group", number, &self.group()).await,
            (7, _) => on.delete(of, number).await,
            (8, _) => on.restore(of, number).await,
            (9, _) if self.random.chance(30) => on.purge(of, number).await,
            _ => self.make(on, "Item").await,
        }
    }

    async fn make(&mut self, on: &mut Served, of: &'static str) -> String {
        let body = if of == "Group" { self.group() } else { self.item() };
        let did = on.create(of, &body).await;
        if did == "ok" {
            self.made.push(of);
        }
        did
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_are_what_they_are_when_they_are_computed() {
    for mut on in Served::both(TWINS) {
        let name = on.database;
        assert_eq!(on.create("Top", "[{},{}]").await, "ok", "{name}");
        let mut writer = Writer { random: Random::seeded(20), made: vec!["Top", "Top"] };
        for step in 0..260 {
            let did = writer.write(&mut on).await;
            assert_eq!(differing(&on).await, Vec::<String>::new(), "{name}, step {step}: {did}");
        }
    }
}
