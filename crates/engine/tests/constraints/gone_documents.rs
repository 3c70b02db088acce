//! What rules tell of records that are gone by references in documents, and by references to records whose ids were given.

use crate::gone::{Rules, ruled, select, shown, shown_changes, true_of};
use crate::support::Served;

const IN_DOCUMENTS_OF_ANOTHER: &Rules = &[
    ("this.team.ds.exists(x, x.x == null)", false, false),
    ("this.team.ds.exists(x, x.x != null)", true, false),
    ("this.team.ds.all(x, x.x == null)", false, false),
    ("!this.team.ds.exists(x, x.x != null)", false, false),
    ("(this.team.ds.exists(x, x.x == null)) == true", false, false),
    ("(this.team.ds.exists(x, x.x == null) ? 1 : 2) == 1", false, false),
    ("this.team.ds.count(x, x.x == null) == 1", false, false),
    ("this.team.ds.count(x, x.x != null) == 0", false, false),
    ("this.team.ds.first(x, x.x == null, [x.s]).s == 'a'", false, false),
    ("this.team.ds.exists(x, x.y == null)", false, false),
    ("this.team.ds.exists(x, x.sub.z == null)", false, false),
    ("this.team.ds.exists(x, x.subs.all(y, y.z == null))", false, false),
    ("this.team.one.x == null", false, false),
    ("this.team.one.y == null", false, false),
    ("this.emptied", false, false),
    ("this.emptyCount == 1", false, false),
    ("this.team.items.exists(i, i.ds.exists(x, x.x == null))", false, false),
    ("!this.team.items.exists(i, i.ds.exists(x, x.x != null))", false, false),
    ("this.team.items.count(i, i.ds.exists(x, x.x != null)) == 0", false, false),
    ("this.team.items.count(i, i.ds.exists(x, x.s == 'a')) == 1", true, true),
    ("this.team.ds.exists(x, x.s == 'a')", true, true),
    ("this.team.ds.all(x, x.s == 'a' || x.x == null)", true, true),
    ("this.team.ds.exists(x, x.subs.exists(y, y.n == 2))", true, true),
    ("this.team.ds.exists(x, x.keeper == null)", false, false),
    ("this.team.ds.exists(x, x.keeper != null)", true, true),
    ("this.team.ds.sum(x, x.n) == 1", true, true),
    ("size(this.team.ds) == 1", true, true),
    ("this.team.one.s == 'a'", true, true),
    ("this.team.one.__typename == 'E'", true, true),
];

