//! `@unique(where:, nulls:)` and `@index(where:)`.

use backstay_base::Caller;

use crate::support::{Served, documented, refused};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_unique_among_the_records_of_a_condition() {
    let model = r#"
enum State { DRAFT LIVE }
type Page @open @unique(fields: ["site", "slug"], where: "this.deletedAt == null && this.state == 'LIVE'") {
  site: Int!
  slug: String!
  state: State!
  deletedAt: DateTime
}"#;
    for mut on in Served::both(model) {
        let name = on.database;
        let page = |slug: &str, state: &str| format!(r#"{{"site":1,"slug":"{slug}","state":"{state}"}}"#);
        assert_eq!(on.create("Page", &page("a", "LIVE")).await, "ok", "{name}");
        assert_eq!(on.create("Page", &page("a", "DRAFT")).await, "ok", "{name}");
        assert_eq!(on.create("Page", &page("a", "LIVE")).await, "not-unique: Page site, slug", "{name}");
        assert_eq!(on.update("Page", 1, r#"{"state":"LIVE"}"#).await, "not-unique: Page site, slug", "{name}");
        assert_eq!(on.update("Page", 0, r#"{"deletedAt":"2026-01-31T12:00:00Z"}"#).await, "ok", "{name}");
        assert_eq!(on.update("Page", 1, r#"{"state":"LIVE"}"#).await, "ok", "{name}");
        assert_eq!(on.delete("Page", 1).await, "ok", "{name}");
        assert_eq!(on.create("Page", &page("a", "LIVE")).await, "ok", "{name}");
        let second = format!("[{},{}]", page("b", "LIVE"), page("a", "LIVE"));
        assert_eq!(on.create("Page", &second).await, "not-unique: Page site, slug (record 1)", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions_compare_values_of_every_type() {
    let model = r#"
enum State { DRAFT LIVE }
type Other @open { name: String }
type T @open
  @unique(fields: ["key"], where: "this.n >= 2 && this.n < 10")
  @unique(fields: ["key"], where: "this.d > 1.25 || this.f == 0.5")
  @unique(fields: ["key"], where: "this.s in ['x', 'it''s'] && !this.flag")
  @unique(fields: ["key"], where: "this.day == date('2026-01-31')")
  @unique(fields: ["key"], where: "this.at < timestamp('2026-01-31T12:00:00Z')")
  @unique(fields: ["key"], where: "this.state == 'LIVE' && this.other != null && this.text == null")
  @unique(fields: ["key"], where: "this.low > this.high") {
  key: Int!
  n: Int
  d: Decimal @precision(digits: 8, scale: 2)
  f: Float
  s: String
  flag: Boolean
  day: Date
  at: DateTime
  state: State
  other: Other
  text: Text
  low: Decimal @precision(digits: 8, scale: 2)
  high: Decimal @precision(digits: 8, scale: 4)
}"#;
    let model = model.replace("'it''s'", "'it`s'").replace("date('2026-01-31')", "'2026-01-31'");
    let others = |id: &str| format!(r#"{{"key":1,"state":"LIVE","other":"{id}"}}"#);
    for mut on in Served::both(&model) {
        let name = on.database;
        assert_eq!(on.create("Other", "{}").await, "ok");
        for (body, is_unique) in [
            (r#"{"key":1,"n":1}"#.to_owned(), false),
            (r#"{"key":1,"n":2}"#.to_owned(), true),
            (r#"{"key":1,"n":10}"#.to_owned(), false),
            (r#"{"key":1,"d":"1.25"}"#.to_owned(), false),
            (r#"{"key":2,"d":"1.26"}"#.to_owned(), true),
            (r#"{"key":1,"f":0.5}"#.to_owned(), true),
            (r#"{"key":1,"s":"it`s","flag":true}"#.to_owned(), false),
            (r#"{"key":1,"s":"it`s","flag":false}"#.to_owned(), true),
            (r#"{"key":1,"s":"it`s"}"#.to_owned(), false),
            (r#"{"key":1,"day":"2026-02-01"}"#.to_owned(), false),
            (r#"{"key":1,"day":"2026-01-31"}"#.to_owned(), true),
            (r#"{"key":1,"at":"2026-01-31T12:00:00Z"}"#.to_owned(), false),
            (r#"{"key":1,"at":"2026-01-31T12:59:59+01:00"}"#.to_owned(), true),
            (others("%0"), true),
            (r#"{"key":1,"state":"LIVE"}"#.to_owned(), false),
            (r#"{"key":1,"low":"1.50","high":"1.5"}"#.to_owned(), false),
            (r#"{"key":1,"low":"1.50","high":"1.4999"}"#.to_owned(), true),
        ] {
            assert_eq!(on.create("T", &body).await, "ok", "{name} {body}");
            let again = if is_unique { "not-unique: T key" } else { "ok" };
            assert_eq!(on.create("T", &body).await, again, "{name} {body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_records_without_a_value_can_be_the_same() {
    let model = r#"
type Setting @open @unique(fields: ["name", "of"], nulls: SAME) { name: String! of: User }
type User @open { code: Int @unique(nulls: SAME) badge: String @unique }"#;
    for mut on in Served::both(model) {
        let name = on.database;
        assert_eq!(on.create("User", r#"{"code":1}"#).await, "ok", "{name}");
        assert_eq!(on.create("User", "{}").await, "ok", "{name}");
        assert_eq!(on.create("User", "{}").await, "not-unique: User code", "{name}");
        assert_eq!(on.create("User", r#"{"code":1}"#).await, "not-unique: User code", "{name}");
        assert_eq!(on.create("User", r#"{"code":0}"#).await, "ok", "{name}");
        assert_eq!(on.create("Setting", r#"{"name":"a"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Setting", r#"{"name":"a"}"#).await, "not-unique: Setting name, of", "{name}");
        assert_eq!(on.create("Setting", r#"{"name":"b"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Setting", r#"{"name":"a","of":"%0"}"#).await, "ok", "{name}");
        assert_eq!(
            on.create("Setting", r#"[{"name":"c"},{"name":"b"}]"#).await,
            "not-unique: Setting name, of (record 1)"
        );
        assert_eq!(on.create("Setting", r#"{"name":"a","of":"%0"}"#).await, "not-unique: Setting name, of", "{name}");
    }
}

/// A conflict says that another record fulfils the condition, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_does_not_name_what_a_hidden_condition_decides() {
    let model = r#"
enum Role @roles { EDITOR }
type Page @open {
  slug: String! @unique(where: "this.secretly == true")
  secretly: Boolean! @allow(read: "'EDITOR' in auth.roles")
}"#;
    let mut on = Served::sqlite(model);
    let body = r#"{"slug":"a","secretly":true}"#;
    assert_eq!(on.create("Page", body).await, "ok");
    assert_eq!(on.create("Page", body).await, "not-unique: UniqueUnseen { collection: \"Page\" }");
    on.ask_as(Caller::account(backstay_base::RecordId::from_bytes([1; 16]), ["EDITOR"]));
    assert_eq!(on.create("Page", body).await, "not-unique: Page slug");
}

/// What no database can decide from the columns of one record.
#[test]
fn conditions_that_an_index_cannot_have_are_refused() {
    let told = |condition: &str, message: &str| {
        let model = format!(
            r#"
extend schema @app(name: "Test") @rule(name: "live", is: "this.deletedAt == null")
type User @identity @open {{ email: Email! @unique }}
type Page @open {{
  slug: String! @unique(where: "{condition}")
  author: User
  body: Text
  tags: [String!]
  number: Int
  deletedAt: DateTime
  comments: [Comment!] @inverse(field: "page")
}}
type Comment @open {{ page: Page! }}"#
        );
        let found = refused(&model);
        assert!(found.contains(message), "{condition}: {found}");
        assert_eq!(found.is_empty(), message.is_empty(), "{condition}: {found}");
    };
    told("this.deletedAt == null && (this.number != 7 || this.author != null)", "");
    told("this.author == auth.id", "the condition of an index can't depend on the caller");
    told("this.deletedAt < now", "the condition of an index can't depend on the moment");
    told("this.author.email == 'a@example.org'", "the condition of an index can't read another record");
    told("this.comments.exists(c, c.page == this)", "the condition of an index can't read other records");
    told("this.slug.startsWith('a')", "the condition of an index can't call a function");
    told("this.number + 1 > 2", "the condition of an index can't compute");
    told("this.body == 'x'", "can't compare a `Text`");
    told("'x' in this.tags", "can't look into a list");
    told("this.number > 1 ? true : false", "can't choose between values");
    told("live", "the condition of an index can't use a named rule");
    told("this.deleted == null", "no field `deleted`");
    told("new.count == 1", "`new`");
    told("this.number", "Boolean");
    told("", "the rule is empty");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_example_works() {
    for mut on in Served::both(documented("### Unique values and indexes")) {
        let name = on.database;
        let page = |slug: &str, position: u32| format!(r#"{{"site":"a","slug":"{slug}","position":{position}}}"#);
        assert_eq!(on.create("Page", &page("home", 1)).await, "ok", "{name}");
        assert_eq!(on.create("Page", &page("home", 2)).await, "not-unique: Page site, slug", "{name}");
        assert_eq!(on.create("Page", &page("about", 1)).await, "not-unique: Page site, parent, position", "{name}");
        assert_eq!(on.update("Page", 0, r#"{"deletedAt":"2026-01-31T12:00:00Z"}"#).await, "ok", "{name}");
        assert_eq!(on.create("Page", &page("home", 2)).await, "ok", "{name}");
        assert_eq!(
            on.list("Page", "slug,position", Some("deletedAt == null")).await,
            r#"[{"position":2,"slug":"home"}]"#
        );
    }
}

/// What can't come back, or be released, because of a value is a record that the request isn't about: the conflict is its
/// own, and says nothing of it to those who may not see it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_conflict_of_a_related_record_is_its_own() {
    let model = r#"
enum Role @roles { EDITOR }
type Page @open @trash { slug: String @unique  above: Page @onDelete(do: CASCADE) }
type Note
  @allow(create: "true", update: "true", read: "'EDITOR' in auth.roles", delete: "'EDITOR' in auth.roles") @trash {
  page: Page @onDelete(do: CASCADE)
  code: String @unique
  secretly: String @unique @allow(read: "false")
}
type Shelf @open { name: String }
type Book @allow(create: "true", read: "'EDITOR' in auth.roles") @unique(fields: ["shelf", "place"], nulls: SAME) {
  shelf: Shelf @onDelete(do: SET_NULL)
  place: Int!
}"#;
    let unseen = "related-conflict: Related { of: None }";
    for mut on in Served::both(model) {
        let name = on.database;
        let editor = || Caller::account(backstay_base::RecordId::from_bytes([1; 16]), ["EDITOR"]);
        // The page itself, and a page that comes back with it.
        assert_eq!(on.create("Page", r#"[{"slug":"a"},{"slug":"b"}]"#).await, "ok", "{name}");
        assert_eq!(on.update("Page", 1, r#"{"above":"%0"}"#).await, "ok", "{name}");
        assert_eq!(on.delete("Page", 0).await, "ok", "{name}");
        assert_eq!(on.create("Page", r#"{"slug":"b"}"#).await, "ok", "{name}");
        let seen = on.restore("Page", 0).await;
        assert_eq!(seen, "related-conflict: of Page not-unique: Page slug", "{name}");
        assert_eq!(on.update("Page", 2, r#"{"slug":"a"}"#).await, "ok", "{name}");
        assert_eq!(on.restore("Page", 0).await, "not-unique: Page slug", "{name}");
        assert_eq!(on.update("Page", 2, r#"{"slug":"c"}"#).await, "ok", "{name}");
        assert_eq!(on.restore("Page", 0).await, "ok", "{name}");
        // A note that the caller may not see, and one with a value that nobody may see.
        assert_eq!(on.create("Note", r#"{"page":"%0","code":"x","secretly":"s"}"#).await, "ok", "{name}");
        assert_eq!(on.delete("Page", 0).await, "ok", "{name}");
        assert_eq!(on.create("Note", r#"{"code":"x"}"#).await, "ok", "{name}");
        assert_eq!(on.restore("Page", 0).await, unseen, "{name}");
        on.ask_as(editor());
        assert_eq!(on.restore("Page", 0).await, "related-conflict: of Note not-unique: Note code", "{name}");
        assert_eq!(on.update("Note", 4, r#"{"code":"y","secretly":"s"}"#).await, "ok", "{name}");
        let withheld = "related-conflict: of Note not-unique: UniqueUnseen { collection: \"Note\" }";
        assert_eq!(on.restore("Page", 0).await, withheld, "{name}");
        let restore = |on: &Served| vec![on.deleting("Page", 2), on.restoring("Page", 0)];
        assert_eq!(on.together(restore(&on)).await, format!("Some(1) {withheld}"), "{name}");
        on.ask_as(Caller::anonymous());
        assert_eq!(on.together(restore(&on)).await, format!("Some(1) {unseen}"), "{name}");
        // What is released by a deletion.
        assert_eq!(on.create("Shelf", r#"[{"name":"a"},{"name":"b"}]"#).await, "ok", "{name}");
        assert_eq!(on.create("Book", r#"[{"shelf":"%5","place":1},{"place":1}]"#).await, "ok", "{name}");
        assert_eq!(on.delete("Shelf", 5).await, unseen, "{name}");
        on.ask_as(editor());
        let seen = "related-conflict: of Book not-unique: Book shelf, place";
        assert_eq!(on.delete("Shelf", 5).await, seen, "{name}");
        assert_eq!(on.delete("Shelf", 6).await, "ok", "{name}");
    }
}
