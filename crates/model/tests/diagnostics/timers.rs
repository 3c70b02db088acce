//! `@at`.

use backstay_model::{SourceFile, load};
use insta::assert_snapshot;

use crate::told;

#[test]
fn what_a_moment_can_be() {
    let model = r#"
enum State { DRAFT @initial @to(state: "PUBLISHED") PUBLISHED @to(state: "GONE") GONE }
type Post @allow(read: "true") @trash
  @at(field: "publishAt", do: DELETE)
  @at(field: "createdAt", do: DELETE)
  @at(field: "trashedAt", do: DELETE)
  @at(field: "day", do: DELETE)
  @at(field: "publishat", do: DELETE)
  @at(field: "title", do: DELETE)
  @at(field: "soon", do: DELETE)
  @at(field: "hidden", do: DELETE)
  @at(field: "place.until", do: DELETE) {
  state: State! @at(field: "publishAt", to: "PUBLISHED")
  title: String!
  publishAt: DateTime
  day: Date!
  soon: DateTime @computed(is: "this.publishAt")
  hidden: DateTime @class(is: SECRET)
  place: Place
}
type Place @embedded { until: DateTime }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn what_can_happen_then() {
    let model = r#"
enum State { DRAFT @initial @to(state: "PUBLISHED") PUBLISHED @to(state: "GONE") GONE }
enum Kind { A B }
type Post @allow(read: "true") @at(field: "at") @at(field: "at", to: "GONE") {
  state: State!
    @at(field: "at", to: "PUBLISHED")
    @at(field: "at", to: "PUBLISHED")
    @at(field: "at", to: "PUBLISHT")
    @at(field: "at", to: "DRAFT")
    @at(field: "at")
    @at(field: "at", do: DELETE)
  kind: Kind @at(field: "at", to: "B")
  at: DateTime @at(field: "at", do: DELETE)
}
type Settings @single @allow(read: "true") @at(field: "at", do: DELETE) { at: DateTime }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn what_it_is_written_with() {
    let model = r#"
enum State { DRAFT @initial @to(state: "GONE") GONE }
type Post @allow(read: "true") @at(field: "at", do: ARCHIVE) {
  state: State! @at(to: "GONE") @at(when: "at", state: "GONE")
  at: DateTime
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn timers_that_lead_back_would_never_end() {
    let model = r#"
enum Shop {
  CLOSED @initial @to(state: "OPEN")
  OPEN @to(state: "BUSY")
  BUSY @to(state: "CLOSED") @to(state: "GONE")
  GONE
}
enum Light {
  RED @initial @to(state: "GREEN", set: [{ field: "greenAt", to: "null" }])
  GREEN @to(state: "RED")
}
type Store @allow(read: "true") {
  state: Shop! @at(field: "opensAt", to: "OPEN") @at(field: "busyAt", to: "BUSY") @at(field: "closesAt", to: "CLOSED")
  opensAt: DateTime
  busyAt: DateTime
  closesAt: DateTime
}
type Crossing @allow(read: "true") {
  light: Light! @at(field: "greenAt", to: "GREEN") @at(field: "redAt", to: "RED")
  greenAt: DateTime
  redAt: DateTime
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

/// An index that begins with the fields of a timer serves it.
#[test]
fn it_has_an_index() {
    let model = r#"
enum State { HELD @initial @to(state: "FREE") FREE }
type Hold @allow(read: "true") @index(fields: ["state", "until", "seat"]) {
  state: State! @at(field: "until", to: "FREE")
  until: DateTime!
  seat: Int!
}
type Token @allow(read: "true") @at(field: "until", do: DELETE) { until: Date! }
"#;
    let files = vec![
        SourceFile::app("app.graphql", "extend schema @app(name: \"Test\")\n"),
        SourceFile::app("model.graphql", model.trim_start()),
    ];
    let loaded = load(files).expect("a model");
    let indexes = |of: &str| {
        let of = loaded.model.collection_named(of).expect("a type");
        of.indexes.iter().map(|index| index.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(indexes("Hold"), ["ix_hold__state__until__seat"]);
    assert_eq!(indexes("Token"), ["ix_token__until"]);
}
