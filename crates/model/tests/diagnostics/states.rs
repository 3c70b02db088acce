//! States and transitions.

use insta::assert_snapshot;

use crate::told;

#[test]
fn no_initial_state() {
    let model = r#"
enum State {
  A @to(state: "B")
  B
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: no state of State is marked `@initial`
   ╭─[model.graphql:1:6]
 1 │ enum State {
   ·      ──┬──
   ·        ╰── has states
 2 │   A @to(state: "B")
   ╰────
  help: mark the state that a new record is in with `@initial`
"#);
}

#[test]
fn two_initial_states() {
    let model = r#"
enum State {
  A @initial @to(state: "B")
  B @initial
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: State has two initial states
   ╭─[model.graphql:2:3]
 1 │ enum State {
 2 │   A @initial @to(state: "B")
   ·   ┬
   ·   ╰── first here
 3 │   B @initial
   ·   ┬
   ·   ╰── again here
 4 │ }
   ╰────
  help: mark exactly one state with `@initial`
"#);
}

#[test]
fn transitions_that_lead_nowhere() {
    let model = r#"
enum State {
  A @initial @to(state: "C") @to(state: "A") @to(state: "Bee")
  Bees @to(state: "A") @to(state: "A", when: "true")
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: State has no state `C`
   ╭─[model.graphql:2:25]
 1 │ enum State {
 2 │   A @initial @to(state: "C") @to(state: "A") @to(state: "Bee")
   ·                         ─┬─
   ·                          ╰── not a state
 3 │   Bees @to(state: "A") @to(state: "A", when: "true")
   ╰────
  help: available names: A, Bees
  × error: A leads to itself
   ╭─[model.graphql:2:41]
 1 │ enum State {
 2 │   A @initial @to(state: "C") @to(state: "A") @to(state: "Bee")
   ·                                         ─┬─
   ·                                          ╰── the same state
 3 │   Bees @to(state: "A") @to(state: "A", when: "true")
   ╰────
  help: remove it; a record can always keep its state
  × error: State has no state `Bee`
   ╭─[model.graphql:2:57]
 1 │ enum State {
 2 │   A @initial @to(state: "C") @to(state: "A") @to(state: "Bee")
   ·                                                         ──┬──
   ·                                                           ╰── not a state
 3 │   Bees @to(state: "A") @to(state: "A", when: "true")
   ╰────
  help: did you mean `Bees`?
  × error: there are two ways from Bees to A
   ╭─[model.graphql:3:24]
 2 │   A @initial @to(state: "C") @to(state: "A") @to(state: "Bee")
 3 │   Bees @to(state: "A") @to(state: "A", when: "true")
   ·                        ──────────────┬──────────────
   ·                                      ╰── again here
 4 │ }
   ╰────
  help: join them: one `@to` with both conditions, joined by `||`
"#);
}

#[test]
fn values_for_fields_that_are_not_there() {
    let model = r#"
enum State {
  A @initial @to(state: "B", set: [{field: "publishdAt", to: "now"}, {field: "state", to: "'A'"}])
  B
}
type Post @allow(read: "true") {
  state: State!
  publishedAt: DateTime
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Post has states of State and no field `publishdAt`
   ╭─[model.graphql:2:62]
 1 │ enum State {
 2 │   A @initial @to(state: "B", set: [{field: "publishdAt", to: "now"}, {field: "state", to: "'A'"}])
   ·                                                              ──┬──
   ·                                                                ╰── the value for `publishdAt`
 3 │   B
 4 │ }
 5 │ type Post @allow(read: "true") {
   ·      ──┬─
   ·        ╰── this collection
 6 │   state: State!
   ╰────
  help: did you mean `publishedAt`?
  × error: a transition cannot set `state` of Post
   ╭─[model.graphql:2:91]
 1 │ enum State {
 2 │   A @initial @to(state: "B", set: [{field: "publishdAt", to: "now"}, {field: "state", to: "'A'"}])
   ·                                                                                           ──┬──
   ·                                                                                             ╰── the value for `state`
 3 │   B
 4 │ }
 5 │ type Post @allow(read: "true") {
   ·      ──┬─
   ·        ╰── this collection
 6 │   state: State!
   ╰────
  help: name a stored field that holds no state and is not written by Backstay itself
"#);
}

#[test]
fn fields_of_states() {
    let model = r#"
enum State {
  A @initial @to(state: "B", set: {field: "x", to: " "})
  B
}
type Post @allow(read: "true") {
  a: State
  b: [State!]
  c: State! @default(to: A)
  x: Int
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: the rule is empty
   ╭─[model.graphql:2:52]
 1 │ enum State {
 2 │   A @initial @to(state: "B", set: {field: "x", to: " "})
   ·                                                    ─┬─
   ·                                                     ╰── nothing in it
 3 │   B
   ╰────
  help: write an expression such as "auth.id != null"; "true" allows everyone
  × error: `a` holds a state, and a record is always in one
   ╭─[model.graphql:6:6]
 5 │ type Post @allow(read: "true") {
 6 │   a: State
   ·      ──┬──
   ·        ╰── can be null
 7 │   b: [State!]
   ╰────
  help: write `State!`
  × error: a list cannot hold states of State
   ╭─[model.graphql:7:7]
 6 │   a: State
 7 │   b: [State!]
   ·       ──┬──
   ·         ╰── has states
 8 │   c: State! @default(to: A)
   ╰────
  help: a record is in one state; use an enum without `@initial` and `@to` for a list
  × error: `@default` has no meaning for this field
   ╭─[model.graphql:8:13]
 7 │   b: [State!]
 8 │   c: State! @default(to: A)
   ·             ───────┬───────
   ·                    ╰── not here
 9 │   x: Int
   ╰────
  help: the state marked `@initial` is the default
"#);
}

/// Each way past a guard is closed when the model is loaded.
#[test]
fn states_change_by_their_own_transitions_alone() {
    let model = r#"
enum State { A @initial @to(state: "B", set: [{field: "other", to: "'D'"}]) B }
enum Other { C @initial @to(state: "D", when: "false") D }
type Post @allow(read: "true") {
  state: State! @set(on: UPDATE, to: "'B'")
  other: Other!
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: a transition cannot set `other` of Post
   ╭─[model.graphql:1:68]
 1 │ enum State { A @initial @to(state: "B", set: [{field: "other", to: "'D'"}]) B }
   ·                                                                    ──┬──
   ·                                                                      ╰── the value for `other`
 2 │ enum Other { C @initial @to(state: "D", when: "false") D }
 3 │ type Post @allow(read: "true") {
   ·      ──┬─
   ·        ╰── this collection
 4 │   state: State! @set(on: UPDATE, to: "'B'")
   ╰────
  help: name a stored field that holds no state and is not written by Backstay itself
  × error: `@set` has no meaning for this field
   ╭─[model.graphql:4:17]
 3 │ type Post @allow(read: "true") {
 4 │   state: State! @set(on: UPDATE, to: "'B'")
   ·                 ─────────────┬─────────────
   ·                              ╰── not here
 5 │   other: Other!
   ╰────
  help: a state changes only through its transitions, so that their guards always run
"#);
}

#[test]
fn what_is_given_with_a_state() {
    let model = r#"
enum State {
  A @initial @to(state: "B", with: ["note"])
    @to(state: "C", by: "true", with: ["note", "note", "at"], set: [{field: "at", to: "now"}])
  B
  C
}
type Post @allow(read: "true") {
  state: State!
  note: String
  at: DateTime
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: `with` belongs to `by`, which is missing here
   ╭─[model.graphql:2:36]
 1 │ enum State {
 2 │   A @initial @to(state: "B", with: ["note"])
   ·                                    ────┬───
   ·                                        ╰── nothing to add to
 3 │     @to(state: "C", by: "true", with: ["note", "note", "at"], set: [{field: "at", to: "now"}])
   ╰────
  help: write `by:` beside it, or remove it; whoever may update the record may change its fields anyway
  × error: `with` names `note` twice
   ╭─[model.graphql:3:48]
 2 │   A @initial @to(state: "B", with: ["note"])
 3 │     @to(state: "C", by: "true", with: ["note", "note", "at"], set: [{field: "at", to: "now"}])
   ·                                                ───┬──
   ·                                                   ╰── again here
 4 │   B
   ╰────
  help: remove it
  × error: the transition sets `at`, so nobody can give it with the state
   ╭─[model.graphql:3:56]
 2 │   A @initial @to(state: "B", with: ["note"])
 3 │     @to(state: "C", by: "true", with: ["note", "note", "at"], set: [{field: "at", to: "now"}])
   ·                                                        ──┬─
   ·                                                          ╰── set by the transition
 4 │   B
   ╰────
  help: remove it from `with` or from `set`
"#);
}

#[test]
fn what_clients_cannot_give_with_a_state() {
    let model = r#"
enum State {
  A @initial @to(state: "B", by: "true", with: ["nott", "slug"])
  B
}
type Post @allow(read: "true") {
  state: State!
  note: String
  slug: String @immutable
}
"#;
    assert_snapshot!(told(model.trim_start()), @r#"
refused
  × error: Post has states of State and no field `nott`
   ╭─[model.graphql:2:49]
 1 │ enum State {
 2 │   A @initial @to(state: "B", by: "true", with: ["nott", "slug"])
   ·                                                 ───┬──
   ·                                                    ╰── given with the state
 3 │   B
 4 │ }
 5 │ type Post @allow(read: "true") {
   ·      ──┬─
   ·        ╰── this collection
 6 │   state: State!
   ╰────
  help: did you mean `note`?
  × error: no client can change `slug` of Post: this field can't change after creation
   ╭─[model.graphql:2:57]
 1 │ enum State {
 2 │   A @initial @to(state: "B", by: "true", with: ["nott", "slug"])
   ·                                                         ───┬──
   ·                                                            ╰── given with the state
 3 │   B
 4 │ }
 5 │ type Post @allow(read: "true") {
   ·      ──┬─
   ·        ╰── this collection
 6 │   state: State!
   ╰────
  help: remove it from `with`
"#);
}