/// A deletion empties the references to a record in the documents of others: rules about the record conclude nothing from
/// that, wherever in a document the reference was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_reference_in_a_document_opens_nothing() {
    let rules = true_of(IN_DOCUMENTS_OF_ANOTHER, |_| true);
    let there = true_of(IN_DOCUMENTS_OF_ANOTHER, |rule| rule.1);
    let gone = true_of(IN_DOCUMENTS_OF_ANOTHER, |rule| rule.2);
    let model = |trash: &str| {
        format!(
            r#"
type Team @open {{ ds: [E!] one: Un items: [Item!] @inverse(field: "team") }}
type Item @open {{ team: Team ds: [E!] }}
type E @embedded {{ s: String n: Int x: A y: Target sub: Sub subs: [Sub!] keeper: Keeper }}
type Sub @embedded {{ z: A n: Int }}
type F @embedded {{ m: Int }}
union Un = E | F
union Target = A | Team
type Keeper @open {{ n: Int }}
type A @open @history(read: "true") {trash} {{
  team: Team
  emptied: Boolean @computed(is: "this.team.ds.exists(x, x.x == null)")
  emptyCount: Int @computed(is: "this.team.ds.count(x, x.x == null)")
  {}
}}
"#,
            ruled(&rules)
        )
    };
    let item = r#"{"s":"a","n":1,"x":"%1","y":{"__typename":"A","id":"%1"},"sub":{"z":"%1","n":2},"subs":[{"z":"%1","n":2}],"keeper":"%2"}"#;
    let one = item.replacen('{', r#"{"__typename":"E","#, 1);
    for trash in ["", "@trash"] {
        for mut on in Served::both(&model(trash)) {
            let name = format!("{} {trash}", on.database);
            assert_eq!(on.create("Team", "{}").await, "ok", "{name}");
            assert_eq!(on.create("A", r#"{"team":"%0"}"#).await, "ok", "{name}");
            assert_eq!(on.create("Keeper", "{}").await, "ok", "{name}");
            assert_eq!(on.create("Item", &format!(r#"{{"team":"%0","ds":[{item}]}}"#)).await, "ok", "{name}");
            assert_eq!(on.update("Team", 0, &format!(r#"{{"ds":[{item}],"one":{one}}}"#)).await, "ok", "{name}");
            assert_eq!(shown(&on.list("A", &select(&rules), None).await, &rules), there, "{name}: now");
            assert_eq!(shown_changes(&on.history("A", 1).await, &rules), there, "{name}: history");
            assert_eq!(on.delete("A", 1).await, "ok", "{name}");
            assert_eq!(shown_changes(&on.history("A", 1).await, &rules), gone, "{name}: deleted, history");
            if !trash.is_empty() {
                assert_eq!(shown(&on.trash("A", &select(&rules)).await, &rules), gone, "{name}: trash");
            }
        }
    }
}

/// Each rule with whether it is true while there is the team, and when another one has its id.
const OWN: &Rules = &[
    ("this.team == this.keeper.team", true, false),
    ("this.team != this.keeper.team", false, false),
    ("this.team in [this.keeper.team]", true, false),
    ("this.emb.team == this.keeper.team", true, false),
    ("this.to.Team == this.keeper.team", true, false),
    ("this.one.team == this.keeper.team", true, false),
    ("this.ds.exists(x, x.team == this.keeper.team)", true, false),
    ("this.ds.exists(x, x.subs.exists(y, y.team == this.keeper.team))", true, false),
    ("(this.ds.exists(x, x.team == this.keeper.team)) == true", true, false),
    ("!this.ds.all(x, x.team != this.keeper.team)", true, false),
    ("this.ds.count(x, x.team == this.keeper.team) == 1", true, false),
    ("this.ds.first(x, x.team != null, [x.n]).team == this.keeper.team", true, false),
    ("this.keeper.teams.exists(t, this.ds.exists(x, x.team == t))", true, false),
    ("this.isKept", true, false),
    ("this.ds.exists(x, x.n == 1)", true, true),
    ("this.ds.exists(x, x.n == 1 || x.team == this.keeper.team)", true, true),
    ("this.ds.sum(x, x.n) == 1", true, true),
    ("this.one.n == 1", true, true),
];

/// A document's references lead as little to a record that got the id of a deleted one as a field does, and no reference
/// does because ids can't be given any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_record_with_the_id_of_one_in_a_document_is_another_record() {
    let rules = true_of(OWN, |_| true);
    let (there, succeeded) = (true_of(OWN, |rule| rule.1), true_of(OWN, |rule| rule.2));
    let model = |key: &str| {
        format!(
            r#"
type Team @open {key} {{ n: Int }}
type Keeper @open {{ team: Team teams: [Team!] }}
type E @embedded {{ team: Team n: Int subs: [Sub!] }}
type Sub @embedded {{ team: Team }}
type F @embedded {{ m: Int }}
union Un = E | F
union To = Team | Keeper
type Doc @open @history(read: "true") {{
  keeper: Keeper team: Team emb: Sub to: To one: Un ds: [E!]
  isKept: Boolean @computed(is: "this.ds.exists(x, x.team == this.keeper.team)")
  {}
}}
"#,
            ruled(&rules)
        )
    };
    let team = r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057"}"#;
    for mut on in Served::both(&model("@key(given: true)")) {
        let name = on.database;
        assert_eq!(on.create("Team", team).await, "ok", "{name}");
        assert_eq!(on.create("Keeper", r#"{"team":"%0","teams":["%0"]}"#).await, "ok", "{name}");
        let document = r#"{"keeper":"%1","team":"%0","emb":{"team":"%0"},"to":{"__typename":"Team","id":"%0"},
            "one":{"__typename":"E","team":"%0","n":1},"ds":[{"team":"%0","n":1,"subs":[{"team":"%0"}]}]}"#;
        assert_eq!(on.create("Doc", document).await, "ok", "{name}");
        assert_eq!(shown_changes(&on.history("Doc", 2).await, &rules), there, "{name}: there");
        on.clock.advance("PT1H");
        assert_eq!(on.delete("Doc", 2).await, "ok", "{name}");
        assert_eq!(shown_changes(&on.history("Doc", 2).await, &rules), there, "{name}: the same team");
        assert_eq!(on.delete("Team", 0).await, "ok", "{name}");
        assert_eq!(on.create("Team", team).await, "ok", "{name}");
        assert_eq!(on.update("Keeper", 1, r#"{"team":"%0","teams":["%0"]}"#).await, "ok", "{name}");
        assert_eq!(shown_changes(&on.history("Doc", 2).await, &rules), succeeded, "{name}: another team");
        on.serve(&model(""));
        assert_eq!(shown_changes(&on.history("Doc", 2).await, &rules), succeeded, "{name}: ids are made again");
    }
}

/// A record and what it refers to can have been created in one commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_record_refers_to_what_was_created_with_it() {
    let model = r#"
type Team @open @key(given: true) { n: Int }
type Keeper @open @key(given: true) { team: Team }
type E @embedded { team: Team }
type Doc @open @history(read: "this.team == this.keeper.team && this.ds.exists(x, x.team == this.keeper.team)") {
  keeper: Keeper team: Team ds: [E!] n: Int @allow(read: "this.team != null")
}
"#;
    let (team, keeper) = ("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058");
    for on in Served::both(model) {
        let name = on.database;
        let document = format!(r#"{{"keeper":"{keeper}","team":"{team}","ds":[{{"team":"{team}"}}],"n":1}}"#);
        let requests = vec![
            on.creating("Team", &format!(r#"{{"id":"{team}"}}"#)),
            on.creating("Keeper", &format!(r#"{{"id":"{keeper}","team":"{team}"}}"#)),
            on.creating("Doc", &document),
        ];
        assert_eq!(on.together(requests).await, "ok", "{name}");
        let then = "2026-01-31T12:00:00Z";
        assert_eq!(on.list_as_of("Doc", "n", then, None).await, r#"[{"n":1}]"#, "{name}");
    }
}
