//! Embedded types and their members.
#![expect(clippy::too_many_lines, reason = "the snapshots are long")]

use insta::assert_snapshot;

use crate::told;

#[test]
fn what_an_embedded_type_cannot_be_marked_with() {
    let model = r#"
type Address @embedded @allow(read: "true") @index(fields: ["city"]) @renamed(from: "Place") {
  city: String! @unique @allow(read: "true") @check(rule: "this.city != ''", message: "m")
  zip: String @renamed(from: "code", keep: true) @set(on: CREATE, to: "'1'")
}
type Customer @allow(read: "true") { address: Address }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Address is embedded and has no records, which `@allow` is about
   ╭─[model.graphql:1:24]
 1 │ type Address @embedded @allow(read: "true") @index(fields: ["city"]) @renamed(from: "Place") {
   ·                        ──────────┬─────────
   ·                                  ╰── not on an embedded type
 2 │   city: String! @unique @allow(read: "true") @check(rule: "this.city != ''", message: "m")
   ╰────
  help: write `@allow` on the types and fields that hold the value
  × error: Address is embedded and has no records, which `@index` is about
   ╭─[model.graphql:1:45]
 1 │ type Address @embedded @allow(read: "true") @index(fields: ["city"]) @renamed(from: "Place") {
   ·                                             ────────────┬───────────
   ·                                                         ╰── not on an embedded type
 2 │   city: String! @unique @allow(read: "true") @check(rule: "this.city != ''", message: "m")
   ╰────
  help: write `@index` on the type that holds the value, with a path such as `"address.city"`
  × error: `@unique` is not for members of an embedded type
   ╭─[model.graphql:2:17]
 1 │ type Address @embedded @allow(read: "true") @index(fields: ["city"]) @renamed(from: "Place") {
 2 │   city: String! @unique @allow(read: "true") @check(rule: "this.city != ''", message: "m")
   ·                 ───┬───
   ·                    ╰── on a member
 3 │   zip: String @renamed(from: "code", keep: true) @set(on: CREATE, to: "'1'")
   ╰────
  help: write `@unique(fields: […])` on the type that holds the value, with a path such as `"address.city"`
  × error: `@allow` is not for members of an embedded type
   ╭─[model.graphql:2:25]
 1 │ type Address @embedded @allow(read: "true") @index(fields: ["city"]) @renamed(from: "Place") {
 2 │   city: String! @unique @allow(read: "true") @check(rule: "this.city != ''", message: "m")
   ·                         ──────────┬─────────
   ·                                   ╰── on a member
 3 │   zip: String @renamed(from: "code", keep: true) @set(on: CREATE, to: "'1'")
   ╰────
  help: write `@allow` on the field that holds the embedded value; it applies to its members
  × error: `@check` is not for members of an embedded type
   ╭─[model.graphql:2:46]
 1 │ type Address @embedded @allow(read: "true") @index(fields: ["city"]) @renamed(from: "Place") {
 2 │   city: String! @unique @allow(read: "true") @check(rule: "this.city != ''", message: "m")
   ·                                              ──────────────────────┬──────────────────────
   ·                                                                    ╰── on a member
 3 │   zip: String @renamed(from: "code", keep: true) @set(on: CREATE, to: "'1'")
   ╰────
  help: write `@check` on the field that holds the embedded value
  × error: `keep` is not supported for members of an embedded type yet
   ╭─[model.graphql:3:44]
 2 │   city: String! @unique @allow(read: "true") @check(rule: "this.city != ''", message: "m")
 3 │   zip: String @renamed(from: "code", keep: true) @set(on: CREATE, to: "'1'")
   ·                                            ──┬─
   ·                                              ╰── on a member
 4 │ }
   ╰────
  help: remove `keep`, and tell clients of the new name
  × error: `@set` is not for members of an embedded type
   ╭─[model.graphql:3:50]
 2 │   city: String! @unique @allow(read: "true") @check(rule: "this.city != ''", message: "m")
 3 │   zip: String @renamed(from: "code", keep: true) @set(on: CREATE, to: "'1'")
   ·                                                  ─────────────┬─────────────
   ·                                                               ╰── on a member
 4 │ }
   ╰────
  help: write `@default` here, or `@set` on a field of the record itself
"#);
}

#[test]
fn members_that_an_embedded_type_cannot_have() {
    let model = r#"
enum State { OPEN @initial @to(state: "DONE") DONE }
type Address @embedded { state: State!, customers: [Customer!], parts: [Part!], in: Int }
type Part @embedded { name: String!, name2: Nothing2 }
type Nothing2 @embedded { a: Int }
type Customer @allow(read: "true") { address: Address, parts: [Part!] }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: an embedded value is in no state
   ╭─[model.graphql:2:33]
 1 │ enum State { OPEN @initial @to(state: "DONE") DONE }
 2 │ type Address @embedded { state: State!, customers: [Customer!], parts: [Part!], in: Int }
   ·                                 ──┬──
   ·                                   ╰── has states
 3 │ type Part @embedded { name: String!, name2: Nothing2 }
   ╰────
  help: hold the state in a field of the record itself
  × error: an embedded type holds no relation to many records
   ╭─[model.graphql:2:53]
 1 │ enum State { OPEN @initial @to(state: "DONE") DONE }
 2 │ type Address @embedded { state: State!, customers: [Customer!], parts: [Part!], in: Int }
   ·                                                     ────┬───
   ·                                                         ╰── a list of records
 3 │ type Part @embedded { name: String!, name2: Nothing2 }
   ╰────
  help: write the list into a type with records, or refer to one Customer
  × error: `in` is a word of the rule language
   ╭─[model.graphql:2:81]
 1 │ enum State { OPEN @initial @to(state: "DONE") DONE }
 2 │ type Address @embedded { state: State!, customers: [Customer!], parts: [Part!], in: Int }
   ·                                                                                 ─┬
   ·                                                                                  ╰── reserved
 3 │ type Part @embedded { name: String!, name2: Nothing2 }
   ╰────
  help: a rule could not name the member; give it another name
"#);
}

#[test]
fn values_without_end() {
    let model = r#"
type A @embedded { b: B }
type B @embedded { a: A }
type C @embedded { d: D }
type D @embedded { e: E }
type E @embedded { f: F }
type F @embedded { g: G }
type G @embedded { n: Int }
type P @allow(read: "true") { a: A, c: C }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: a value of A would contain another A, without end
   ╭─[model.graphql:1:6]
 1 │ type A @embedded { b: B }
   ·      ┬
   ·      ╰── embedded too deep
 2 │ type B @embedded { a: A }
   ╰────
  help: make one of the types a type with records, and refer to it
  × error: a value of B would contain another B, without end
   ╭─[model.graphql:2:6]
 1 │ type A @embedded { b: B }
 2 │ type B @embedded { a: A }
   ·      ┬
   ·      ╰── embedded too deep
 3 │ type C @embedded { d: D }
   ╰────
  help: make one of the types a type with records, and refer to it
  × error: values within C are embedded more than 4 levels deep
   ╭─[model.graphql:3:6]
 2 │ type B @embedded { a: A }
 3 │ type C @embedded { d: D }
   ·      ┬
   ·      ╰── embedded too deep
 4 │ type D @embedded { e: E }
   ╰────
  help: put the inner values into the outer type, or into a type with records
"#);
}

#[test]
fn names_that_meet_in_the_database() {
    let model = r#"
type Address @embedded { city: String, aVeryLongNameOfAMemberThatIsNearlyAtItsLimit: Int }
type Unused @embedded { a: Int }
type P @allow(read: "true") { address: Address, addressCity: String, name: String @renamed(from: "address.name", keep: true) }
type Q @allow(read: "true") @index(fields: ["address.town"]) @unique(fields: ["address"]) { address: Address }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the name of this member is too long
   ╭─[model.graphql:1:40]
 1 │ type Address @embedded { city: String, aVeryLongNameOfAMemberThatIsNearlyAtItsLimit: Int }
   ·                                        ──────────────────────┬─────────────────────
   ·                                                              ╰── too long
 2 │ type Unused @embedded { a: Int }
   ╰────
  help: names have at most 48 characters, underscores between words included
  × error: the column of `address.aVeryLongNameOfAMemberThatIsNearlyAtItsLimit` would have a name of more than 48
  │ characters
   ╭─[model.graphql:1:40]
 1 │ type Address @embedded { city: String, aVeryLongNameOfAMemberThatIsNearlyAtItsLimit: Int }
   ·                                        ──────────────────────┬─────────────────────
   ·                                                              ╰── the member
 2 │ type Unused @embedded { a: Int }
 3 │ type P @allow(read: "true") { address: Address, addressCity: String, name: String @renamed(from: "address.name", keep: true) }
   ·                               ───┬───
   ·                                  ╰── holds it
 4 │ type Q @allow(read: "true") @index(fields: ["address.town"]) @unique(fields: ["address"]) { address: Address }
   ╰────
  help: give the field or the member a shorter name
  × error: two fields of P map to the same column, `address_city`
   ╭─[model.graphql:1:26]
 1 │ type Address @embedded { city: String, aVeryLongNameOfAMemberThatIsNearlyAtItsLimit: Int }
   ·                          ──┬─
   ·                            ╰── this
 2 │ type Unused @embedded { a: Int }
 3 │ type P @allow(read: "true") { address: Address, addressCity: String, name: String @renamed(from: "address.name", keep: true) }
   ·                                                 ─────┬─────
   ·                                                      ╰── and this
 4 │ type Q @allow(read: "true") @index(fields: ["address.town"]) @unique(fields: ["address"]) { address: Address }
   ╰────
  help: give one of them another name
  × error: clients can't go on using the path `address.name`
   ╭─[model.graphql:3:98]
 2 │ type Unused @embedded { a: Int }
 3 │ type P @allow(read: "true") { address: Address, addressCity: String, name: String @renamed(from: "address.name", keep: true) }
   ·                                                                                                  ───────┬──────
   ·                                                                                                         ╰── a member of an embedded value
 4 │ type Q @allow(read: "true") @index(fields: ["address.town"]) @unique(fields: ["address"]) { address: Address }
   ╰────
  help: remove `keep`, and tell clients of the new name
  × error: Q has no field `address.town`
   ╭─[model.graphql:4:45]
 3 │ type P @allow(read: "true") { address: Address, addressCity: String, name: String @renamed(from: "address.name", keep: true) }
 4 │ type Q @allow(read: "true") @index(fields: ["address.town"]) @unique(fields: ["address"]) { address: Address }
   ·                                             ───────┬──────
   ·                                                    ╰── not a field
   ╰────
  help: available names: id, createdAt, updatedAt, version, address, address.city,
        address.aVeryLongNameOfAMemberThatIsNearlyAtItsLimit
  × error: `address` cannot be in an index
   ╭─[model.graphql:4:79]
 3 │ type P @allow(read: "true") { address: Address, addressCity: String, name: String @renamed(from: "address.name", keep: true) }
 4 │ type Q @allow(read: "true") @index(fields: ["address.town"]) @unique(fields: ["address"]) { address: Address }
   ·                                                                               ────┬────
   ·                                                                                   ╰── not in an index
   ╰────
  help: you can index enums, to-one relations, and scalars except Text, JSON, Money and Bytes
  × error: the column of `address.aVeryLongNameOfAMemberThatIsNearlyAtItsLimit` would have a name of more than 48
  │ characters
   ╭─[model.graphql:1:40]
 1 │ type Address @embedded { city: String, aVeryLongNameOfAMemberThatIsNearlyAtItsLimit: Int }
   ·                                        ──────────────────────┬─────────────────────
   ·                                                              ╰── the member
 2 │ type Unused @embedded { a: Int }
 3 │ type P @allow(read: "true") { address: Address, addressCity: String, name: String @renamed(from: "address.name", keep: true) }
 4 │ type Q @allow(read: "true") @index(fields: ["address.town"]) @unique(fields: ["address"]) { address: Address }
   ·                                                                                             ───┬───
   ·                                                                                                ╰── holds it
   ╰────
  help: give the field or the member a shorter name
  ⚠ warning[unused-embedded-type]: no field holds a value of Unused
   ╭─[model.graphql:2:6]
 1 │ type Address @embedded { city: String, aVeryLongNameOfAMemberThatIsNearlyAtItsLimit: Int }
 2 │ type Unused @embedded { a: Int }
   ·      ───┬──
   ·         ╰── embedded nowhere
 3 │ type P @allow(read: "true") { address: Address, addressCity: String, name: String @renamed(from: "address.name", keep: true) }
   ╰────
  help: write a field of the type Unused in a type with records, or remove the type
        if it is meant: `# lint-ignore unused-embedded-type (reason)` on the line above;
        see docs/lints.md#unused-embedded-type
"#);
}

#[test]
fn what_a_field_that_holds_a_value_cannot_be_marked_with() {
    let model = r#"
type Address @embedded { city: String! }
type Customer @allow(read: "true") {
  address: Address @default(to: {city: "Bonn"}) @unique
  other: Address @length(max: 3) @set(on: CREATE, to: "this.address")
  third: Address @backfill(from: "this.address") @class(is: PERSONAL) @check(rule: "this.third.city != ''", message: "m")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `@default` has no meaning for this field
   ╭─[model.graphql:3:20]
 2 │ type Customer @allow(read: "true") {
 3 │   address: Address @default(to: {city: "Bonn"}) @unique
   ·                    ──────────────┬─────────────
   ·                                  ╰── not here
 4 │   other: Address @length(max: 3) @set(on: CREATE, to: "this.address")
   ╰────
  help: give the members of the embedded type defaults of their own
  × error: `@unique` has no meaning for this field
   ╭─[model.graphql:3:49]
 2 │ type Customer @allow(read: "true") {
 3 │   address: Address @default(to: {city: "Bonn"}) @unique
   ·                                                 ───┬───
   ·                                                    ╰── not here
 4 │   other: Address @length(max: 3) @set(on: CREATE, to: "this.address")
   ╰────
  help: it is for relations to one record, enums, and scalars other than `Text`, `JSON`, `Money` and `Bytes`
  × error: `@length` has no meaning for this field
   ╭─[model.graphql:4:18]
 3 │   address: Address @default(to: {city: "Bonn"}) @unique
 4 │   other: Address @length(max: 3) @set(on: CREATE, to: "this.address")
   ·                  ───────┬───────
   ·                         ╰── not here
 5 │   third: Address @backfill(from: "this.address") @class(is: PERSONAL) @check(rule: "this.third.city != ''", message: "m")
   ╰────
  help: it is for `String`, `Text`, `Email`, `Url` and `Locale`, and for lists of scalars or enum values
  × error: `@set` has no meaning for this field
   ╭─[model.graphql:4:34]
 3 │   address: Address @default(to: {city: "Bonn"}) @unique
 4 │   other: Address @length(max: 3) @set(on: CREATE, to: "this.address")
   ·                                  ──────────────────┬─────────────────
   ·                                                    ╰── not here
 5 │   third: Address @backfill(from: "this.address") @class(is: PERSONAL) @check(rule: "this.third.city != ''", message: "m")
   ╰────
  help: it is for fields that are stored in the record itself
  × error: `@backfill` has no meaning for this field
   ╭─[model.graphql:5:18]
 4 │   other: Address @length(max: 3) @set(on: CREATE, to: "this.address")
 5 │   third: Address @backfill(from: "this.address") @class(is: PERSONAL) @check(rule: "this.third.city != ''", message: "m")
   ·                  ───────────────┬───────────────
   ·                                 ╰── not here
 6 │ }
   ╰────
  help: write it on the members of the embedded type
"#);
}

#[test]
fn what_documents_cannot_hold() {
    let model = r#"
union Block = Picture | Card
type Picture @embedded { media: Media!, size: Int @backfill(from: "this.x") }
type Card @embedded { number: String! @class(is: SECRET), holder: String @class(is: PERSONAL), until: Date @immutable, inner: Inner }
type Inner @embedded { media: Media @onDelete(do: CASCADE) }
type Media @allow(read: "true") { title: String, blocks: [Block!] @default(to: [{a: 1}]) @unique, one: Block @length(max: 3),
  two: Block @set(on: CREATE, to: "this.free") @backfill(from: "this.free"), free: JSON }
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `Picture.size` is in a list or a union, which can't hold a `@backfill` of a member yet
   ╭─[model.graphql:2:41]
 1 │ union Block = Picture | Card
 2 │ type Picture @embedded { media: Media!, size: Int @backfill(from: "this.x") }
   ·                                         ──┬─
   ·                                           ╰── in a document
 3 │ type Card @embedded { number: String! @class(is: SECRET), holder: String @class(is: PERSONAL), until: Date @immutable, inner: Inner }
   ╰────
  help: give the member a `@default`, which stored values get
  × error: `Card.number` is in a list or a union, which can't hold a secret yet
   ╭─[model.graphql:3:23]
 2 │ type Picture @embedded { media: Media!, size: Int @backfill(from: "this.x") }
 3 │ type Card @embedded { number: String! @class(is: SECRET), holder: String @class(is: PERSONAL), until: Date @immutable, inner: Inner }
   ·                       ───┬──
   ·                          ╰── in a document
 4 │ type Inner @embedded { media: Media @onDelete(do: CASCADE) }
   ╰────
  help: keep it in a field of the record
  × error: `Card.holder` is in a list or a union, which can't hold a class of a member yet
   ╭─[model.graphql:3:59]
 2 │ type Picture @embedded { media: Media!, size: Int @backfill(from: "this.x") }
 3 │ type Card @embedded { number: String! @class(is: SECRET), holder: String @class(is: PERSONAL), until: Date @immutable, inner: Inner }
   ·                                                           ───┬──
   ·                                                              ╰── in a document
 4 │ type Inner @embedded { media: Media @onDelete(do: CASCADE) }
   ╰────
  help: write `@class` on the field that holds the document; it then applies to all of it
  × error: `Card.until` is in a list or a union, which can't hold a member that clients can't write yet
   ╭─[model.graphql:3:96]
 2 │ type Picture @embedded { media: Media!, size: Int @backfill(from: "this.x") }
 3 │ type Card @embedded { number: String! @class(is: SECRET), holder: String @class(is: PERSONAL), until: Date @immutable, inner: Inner }
   ·                                                                                                ──┬──
   ·                                                                                                  ╰── in a document
 4 │ type Inner @embedded { media: Media @onDelete(do: CASCADE) }
   ╰────
  help: remove `@readonly` or `@immutable`, or write it on the field that holds the document
  × error: `Inner.media` is in a list or a union, which can't hold a relation with `@onDelete(do: CASCADE)` yet
   ╭─[model.graphql:4:24]
 3 │ type Card @embedded { number: String! @class(is: SECRET), holder: String @class(is: PERSONAL), until: Date @immutable, inner: Inner }
 4 │ type Inner @embedded { media: Media @onDelete(do: CASCADE) }
   ·                        ──┬──
   ·                          ╰── in a document
 5 │ type Media @allow(read: "true") { title: String, blocks: [Block!] @default(to: [{a: 1}]) @unique, one: Block @length(max: 3),
   ╰────
  help: write `do: RESTRICT`, or `do: SET_NULL` on a relation that can be null; for items that go with a record, use a
        type with records
  × error: the default of `blocks` does not fit its type
   ╭─[model.graphql:5:80]
 4 │ type Inner @embedded { media: Media @onDelete(do: CASCADE) }
 5 │ type Media @allow(read: "true") { title: String, blocks: [Block!] @default(to: [{a: 1}]) @unique, one: Block @length(max: 3),
   ·                                                                                ────┬───
   ·                                                                                    ╰── does not fit
 6 │   two: Block @set(on: CREATE, to: "this.free") @backfill(from: "this.free"), free: JSON }
   ╰────
  help: the only default of a list of embedded values is `[]`
  × error: `@unique` has no meaning for this field
   ╭─[model.graphql:5:90]
 4 │ type Inner @embedded { media: Media @onDelete(do: CASCADE) }
 5 │ type Media @allow(read: "true") { title: String, blocks: [Block!] @default(to: [{a: 1}]) @unique, one: Block @length(max: 3),
   ·                                                                                          ───┬───
   ·                                                                                             ╰── not here
 6 │   two: Block @set(on: CREATE, to: "this.free") @backfill(from: "this.free"), free: JSON }
   ╰────
  help: it is for relations to one record, enums, and scalars other than `Text`, `JSON`, `Money` and `Bytes`
  × error: `@length` has no meaning for this field
   ╭─[model.graphql:5:110]
 4 │ type Inner @embedded { media: Media @onDelete(do: CASCADE) }
 5 │ type Media @allow(read: "true") { title: String, blocks: [Block!] @default(to: [{a: 1}]) @unique, one: Block @length(max: 3),
   ·                                                                                                              ───────┬───────
   ·                                                                                                                     ╰── not here
 6 │   two: Block @set(on: CREATE, to: "this.free") @backfill(from: "this.free"), free: JSON }
   ╰────
  help: it is for `String`, `Text`, `Email`, `Url` and `Locale`, and for lists of scalars or enum values
  × error: `@set` has no meaning for this field
   ╭─[model.graphql:6:14]
 5 │ type Media @allow(read: "true") { title: String, blocks: [Block!] @default(to: [{a: 1}]) @unique, one: Block @length(max: 3),
 6 │   two: Block @set(on: CREATE, to: "this.free") @backfill(from: "this.free"), free: JSON }
   ·              ────────────────┬────────────────
   ·                              ╰── not here
   ╰────
  help: it is for single values and lists of them; clients must send a document
  × error: `@backfill` has no meaning for this field
   ╭─[model.graphql:6:48]
 5 │ type Media @allow(read: "true") { title: String, blocks: [Block!] @default(to: [{a: 1}]) @unique, one: Block @length(max: 3),
 6 │   two: Block @set(on: CREATE, to: "this.free") @backfill(from: "this.free"), free: JSON }
   ·                                                ──────────────┬─────────────
   ·                                                              ╰── not here
   ╰────
  help: a `JSON` field is converted automatically; clients must send other values
"#);
}

#[test]
fn too_many_relations_in_documents() {
    let members: Vec<String> = (0..20).map(|at| format!("m{at}: P")).collect();
    let model = |count: usize| {
        let fields: Vec<String> = (0..count).map(|at| format!("d{at}: [L!]")).collect();
        let (members, fields) = (members.join(" "), fields.join(" "));
        format!("type L @embedded {{ {members} }} type P @allow(read: \"true\") {{ {fields} }}")
    };
    assert!(!told(&model(50)).contains("relations"), "{}", told(&model(50)));
    let message = "the documents of the model hold more than 1000 relations";
    assert_eq!(told(&model(60)).matches(message).count(), 1, "{}", told(&model(60)));
}
