//! The other end of a unique relation.

use insta::assert_snapshot;

use crate::told;

#[test]
fn other_ends_that_cannot_be_one_record() {
    let model = r#"
type User @allow(read: "true") {
  profile: Profile @inverse(field: "user")
  account: Profile! @inverse(field: "owner")
  again: Profile @inverse(field: "owner")
  listed: Profile @inverse(field: "listed")
  absent: Profile @inverse(field: "ownr")
  other: Profile @inverse(field: "picture")
  partly: Profile @inverse(field: "partly")
  back: Profile @inverse(field: "back")
}
type Profile @allow(read: "true") @unique(fields: ["user", "picture"]) {
  user: User
  owner: User @unique
  listed: [User!]
  picture: String
  partly: User @unique(where: "this.picture == null")
  back: User @inverse(field: "back")
}
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn other_ends_with_directives_that_are_for_values() {
    let model = r#"
type User @allow(read: "true") @index(fields: ["profile"]) {
  profile: Profile @inverse(field: "user") @readonly @unique @onDelete(do: CASCADE) @default(to: "x") @set(on: CREATE, to: "null")
}
type Profile @allow(read: "true") { user: User @unique }
"#;
    assert_snapshot!(told(model.trim_start()));
}

#[test]
fn a_relation_is_unique_by_its_type_as_well() {
    let model = r#"
type User @allow(read: "true") { profile: Profile @inverse(field: "user") }
type Profile @allow(read: "true") @unique(fields: ["user"]) { user: User! }
"#;
    assert_snapshot!(told(model.trim_start()), @"loaded");
}
