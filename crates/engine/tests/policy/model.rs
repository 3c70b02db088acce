//! The model of the policy table: one type for each way of hiding something, all with the same fields.

/// The application's own types.
pub(crate) const APPLICATION: &str = r#"
extend schema @app(name: "Policy") @rule(name: "editor", is: "'EDITOR' in auth.roles")

enum Role @roles { EDITOR }

enum Stage {
  OPEN @initial @to(state: "CLOSED", when: "editor") @to(state: "SHUT")
  CLOSED @to(state: "OPEN", when: "editor") @to(state: "GONE", when: "editor")
  GONE
  SHUT
}

type User @identity @allow(read: "auth.id != null", create: "editor", update: "this.id == auth.id", delete: "auth.id != null") {
  email: Email! @unique
  name: String!
}

"Everybody sees it. It refers to one record of each type, and to several."
type Holder @allow(read: "true", create: "auth.id != null", update: "auth.id != null", delete: "auth.id != null") {
  name: String!
  row: Row @onDelete(do: SET_NULL)
  rows: [Row!]
  field: Field @onDelete(do: SET_NULL)
  fields: [Field!]
  partly: Partly @onDelete(do: SET_NULL)
  partlys: [Partly!]
  secret: Secret @onDelete(do: SET_NULL)
  secrets: [Secret!]
}

"Everybody sees it. Records of each type refer to it."
type Keeper @allow(read: "true", create: "auth.id != null", update: "auth.id != null", delete: "auth.id != null") {
  name: String!
  rows: [Row!] @inverse(field: "keeper")
  fields: [Field!] @inverse(field: "keeper")
  partlys: [Partly!] @inverse(field: "keeper")
  secrets: [Secret!] @inverse(field: "keeper")
  manyrows: [Row!] @inverse(field: "keepers")
  manyfields: [Field!] @inverse(field: "keepers")
  manypartlys: [Partly!] @inverse(field: "keepers")
  manysecrets: [Secret!] @inverse(field: "keepers")
}

"Its records are hidden by the type's rule, unless they are public."
type Row
  @allow(
    read: "this.public || editor"
    create: "auth.id != null"
    update: "this.public || editor"
    delete: "this.public || editor"
  )
  @history(read: "this.public || editor") {
  name: String! @search
  public: Boolean! @default(to: false)
  text: String
  code: String @search @unique
  number: Int
  once: String @immutable
  stage: Stage!
  keeper: Keeper @onDelete(do: RESTRICT)
  keepers: [Keeper!]
}

"Its fields are hidden in every record."
type Field @allow(read: "true", create: "auth.id != null", update: "auth.id != null", delete: "auth.id != null")
  @history(read: "true") {
  name: String! @search
  public: Boolean! @default(to: false)
  text: String
  code: String @search @unique @allow(read: "editor")
  number: Int @allow(read: "editor")
  once: String @immutable @allow(read: "editor")
  stage: Stage! @allow(read: "editor")
  keeper: Keeper @onDelete(do: RESTRICT) @allow(read: "editor")
  keepers: [Keeper!] @allow(read: "editor")
}

"Its fields are hidden in some of its records."
type Partly @allow(read: "true", create: "auth.id != null", update: "auth.id != null", delete: "auth.id != null")
  @history(read: "true") {
  name: String! @search
  public: Boolean! @default(to: false)
  text: String
  code: String @search @unique @allow(read: "this.public || editor")
  number: Int @allow(read: "this.public || editor")
  once: String @immutable @allow(read: "this.public || editor")
  stage: Stage! @allow(read: "this.public || editor")
  keeper: Keeper @onDelete(do: RESTRICT) @allow(read: "this.public || editor")
  keepers: [Keeper!] @allow(read: "this.public || editor")
}

"Its fields are secret."
type Secret @allow(read: "true", create: "auth.id != null", update: "auth.id != null", delete: "auth.id != null")
  @history(read: "true") {
  name: String! @search
  public: Boolean! @default(to: false)
  text: String
  code: String @class(is: SECRET)
  number: Int @class(is: SECRET)
  once: String @immutable @class(is: SECRET)
  keeper: Keeper @onDelete(do: RESTRICT)
  keepers: [Keeper!]
}
"#;

/// A type of the system model, with the rule that those of Backstay have.
pub(crate) const SYSTEM: &str = r#"
type BackstayNote @allow(read: "auth.kind == 'OPERATOR'") {
  name: String! @search
  public: Boolean!
  text: String
  code: String @search @unique
  number: Int
  once: String @immutable
  account: User @onDelete(do: CASCADE)
}
"#;
