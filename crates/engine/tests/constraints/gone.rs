//! What rules tell of records that are in the trash or were deleted, and of values that a history doesn't keep: nothing
//! becomes true because something isn't there any more.

use serde_json::Value;

use crate::support::{Served, refused};

/// Fields `r0`, `r1`, … of one type, each with one of these rules.
pub(crate) fn ruled(rules: &[&str]) -> String {
    let field = |(at, rule): (usize, &&str)| format!("r{at}: Int @default(to: 1) @allow(read: \"{rule}\")\n");
    rules.iter().enumerate().map(field).collect()
}

/// The rules, of those of the fields `r0`, `r1`, …, whose fields are in the only record of an answer.
pub(crate) fn shown<'r>(answer: &str, rules: &[&'r str]) -> Vec<&'r str> {
    let items: Value = serde_json::from_str(answer).expect("a list");
    let items = items.as_array().expect("a list");
    assert_eq!(items.len(), 1, "{answer}");
    let is_shown = |at: &usize| items[0].get(format!("r{at}")).is_some_and(|value| !value.is_null());
    (0..rules.len()).filter(is_shown).map(|at| rules[at]).collect()
}

/// The rules of those fields whose changes are in a history.
pub(crate) fn shown_changes<'r>(history: &[String], rules: &[&'r str]) -> Vec<&'r str> {
    let is_shown = |at: &usize| history.iter().any(|change| change.contains(&format!("\"r{at}\":")));
    (0..rules.len()).filter(is_shown).map(|at| rules[at]).collect()
}

