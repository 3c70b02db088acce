//! `@key`.

use insta::assert_snapshot;

use crate::told;

#[test]
fn keys_that_are_understood() {
    let model = r#"
type A @key(given: true) @allow(read: "true") { a: Int }
type B @key(type: UUID4) @allow(read: "true") { a: Int }
type C @key(type: UUID7, given: false) @allow(read: "true") { a: Int }
type User @identity @key(type: UUID4) @allow(read: "true") { email: Email! @unique }
type Settings @single @key(type: UUID4) @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @"loaded");
}

#[test]
fn keys_that_say_nothing_or_something_else() {
    let model = r#"
type A @key @allow(read: "true") { a: Int }
type B @key(type: INT) @allow(read: "true") { a: Int }
type C @key(type: "UUID4") @allow(read: "true") { a: Int }
type D @key(given: "yes") @allow(read: "true") { a: Int }
type E @key(type: UUID4) @key(given: true) @allow(read: "true") { a: Int }
type F @key(fields: ["a"]) @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @"");
}

#[test]
fn keys_in_the_wrong_place() {
    let model = r#"
type Address @embedded @key(given: true) { city: String }
interface Thing @key(given: true) { a: Int }
type A @allow(read: "true") { id: ID! @key(given: true), home: Address, b: Int @uuid }
"#;
    assert_snapshot!(told(model.trim_start()), @"");
}

#[test]
fn ids_that_clients_cannot_give() {
    let model = r#"
type User @identity @key(given: true) @allow(read: "true") { email: Email! @unique }
type Settings @single @key(given: true) @allow(read: "true") { a: Int }
"#;
    assert_snapshot!(told(model.trim_start()), @"");
}
