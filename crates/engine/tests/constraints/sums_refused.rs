//! What can't be a stored sum.

use std::fmt::Write as _;

use crate::support::refused;

/// What is wrong with a stored sum of this type, and what to do about it.
fn told(ty: &str, is: &str) -> String {
    let model = format!(
        r#"
enum Mood {{ GOOD BAD }}
enum Size {{ LARGE SMALL }}
type Group @open {{
  rate: Int
  name: String
  area: Area
  x: {ty} @computed(is: "{is}", stored: COMMIT)
  count: Int @computed(is: "size(this.items)")
  items: [Item!] @inverse(field: "group")
  tags: [Tag!]
}}
type Area @open {{ groups: [Group!] @inverse(field: "area") }}
type Tag @open {{ name: String }}
type Item @open {{
  group: Group
  n: Int!
  f: Float
  d: Decimal @precision(digits: 8, scale: 3)
  m: Money
  mood: Mood
  size: Size
  double: Int @computed(is: "this.n * 2")
  secret: Int @class(is: SECRET)
  parts: [Part!] @inverse(field: "item")
  label: Label @inverse(field: "item")
}}
type Label @open {{ item: Item @unique }}
type Part @open {{ item: Item }}"#
    );
    let refused = refused(&model);
    let line =
        |start: &str| refused.lines().find(|line| line.trim_start().starts_with(start)).unwrap_or_default().trim();
    format!("{} / {}", line("× error:"), line("help:"))
}

#[test]
fn what_is_no_stored_sum_is_refused() {
    let decimal = "Decimal @precision(digits: 9, scale: 2)";
    let cases = [
        ("Int", "size(this.items) + 1"),
        ("Int", "this.items.first(i, true).n"),
        ("Int", "this.rate"),
        ("Boolean", "this.items.all(i, i.n > 1)"),
        ("Int", "size(this.tags)"),
        ("Int", "size(this.area.groups)"),
        ("Int", "size(this.name)"),
        ("Int", "this.items.sum(i, i.n * this.rate)"),
        ("Int", "this.items.count(i, i.group.rate > 1)"),
        ("Int", "this.items.count(i, i.createdAt < now)"),
        ("Int", "this.items.count(i, auth.id != null)"),
        ("Int", "this.items.count(i, i.parts.exists(p, true))"),
        ("Int", "this.items.count(i, i.label != null)"),
        ("Int", "this.items.sum(i, i.double)"),
        ("Int", "this.items.sum(i, size(i.parts))"),
        ("Float", "this.items.sum(i, i.f)"),
        ("Money", "this.items.sum(i, i.m)"),
        ("Mood", "this.items.max(i, i.mood)"),
        ("Int", "this.items.count(i, i.mood > 'GOOD')"),
        ("Int", "this.items.count(i, i.size >= 'LARGE')"),
        (decimal, "this.items.sum(i, i.d)"),
        (decimal, "this.items.sum(i, i.d * i.d)"),
        (decimal, "this.items.sum(i, i.m.amount)"),
        ("Int", "this.items.sum(i, i.secret)"),
        ("String", "this.items.sum(i, i.n)"),
    ];
    let mut all = String::new();
    for (ty, is) in cases {
        writeln!(all, "{ty}: {is}\n  {}", told(ty, is)).expect("it is written");
    }
    insta::assert_snapshot!(all);
    for (ty, is) in [
        (decimal, "this.items.sum(i, round(i.d, 2))"),
        (decimal, "this.items.sum(i, i.mood == 'GOOD' ? round(i.d / 3, 2) : 0.5)"),
        ("Decimal @precision(digits: 9, scale: 6)", "this.items.sum(i, i.d * i.d - i.d)"),
        ("Float", "this.items.max(i, i.f)"),
        ("DateTime", "this.items.min(i, i.createdAt)"),
    ] {
        assert_eq!(told(ty, is), " / ", "{ty}: {is}");
    }
}

#[test]
fn sums_in_a_circle_and_unique_ones_are_refused() {
    insta::assert_snapshot!(refused(
        r#"
type A @open {
  b: B
  n: Int @computed(is: "this.bs.sum(b, b.n)", stored: COMMIT)
  bs: [B!] @inverse(field: "a")
}
type B @open {
  a: A
  n: Int @computed(is: "this.as.sum(a, a.n)", stored: COMMIT)
  as: [A!] @inverse(field: "b")
}"#
    ));
    insta::assert_snapshot!(refused(
        r#"
type Node @open @unique(fields: ["name"], where: "this.below > 0") {
  name: String
  above: Node
  nodes: [Node!] @inverse(field: "above")
  below: Int @computed(is: "size(this.nodes)", stored: COMMIT)
}"#
    ));
    insta::assert_snapshot!(refused(
        r#"
type Node @open {
  above: Node
  nodes: [Node!] @inverse(field: "above")
  below: Int @computed(is: "this.nodes.sum(n, n.below)", stored: COMMIT)
}"#
    ));
}

/// The records below one in a tree aren't members that refer to it.
#[test]
fn a_stored_sum_over_a_branch_is_refused() {
    for relation in ["descendants", "ancestors"] {
        let is = format!("this.{relation}.sum(p, p.n)");
        let model = |stored: &str| {
            format!(
                r#"type P @open @tree(parent: "above") {{
                n: Int above: P below: [P!] @inverse(field: "above") x: Int @computed(is: "{is}"{stored}) }}"#
            )
        };
        assert_eq!(refused(&model("")), "", "{relation}");
        let told = refused(&model(", stored: COMMIT"));
        assert!(told.contains(&format!("can't aggregate `{relation}`")) && told.contains("remove `stored:`"), "{told}");
    }
}
