//! `@history`: every way to change a record, on both databases.

use crate::support::Served;

const MODEL: &str = r#"
enum State { DRAFT @initial @to(state: "DONE", set: [{field: "done", to: "now"}]) DONE }
type Team @open @history(read: "true") {
  name: String! @unique
  parent: Team @onDelete(do: SET_NULL)
  points: Int @computed(is: "sum(this.players, this.players.points)", stored: COMMIT)
  players: [Player!] @inverse(field: "team")
}
type Player @open @history(read: "true") {
  team: Team! @onDelete(do: CASCADE)
  points: Int! @default(to: 0)
  state: State!
  done: DateTime @readonly
  tags: [String!]
  more: JSON
  home: Home
  parts: [Home!]
  secret: String @class(is: SECRET)
  friends: [Team!]
  double: Int @computed(is: "this.points * 2")
}
type Home @embedded { city: String zip: Int }
union Owner = Team | Player
type Bag @open @trash @history(read: "true") { text: String player: Player @onDelete(do: SET_NULL) owner: Owner }
"#;

fn model() -> String {
    MODEL.replace("sum(this.players, this.players.points)", "this.players.sum(p, p.points)")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_of_a_row_is_a_version() {
    for mut on in Served::both(&model()) {
        let name = on.database;
        assert_eq!(on.create("Team", r#"{"name":"A"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Team", r#"{"name":"B","parent":"%0"}"#).await, "ok", "{name}");
        let player = r#"{"team":"%0","points":3,"tags":["x","y"],"more":{"a":1},"home":{"city":"Bern"},
                         "parts":[{"city":"Bern"},{"zip":1}],"secret":"s","friends":["%1"]}"#;
        assert_eq!(on.create("Player", player).await, "ok", "{name}");
        assert_eq!(
            on.history("Player", 2).await,
            [
                r#"1 create {"home.city":{"new":"Bern","old":null},"more":{"new":{"a":1},"old":null},"parts":{"new":[{"city":"Bern","zip":null},{"city":null,"zip":1}],"old":null},"points":{"new":3,"old":null},"state":{"new":"DRAFT","old":null},"tags":{"new":["x","y"],"old":null},"team":{"new":"%0","old":null}}"#
            ],
            "{name}"
        );
        // A stored sum follows without a version of its own.
        assert_eq!(on.history("Team", 0).await, [r#"1 create {"name":{"new":"A","old":null}}"#], "{name}");

        on.clock.advance("PT1H");
        assert_eq!(on.update("Player", 2, r#"{"state":"DONE","tags":[],"home":null,"more":null}"#).await, "ok");
        assert_eq!(on.update("Player", 2, r#"{"friends":[],"secret":"t"}"#).await, "ok", "{name}");
        let history = on.history("Player", 2).await;
        assert_eq!(history[0], "3 update {}", "{name}: links and secrets aren't kept");
        let done = r#"{"done":{"new":"2026-01-31T13:00:00.000000Z","old":null},"home.city":{"new":null,"old":"Bern"},"more":{"new":null,"old":{"a":1}},"state":{"new":"DONE","old":"DRAFT"},"tags":{"new":[],"old":["x","y"]}}"#;
        assert_eq!(history[1], format!("2 update {done}"), "{name}");

        let bag = r#"{"text":"x","player":"%2","owner":{"__typename":"Team","id":"%1"}}"#;
        assert_eq!(on.create("Bag", bag).await, "ok", "{name}");
        let created = r#"1 create {"owner.Team":{"new":"%1","old":null},"player":{"new":"%2","old":null},"text":{"new":"x","old":null}}"#;
        assert_eq!(on.history("Bag", 3).await, [created], "{name}");
        on.clock.advance("PT1H");
        assert_eq!(on.delete("Team", 0).await, "ok", "{name}");
        // Records deleted with another one, and records whose reference to it is emptied.
        assert_eq!(on.history("Team", 0).await[0], "2 delete {}", "{name}");
        assert_eq!(on.history("Player", 2).await[0], "4 delete {}", "{name}");
        assert_eq!(on.history("Team", 1).await[0], r#"2 update {"parent":{"new":null,"old":"%0"}}"#, "{name}");
        assert_eq!(on.history("Bag", 3).await[0], r#"2 update {"player":{"new":null,"old":"%2"}}"#, "{name}");

        on.clock.advance("PT1H");
        assert_eq!(on.delete("Bag", 3).await, "ok", "{name}");
        assert_eq!(on.history("Bag", 3).await[0], "3 delete {}", "{name}");
        on.clock.advance("PT1H");
        assert_eq!(on.restore("Bag", 3).await, "ok", "{name}");
        assert_eq!(on.history("Bag", 3).await[0], "4 restore {}", "{name}");

        let points = async |moment: &str, filter: Option<&str>| {
            on.list_as_of("Player", "points,state,tags,home{city},more,parts", moment, filter).await
        };
        let first = r#"[{"home":{"city":"Bern"},"more":{"a":1},"parts":[{"city":"Bern","zip":null},{"city":null,"zip":1}],"points":3,"state":"DRAFT","tags":["x","y"]}]"#;
        let later = r#"[{"home":null,"more":null,"parts":[{"city":"Bern","zip":null},{"city":null,"zip":1}],"points":3,"state":"DONE","tags":[]}]"#;
        assert_eq!(points("2026-01-31T12:30:00Z", None).await, first, "{name}");
        assert_eq!(points("2026-01-31T12:30:00Z", Some("state < 'DONE' && 'x' in tags")).await, first, "{name}");
        assert_eq!(points("2026-01-31T12:30:00Z", Some("home.city != 'Bern'")).await, "[]", "{name}");
        assert_eq!(points("2026-01-31T13:30:00Z", None).await, later, "{name}");
        assert_eq!(points("2026-01-31T14:30:00Z", None).await, "[]", "{name}");
        let bags = async |moment: &str| on.list_as_of("Bag", "owner,trashedAt", moment, None).await;
        let bag = r#"[{"owner":{"__typename":"Team","id":"%1"},"trashedAt":null}]"#;
        assert_eq!(bags("2026-01-31T14:30:00Z").await, bag, "{name}");
        assert_eq!(bags("2026-01-31T15:30:00Z").await, "[]", "{name}");
        assert_eq!(bags("2026-01-31T16:30:00Z").await, bag, "{name}");
        assert_eq!(on.delete("Bag", 3).await, "ok", "{name}");
        assert_eq!(on.purge("Bag", 3).await, "ok", "{name}");
        assert_eq!(on.history("Bag", 3).await, ["not-found"], "{name}");
        assert_eq!(on.list_as_of("Bag", "text", "2026-01-31T14:30:00Z", None).await, "[]", "{name}");
    }
}

/// What a field's rule hid of a version stays hidden when the record is shown: its parts about the record's own fields are
/// asked of the version too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_is_hidden_in_the_versions_that_hid_it() {
    let model = r#"
type Draft @open @history(read: "true") {
  shown: Boolean!
  text: String @allow(read: "this.shown")
  more: More @allow(read: "this.isShown && size(this.notes) == 0")
  rank: Int @allow(read: "this.shown || size(this.notes) == 0")
  isShown: Boolean @computed(is: "this.shown")
  notes: [Note!] @inverse(field: "draft")
}
type More @embedded { text: String }
type Note @open { draft: Draft! }
"#;
    let past = async |on: &Served, moment: &str, filter: Option<&str>| {
        on.list_as_of("Draft", "text,more,rank", moment, filter).await
    };
    for mut on in Served::both(model) {
        let name = on.database;
        let draft = r#"{"shown":false,"text":"a secret draft","more":{"text":"more secrets"},"rank":1}"#;
        assert_eq!(on.create("Draft", draft).await, "ok", "{name}");
        on.clock.advance("PT1H");
        let clean = r#"{"shown":true,"text":"clean","more":{"text":"clean"},"rank":2}"#;
        assert_eq!(on.update("Draft", 0, clean).await, "ok", "{name}");
        on.clock.advance("PT1H");
        assert_eq!(on.update("Draft", 0, r#"{"text":"cleaner"}"#).await, "ok", "{name}");
        let changes = [
            r#"3 update {"text":{"new":"cleaner","old":"clean"}}"#,
            r#"2 update {"more.text":{"new":"clean"},"rank":{"new":2,"old":1},"shown":{"new":true,"old":false},"text":{"new":"clean"}}"#,
            r#"1 create {"rank":{"new":1,"old":null},"shown":{"new":false,"old":null}}"#,
        ];
        assert_eq!(on.history("Draft", 0).await, changes, "{name}");
        let (first, second) = ("2026-01-31T12:30:00Z", "2026-01-31T13:30:00Z");
        assert_eq!(past(&on, first, None).await, r#"[{"rank":1}]"#, "{name}");
        assert_eq!(past(&on, first, Some("text == 'a secret draft'")).await, "[]", "{name}");
        let clean = r#"[{"more":{"text":"clean"},"rank":2,"text":"clean"}]"#;
        assert_eq!(past(&on, second, Some("text == 'clean'")).await, clean, "{name}");
        assert_eq!(on.delete("Draft", 0).await, "ok", "{name}");
        assert_eq!(past(&on, first, None).await, r#"[{"rank":1}]"#, "{name}");
        let known = r#"[{"rank":2,"text":"clean"}]"#;
        assert_eq!(past(&on, second, None).await, known, "{name}: nobody knows about its notes");
    }
}

/// Rules are asked about the record as it is now, whatever they follow; a value that is hidden now is hidden then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_about_the_present() {
    let model = r#"
type Group @open { open: Boolean! posts: [Post!] @inverse(field: "group") members: [Member!] @inverse(field: "group") }
type Member @open { group: Group! name: String! }
type Post @open @history(read: "this.group.open && !this.secret && size(this.group.members) > 0") {
  title: String! @allow(read: "this.shown")
  group: Group!
  secret: Boolean! @default(to: false)
  shown: Boolean! @default(to: true)
  note: Note
  rank: Int @allow(read: "this.group.open == false")
}
type Note @embedded { text: String }
"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("Group", r#"{"open":true}"#).await, "ok");
        assert_eq!(on.create("Group", r#"{"open":false}"#).await, "ok");
        assert_eq!(on.create("Member", r#"{"group":"%0","name":"a"}"#).await, "ok");
        for title in ["a", "b", "c", "d"] {
            let body = format!(r#"{{"group":"%0","title":"{title}","note":{{"text":"{title}"}},"rank":1}}"#);
            assert_eq!(on.create("Post", &body).await, "ok", "{name}");
        }
        on.clock.advance("PT1H");
        assert_eq!(on.update("Post", 3, r#"{"group":"%1"}"#).await, "ok");
        assert_eq!(on.update("Post", 4, r#"{"secret":true}"#).await, "ok");
        assert_eq!(on.update("Post", 5, r#"{"shown":false,"title":"z"}"#).await, "ok");
        let then = "2026-01-31T12:30:00Z";
        let list = async |select: &str, filter: Option<&str>| on.list_as_of("Post", select, then, filter).await;
        assert_eq!(
            list("title,note{text}", None).await,
            r#"[{"note":{"text":"c"}},{"note":{"text":"d"},"title":"d"}]"#
        );
        assert_eq!(list("id", Some("title == 'c'")).await, "[]", "{name}: not by the value it had");
        assert_eq!(list("id", Some("title == 'd'")).await, r#"[{"id":"%6"}]"#, "{name}");
        assert_eq!(list("rank", Some("rank == 1 || title == 'd'")).await, "[{}]", "{name}");
        for hidden in [3, 4] {
            assert_eq!(on.history("Post", hidden).await, ["not-found"], "{name}");
        }
        assert_eq!(on.history("Post", 5).await[0], r#"2 update {"shown":{"new":false,"old":true}}"#, "{name}");
        assert_eq!(on.delete("Post", 6).await, "ok");
        assert_eq!(on.history("Post", 6).await[0], "2 delete {}", "{name}: by what it was last");
    }
}