/// Each rule with whether it is true of the record while it is there, and when it is gone.
pub(crate) type Rules = [(&'static str, bool, bool)];

pub(crate) fn true_of(rules: &Rules, is: impl Fn(&(&'static str, bool, bool)) -> bool) -> Vec<&'static str> {
    rules.iter().filter(|rule| is(rule)).map(|(rule, ..)| *rule).collect()
}

const NOT_KEPT: &Rules = &[
    ("this.pin != null", true, false),
    ("this.pin == null", false, false),
    ("!(this.pin != null)", false, false),
    ("this.pin == null || this.n == 2", true, true),
    ("(this.pin == null ? this.n == 2 : this.n == 3)", false, false),
    ("this.pinned", true, false),
    ("!this.pinned", false, false),
    ("this.safe.code == null", false, false),
    ("this.safe == null", false, false),
    ("this.best == 5", true, false),
    ("this.best == null", false, false),
    ("this.best != 5", false, false),
    ("this.has", true, false),
    ("!this.has", false, false),
    ("this.number == 1", true, true),
];

/// A secret and a stored sum aren't kept: as long as there is the record itself, it is asked; afterwards nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_a_history_does_not_keep_are_unknown() {
    let rules = true_of(NOT_KEPT, |_| true);
    let model = format!(
        r#"
type A @open @history(read: "true") {{
  n: Int @default(to: 2)
  number: Int @default(to: 1)
  pin: String @class(is: SECRET)
  safe: Safe
  best: Int @computed(is: "this.bids.max(b, b.n)", stored: COMMIT)
  has: Boolean @computed(is: "this.best != null")
  pinned: Boolean @computed(is: "this.pin != null") @class(is: SECRET)
  bids: [Bid!] @inverse(field: "a")
  {}
}}
type Safe @embedded {{ code: String @class(is: SECRET) }}
type Bid @open {{ n: Int! a: A! @onDelete(do: CASCADE) }}
"#,
        ruled(&rules)
    );
    let then = "2026-01-31T12:30:00Z";
    let (there, gone) = (true_of(NOT_KEPT, |rule| rule.1), true_of(NOT_KEPT, |rule| rule.2));
    for mut on in Served::both(&model) {
        let name = on.database;
        assert_eq!(on.create("A", r#"{"pin":"1","safe":{"code":"2"}}"#).await, "ok", "{name}");
        assert_eq!(on.create("Bid", r#"{"n":5,"a":"%0"}"#).await, "ok", "{name}");
        on.clock.advance("PT1H");
        let select: Vec<String> = (0..rules.len()).map(|at| format!("r{at}")).collect();
        let select = select.join(",");
        assert_eq!(shown(&on.list("A", &select, None).await, &rules), there, "{name}: now");
        assert_eq!(shown(&on.list_as_of("A", &select, then, None).await, &rules), there, "{name}: then");
        assert_eq!(shown_changes(&on.history("A", 0).await, &rules), there, "{name}: history");
        assert_eq!(on.delete("A", 0).await, "ok", "{name}");
        assert_eq!(shown(&on.list_as_of("A", &select, then, None).await, &rules), gone, "{name}: deleted");
        assert_eq!(shown_changes(&on.history("A", 0).await, &rules), gone, "{name}: deleted, history");
    }
}

const LEADING_ELSEWHERE: &Rules = &[
    ("this.bids.exists(b, b.secret)", true, false),
    ("!this.bids.exists(b, b.secret)", false, false),
    ("this.bids.all(b, !b.secret)", false, false),
    ("size(this.bids) == 0", false, false),
    ("this.bids.count(b, b.secret) < 1", false, false),
    ("this.bids.sum(b, b.n) == null", false, false),
    ("this.isFree", false, false),
    ("!this.notes.exists(n, true)", false, false),
    ("!this.tags.exists(t, t.secret)", false, false),
    ("this.badge.level == null", false, false),
    ("this.badge == null", false, false),
    ("this.group.lockedAt == null", true, true),
    ("this.group.pinned == null", false, false),
    ("this.group.pinned.n != 2", false, false),
    ("this.group.held == 0", false, false),
    ("this.group.members.exists(m, m.name == 'ann')", true, true),
    ("this.group.members.exists(m, m.pinned == null)", false, false),
    ("this.hasAnn", true, true),
    ("!this.group.owned.exists(a, a.n == 2)", false, false),
    ("this.group.members.all(m, m.name == 'bob')", false, false),
    ("(this.n == 2 ? !this.bids.exists(b, b.secret) : true)", false, false),
    ("(this.n == 2 ? this.group.members.exists(m, m.name == 'ann') : false)", true, true),
    ("(!this.bids.exists(b, b.secret)) == true", false, false),
    ("(this.bids.all(b, !b.secret) ? 1 : 2) == 1", false, false),
    ("(this.bids.exists(b, b.secret) ? 1 : 2) == 2", false, false),
    ("((this.bids.exists(b, b.secret) ? 'a' : 'b') == 'a' ? this.n : 0) == 0", false, false),
    ("((this.isFree ? 'a' : 'b') == 'a' ? 1 : 0) == 1", false, false),
    ("!this.group.rooms.exists(r, r.locked)", true, true),
    ("this.group.rooms.all(r, !r.locked)", true, true),
    ("size(this.group.rooms) == 1", true, true),
    ("this.group.rooms.count(r, r.locked) == 0", true, true),
    ("this.group.rooms.count(r, r.host == null) == 1", false, false),
    ("!this.group.rooms.exists(r, r.host != null)", false, false),
    ("size(this.group.members) == 1", true, false),
    ("this.lost.lockedAt == null", false, false),
    ("this.lost.lockedAt != null", true, false),
    ("this.lost.lockedAt == null || this.n == 2", true, true),
    ("this.lost == null", false, false),
    ("this.lost != null", true, true),
    ("this.n == 2", true, true),
];

fn leading_elsewhere(on_type: &str, on_children: &str, lost: &str) -> String {
    let rules = true_of(LEADING_ELSEWHERE, |_| true);
    format!(
        r#"
type Group @open {on_children} {{
  lockedAt: DateTime
  pinned: A @onDelete(do: SET_NULL)
  held: Int @computed(is: "this.owned.count(a, a.n == 2)", stored: COMMIT)
  members: [Member!] @inverse(field: "group")
  owned: [A!] @inverse(field: "group")
  rooms: [Room!] @inverse(field: "group")
}}
type Member @open {{ group: Group! @onDelete(do: CASCADE) name: String! pinned: A @onDelete(do: SET_NULL) }}
type Room @open {{ group: Group! @onDelete(do: RESTRICT) locked: Boolean! host: A @onDelete(do: SET_NULL) }}
type Tag @open {{ secret: Boolean! }}
type A @open {on_type} {{
  n: Int @default(to: 2)
  group: Group! @onDelete(do: CASCADE)
  lost: Group {lost}
  tags: [Tag!]
  bids: [Bid!] @inverse(field: "a")
  notes: [Note!] @inverse(field: "a")
  badge: Badge @inverse(field: "a")
  isFree: Boolean @computed(is: "!this.bids.exists(b, b.secret)")
  hasAnn: Boolean @computed(is: "this.group.members.exists(m, m.name == 'ann')")
  {}
}}
type Bid @open {on_children} {{ a: A! @onDelete(do: CASCADE) secret: Boolean! n: Int }}
type Note @open {{ a: A @onDelete(do: SET_NULL) }}
type Badge @open {on_children} {{ a: A! @unique @onDelete(do: CASCADE) level: Int! }}
"#,
        ruled(&rules)
    )
    // The trash takes what goes with a group, so all of it has one.
    .replace("type Member @open", &format!("type Member @open {on_children}"))
}

/// A record of `A` (`%2`) with everything that refers to it; `%1` is the group that gets lost.
async fn filled(on: &mut Served) {
    for (of, body) in [
        ("Group", "{}"),
        ("Group", r#"{"lockedAt":"2026-01-31T12:00:00Z"}"#),
        ("Tag", r#"{"secret":true}"#),
        ("A", r#"{"group":"%0","lost":"%1","tags":["%2"]}"#),
        ("Bid", r#"{"a":"%3","secret":true,"n":1}"#),
        ("Note", r#"{"a":"%3"}"#),
        ("Badge", r#"{"a":"%3","level":1}"#),
        ("Member", r#"{"group":"%0","name":"ann","pinned":"%3"}"#),
        ("Room", r#"{"group":"%0","locked":false,"host":"%3"}"#),
    ] {
        assert_eq!(on.create(of, body).await, "ok", "{} {of}", on.database);
    }
    assert_eq!(on.update("Group", 0, r#"{"pinned":"%3"}"#).await, "ok");
}

pub(crate) fn select(rules: &[&str]) -> String {
    (0..rules.len()).map(|at| format!("r{at}")).collect::<Vec<_>>().join(",")
}

/// A rule knows a deleted record's own values and finds records that are there. It concludes nothing from what it doesn't
/// find: that may have gone with the record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_opens_no_history() {
    let rules = true_of(LEADING_ELSEWHERE, |_| true);
    let (there, gone) = (true_of(LEADING_ELSEWHERE, |rule| rule.1), true_of(LEADING_ELSEWHERE, |rule| rule.2));
    let model = leading_elsewhere(r#"@history(read: "true")"#, "", "@onDelete(do: SET_NULL)");
    for mut on in Served::both(&model) {
        let name = on.database;
        filled(&mut on).await;
        let then = "2026-01-31T12:30:00Z";
        on.clock.advance("PT1H");
        let select = select(&rules);
        assert_eq!(shown(&on.list("A", &select, None).await, &rules), there, "{name}: now");
        assert_eq!(shown(&on.list_as_of("A", &select, then, None).await, &rules), there, "{name}: then");
        assert_eq!(on.delete("A", 3).await, "ok", "{name}");
        assert_eq!(on.delete("Group", 1).await, "ok", "{name}");
        assert_eq!(shown(&on.list_as_of("A", &select, then, None).await, &rules), gone, "{name}: deleted");
        assert_eq!(shown_changes(&on.history("A", 3).await, &rules), gone, "{name}: history");
    }
}

/// In the trash the same holds; links stay there, and lead to what is live.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trash_shows_no_more_than_before() {
    let rules = true_of(LEADING_ELSEWHERE, |_| true);
    let (there, gone) = (true_of(LEADING_ELSEWHERE, |rule| rule.1), true_of(LEADING_ELSEWHERE, |rule| rule.2));
    let model = leading_elsewhere("@trash", "@trash", "@onDelete(do: CASCADE)");
    for mut on in Served::both(&model) {
        let name = on.database;
        filled(&mut on).await;
        on.clock.advance("PT1H");
        let select = select(&rules);
        assert_eq!(shown(&on.list("A", &select, None).await, &rules), there, "{name}: now");
        assert_eq!(on.delete("A", 3).await, "ok", "{name}");
        on.clock.advance("PT1H");
        assert_eq!(on.delete("Group", 1).await, "ok", "{name}");
        assert_eq!(shown(&on.trash("A", &select).await, &rules), gone, "{name}: in the trash");
    }
}

/// What hides a whole record hides it when it is gone, from reading, restoring and purging.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_was_hidden_stays_hidden() {
    let model = r#"
type P @open @trash { name: String }
type A @allow(read: "!this.bids.exists(b, b.secret)", create: "true", update: "true", delete: "true") @trash
  @history(read: "!this.bids.exists(b, b.secret)") {
  p: P @onDelete(do: CASCADE)
  tags: [Tag!]
  bids: [Bid!] @inverse(field: "a")
}
type Bid @open @trash { a: A! @onDelete(do: CASCADE) secret: Boolean! }
type Tag @open { open: Boolean! }
type B @open @history(read: "this.tags.all(t, t.open)") { tags: [Tag!] }
type C @allow(read: "this.tags.exists(t, t.open)", create: "true", delete: "this.isOpen") @trash {
  tags: [Tag!]
  isOpen: Boolean @computed(is: "(this.version > 0 ? this.tags.exists(t, t.open) : true)")
}
"#;
    for mut on in Served::both(model) {
        let name = on.database;
        for (of, body) in [
            ("P", "{}"),
            ("A", r#"{"p":"%0"}"#),
            ("Bid", r#"{"a":"%1","secret":true}"#),
            ("Tag", r#"{"open":false}"#),
            ("B", r#"{"tags":["%3"]}"#),
            ("Tag", r#"{"open":true}"#),
            ("C", r#"{"tags":["%5"]}"#),
        ] {
            assert_eq!(on.create(of, body).await, "ok", "{name} {of}");
        }
        let then = "2026-01-31T12:30:00Z";
        on.clock.advance("PT1H");
        assert_eq!(on.history("A", 1).await, ["not-found"], "{name}");
        assert_eq!(on.history("B", 4).await, ["not-found"], "{name}");
        assert_eq!(on.delete("A", 1).await, "not-found", "{name}");
        assert_eq!(on.delete("P", 0).await, "ok", "{name}");
        assert_eq!(on.trash("A", "id").await, "[]", "{name}");
        assert_eq!(on.restore("A", 1).await, "not-found", "{name}");
        assert_eq!(on.purge("A", 1).await, "not-found", "{name}");
        assert_eq!(on.history("A", 1).await, ["not-found"], "{name}");
        assert_eq!(on.list_as_of("A", "id", then, None).await, "[]", "{name}");
        assert_eq!(on.delete("B", 4).await, "ok", "{name}");
        assert_eq!(on.history("B", 4).await, ["not-found"], "{name}");
        assert_eq!(on.list_as_of("B", "id", then, None).await, "[]", "{name}");
        let explained = on.explained(on.reading_history("B", 4)).await;
        assert_eq!(explained.rules[0].answer, "unknown", "{name}: {explained:?}");
        assert_eq!(on.delete("C", 6).await, "ok", "{name}");
        assert_eq!(on.trash("C", "id").await, r#"[{"id":"%6"}]"#, "{name}: links in the trash lead to what is live");
        assert_eq!(on.restore("C", 6).await, "ok", "{name}");
    }
}

/// A restore that is refused because of references that its caller doesn't see doesn't tell how many there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_references_are_not_counted() {
    let model = r#"
type Case @open @trash { name: String }
type Boss @allow(read: "this.free", refer: "this.free", create: "true", update: "true") { free: Boolean! }
type D @open @trash {
  case: Case @onDelete(do: CASCADE)
  one: Boss @allow(read: "false")
  other: Boss @allow(read: "false")
}
"#;
    for mut on in Served::both(model) {
        let name = on.database;
        for (of, body) in [
            ("Case", "{}"),
            ("Boss", r#"{"free":true}"#),
            ("Boss", r#"{"free":true}"#),
            ("D", r#"{"one":"%1","other":"%2"}"#),
            ("D", r#"{"case":"%0","one":"%1","other":"%2"}"#),
        ] {
            assert_eq!(on.create(of, body).await, "ok", "{name} {of}");
        }
        for boss in [1, 2] {
            assert_eq!(on.update("Boss", boss, r#"{"free":false}"#).await, "ok", "{name}");
        }
        let refused = r#"invalid-values:  Reference { collection: "Boss", by: "id" }"#;
        assert_eq!(on.delete("D", 3).await, "ok", "{name}");
        assert_eq!(on.restore("D", 3).await, refused, "{name}");
        assert_eq!(on.delete("Case", 0).await, "ok", "{name}");
        assert_eq!(on.restore("Case", 0).await, refused, "{name}: with another record");
    }
}

/// Who creates a record with the id of a deleted one gets nothing of what referred to that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_record_with_the_same_id_is_another_record() {
    let model = r#"
type Team @open @key(given: true) { open: Boolean! docs: [Doc!] @inverse(field: "team") members: [Member!] @inverse(field: "team") }
type Member @open { team: Team! @onDelete(do: CASCADE) name: String! }
type Doc @open @history(read: "this.team.members.exists(m, m.name == 'eve') || this.team.open") {
  title: String! team: Team! @onDelete(do: CASCADE)
}
type Own @open @history(read: "this.team.id == '01890a5d-ac96-774b-bcce-b302099a8057'") { title: String! team: Team }
"#;
    let team = |open: bool| format!(r#"{{"id":"01890a5d-ac96-774b-bcce-b302099a8057","open":{open}}}"#);
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Team", &team(false)).await, "ok", "{name}");
        assert_eq!(on.create("Doc", r#"{"title":"x","team":"%0"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Own", r#"{"title":"x","team":"%0"}"#).await, "ok", "{name}");
        let then = "2026-01-31T12:30:00Z";
        on.clock.advance("PT1H");
        assert_eq!(on.delete("Own", 2).await, "ok", "{name}");
        assert_eq!(on.list_as_of("Own", "title", then, None).await, r#"[{"title":"x"}]"#, "{name}: the same team");
        // A deletion and a new record in one commit have one moment.
        let again = vec![on.deleting("Team", 0), on.creating("Team", &team(true))];
        assert_eq!(on.together(again).await, "ok", "{name}");
        assert_eq!(on.create("Member", r#"{"team":"%0","name":"eve"}"#).await, "ok", "{name}");
        assert_eq!(on.history("Doc", 1).await, ["not-found"], "{name}");
        assert_eq!(on.list_as_of("Doc", "title", then, None).await, "[]", "{name}");
        assert_eq!(on.list_as_of("Own", "title", then, None).await, "[]", "{name}: another team");
    }
}

/// A rule of a history, or of a field in one, can lead on to a type that has more fields.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_leads_to_a_type_with_more_fields() {
    let model = r#"
type User @identity @open { email: Email! @unique }
type Project @open { a: Int b: Int c: Int d: Int e: Int f: Int lead: User open: Boolean }
type Task @open @history(read: "this.project.open") { project: Project }
type Note @open @history(read: "true") { project: Project n: Int @allow(read: "this.project.open && this.n > 0") }
"#;
    for mut on in Served::both(model) {
        let name = on.database;
        for (of, body) in
            [("Project", r#"{"open":true}"#), ("Task", r#"{"project":"%0"}"#), ("Note", r#"{"project":"%0","n":1}"#)]
        {
            assert_eq!(on.create(of, body).await, "ok", "{name} {of}");
        }
        assert_eq!(on.history("Task", 1).await.len(), 1, "{name}");
        assert!(on.history("Note", 2).await[0].contains("\"n\":"), "{name}");
        assert_eq!(on.update("Project", 0, r#"{"open":false}"#).await, "ok", "{name}");
        assert_eq!(on.history("Task", 1).await, ["not-found"], "{name}");
        assert!(!on.history("Note", 2).await[0].contains("\"n\":"), "{name}");
    }
}

/// A history that nobody could read once the record is deleted is refused.
#[test]
fn the_rule_of_a_history_names_what_is_kept() {
    let check = |rule: &str, expected: &str| {
        let model = format!(
            r#"type A @open @history(read: "{rule}") {{
              t: String pin: String @class(is: SECRET) n: Int
              pinned: Boolean @computed(is: "this.pin != null") @class(is: SECRET)
              best: Int @computed(is: "this.bids.max(b, b.n)", stored: COMMIT) bids: [Bid!] @inverse(field: "a")
            }}
            type Bid @open {{ n: Int! a: A @onDelete(do: CASCADE) }}"#
        );
        let found = refused(&model);
        match expected {
            "" => assert_eq!(found, "", "{rule}"),
            expected => assert!(found.contains(expected), "{rule}: {found}"),
        }
    };
    check("this.pin == null", "a history doesn't keep the secret `pin`, which the rule names");
    check("this.pin != null && this.n == 1", "a history doesn't keep the secret `pin`, which the rule names");
    check("this.pinned", "a history doesn't keep the secret `pin`, which the rule names");
    check("this.best == null", "a history doesn't keep the stored sum `best`, which the rule names");
    check("this.t == null && this.n == 1", "");
}
