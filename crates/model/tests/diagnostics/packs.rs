//! Packs, and applications that include them.

use backstay_model::SourceFile;
use insta::assert_snapshot;

use crate::told_of;

const MANIFEST: &str = "extend schema @manifest(name: \"comments\", version: \"1.0\")\n";

const COMMENTS: &str = r#"
type Person @identity @allow(read: "true", create: "true", update: "true") { email: Email! @unique name: String! @length(max: 80) }
enum Role @roles { MODERATOR }
union Subject
type Comment @allow(read: "true", update: "this.author == auth.id", delete: "'MODERATOR' in auth.roles") {
  text: String! @length(min: 1, max: 500) @class(is: PERSONAL)
  stars: Int @range(min: 1, max: 5)
  note: String @default(to: "none")
  subject: Subject!
  author: Person!
}
"#;

const APP: &str = r#"extend schema
  @app(name: "Blog")
  @pack(name: "comments", binds: [{name: "Subject", to: ["Post"]}])
enum Role @roles { ADMIN }
type User @identity @allow(read: "auth.id != null", create: "true") { email: Email! @unique }
type Post @allow(read: "true") { title: String! }
"#;

fn files(app: &str, pack: &str) -> Vec<SourceFile> {
    vec![
        SourceFile::app("model/app.graphql", app),
        SourceFile::app("packs/comments/comment.graphql", format!("{MANIFEST}{}", pack.trim_start())),
    ]
}

/// What is wrong with an application and the pack of comments, where the application also says this.
fn told_with(more: &str) -> String {
    told_of(files(&format!("{APP}{}", more.trim_start()), COMMENTS))
}

#[test]
fn an_application_includes_a_pack() {
    assert_snapshot!(told_with(""), @r#"
loaded
"#);
}

#[test]
fn a_pack_that_is_not_there() {
    let app = "extend schema @app(name: \"A\") @pack(name: \"coments\")\ntype A @allow(read: \"true\") { x: Int }\n";
    assert_snapshot!(told_of(files(app, COMMENTS)), @r#"
refused
  × error: there is no pack `coments`
   ╭─[model/app.graphql:1:43]
 1 │ extend schema @app(name: "A") @pack(name: "coments")
   ·                                           ────┬────
   ·                                               ╰── not in `packs`
 2 │ type A @allow(read: "true") { x: Int }
   ╰────
  help: did you mean `comments`?
"#);
    assert_snapshot!(told_of(vec![SourceFile::app("model/app.graphql", app)]), @r#"
refused
  × error: there is no pack `coments`
   ╭─[model/app.graphql:1:43]
 1 │ extend schema @app(name: "A") @pack(name: "coments")
   ·                                           ────┬────
   ·                                               ╰── not in `packs`
 2 │ type A @allow(read: "true") { x: Int }
   ╰────
  help: put its files into the directory `packs/coments`
"#);
}

#[test]
fn a_pack_that_is_not_included_is_no_part_of_the_model() {
    let app = "extend schema @app(name: \"A\")\ntype A @allow(read: \"true\") { x: Int }\n";
    assert_snapshot!(told_of(files(app, "type {")), @r#"
loaded
"#);
}

/// What is wrong with a pack of this one file.
fn told_of_pack(pack: &str) -> String {
    let app = "extend schema @app(name: \"A\") @pack(name: \"comments\")\ntype A @allow(read: \"true\") { x: Int }\n";
    told_of(vec![SourceFile::app("model/app.graphql", app), SourceFile::app("packs/comments/a.graphql", pack)])
}

#[test]
fn a_pack_without_a_manifest() {
    assert_snapshot!(told_of_pack("type C { x: Int }"), @r#"
refused
  × error: the pack `comments` has no manifest
   ╭─[model/app.graphql:1:31]
 1 │ extend schema @app(name: "A") @pack(name: "comments")
   ·                               ───────────┬───────────
   ·                                          ╰── included here
 2 │ type A @allow(read: "true") { x: Int }
   ╰────
  help: write `extend schema @manifest(name: "comments", version: "1.0")` in one of the files in `packs/comments`
"#);
}

#[test]
fn a_manifest_of_another_pack() {
    let manifest = "extend schema @manifest(name: \"notes\", version: \"one\")\ntype C { x: Int }";
    assert_snapshot!(told_of_pack(manifest), @r#"
refused
  × error: the pack in `packs/comments` is called `notes` in its manifest
   ╭─[packs/comments/a.graphql:1:31]
 1 │ extend schema @manifest(name: "notes", version: "one")
   ·                               ───┬───
   ·                                  ╰── not the name of its directory
 2 │ type C { x: Int }
   ╰────
  help: write `name: "comments"`, or rename the directory
  × error: `one` is not a version
   ╭─[packs/comments/a.graphql:1:49]
 1 │ extend schema @manifest(name: "notes", version: "one")
   ·                                                 ──┬──
   ·                                                   ╰── not a version
 2 │ type C { x: Int }
   ╰────
  help: write one to three numbers with points between them, such as "1.4"
"#);
}

#[test]
fn two_manifests() {
    assert_snapshot!(told_of_pack(&format!("{MANIFEST}{MANIFEST}type C {{ x: Int }}")), @r#"
refused
  × error: the pack `comments` has two manifests
   ╭─[packs/comments/a.graphql:1:15]
 1 │ extend schema @manifest(name: "comments", version: "1.0")
   ·               ─────────────────────┬─────────────────────
   ·                                    ╰── first here
 2 │ extend schema @manifest(name: "comments", version: "1.0")
   ·               ─────────────────────┬─────────────────────
   ·                                    ╰── again here
 3 │ type C { x: Int }
   ╰────
  help: keep one of the two
"#);
}

#[test]
fn a_pack_is_no_application() {
    let others = "extend schema @app(name: \"B\") @pack(name: \"other\")";
    assert_snapshot!(told_of_pack(&format!("{MANIFEST}{others}")), @r#"
refused
  × error: the pack `comments` can't name the application
   ╭─[packs/comments/a.graphql:2:15]
 1 │ extend schema @manifest(name: "comments", version: "1.0")
 2 │ extend schema @app(name: "B") @pack(name: "other")
   ·               ───────┬───────
   ·                      ╰── in a file of a pack
   ╰────
  help: write `@manifest(name: "comments", version: "1.0")`
  × error: the pack `comments` can't include another pack
   ╭─[packs/comments/a.graphql:2:31]
 1 │ extend schema @manifest(name: "comments", version: "1.0")
 2 │ extend schema @app(name: "B") @pack(name: "other")
   ·                               ──────────┬─────────
   ·                                         ╰── in a file of a pack
   ╰────
  help: include it in the application's model; packs may use each other's types
"#);
}

#[test]
fn an_application_is_no_pack() {
    let own = "extend schema @app(name: \"A\") @manifest(name: \"a\", version: \"1\")\n\
               type A @allow(read: \"true\") { x: Int }\n";
    assert_snapshot!(told_of(vec![SourceFile::app("model/app.graphql", own)]), @r#"
refused
  × error: `@manifest` is for the files of a pack
   ╭─[model/app.graphql:1:31]
 1 │ extend schema @app(name: "A") @manifest(name: "a", version: "1")
   ·                               ─────────────────┬────────────────
   ·                                                ╰── in a file of the application
 2 │ type A @allow(read: "true") { x: Int }
   ╰────
  help: write `@app(name: "…")`
"#);
}

#[test]
fn a_pack_that_is_included_twice() {
    assert_snapshot!(told_with("extend schema @pack(name: \"comments\")"), @r#"
refused
  × error: the pack `comments` is included twice
   ╭─[model/app.graphql:3:3]
 2 │   @app(name: "Blog")
 3 │   @pack(name: "comments", binds: [{name: "Subject", to: ["Post"]}])
   ·   ────────────────────────────────┬────────────────────────────────
   ·                                   ╰── first here
 4 │ enum Role @roles { ADMIN }
 5 │ type User @identity @allow(read: "auth.id != null", create: "true") { email: Email! @unique }
 6 │ type Post @allow(read: "true") { title: String! }
 7 │ extend schema @pack(name: "comments")
   ·               ───────────┬───────────
   ·                          ╰── again here
   ╰────
  help: keep one `@pack`, with all its `binds`
"#);
}

/// What is wrong with an application that binds this.
fn told_of_binds(binds: &str) -> String {
    told_of(files(&APP.replace(r#"{name: "Subject", to: ["Post"]}"#, binds), COMMENTS))
}

#[test]
fn a_union_to_which_nothing_is_bound() {
    assert_snapshot!(told_of_binds(""), @r#"
refused
  × error: `Subject` of the pack `comments` stands for no type
   ╭─[model/app.graphql:3:3]
 2 │   @app(name: "Blog")
 3 │   @pack(name: "comments", binds: [])
   ·   ─────────────────┬────────────────
   ·                    ╰── not bound here
 4 │ enum Role @roles { ADMIN }
   ╰────
  help: write `binds: [{name: "Subject", to: ["…"]}]`
        a union to bind: packs/comments/comment.graphql:4:7
"#);
}

#[test]
fn names_that_cannot_be_bound() {
    assert_snapshot!(told_of_binds(r#"{name: "Subjct", to: "Post"}, {name: "Subject", to: ["Pst", "Role"]}"#), @r#"
refused
  × error: the pack `comments` has no `Subjct`
   ╭─[model/app.graphql:3:42]
 2 │   @app(name: "Blog")
 3 │   @pack(name: "comments", binds: [{name: "Subjct", to: "Post"}, {name: "Subject", to: ["Pst", "Role"]}])
   ·                                          ────┬───
   ·                                              ╰── not in the pack
 4 │ enum Role @roles { ADMIN }
   ╰────
  help: did you mean `Subject`?
  × error: there is no `Pst` outside of the pack `comments`
   ╭─[model/app.graphql:3:88]
 2 │   @app(name: "Blog")
 3 │   @pack(name: "comments", binds: [{name: "Subjct", to: "Post"}, {name: "Subject", to: ["Pst", "Role"]}])
   ·                                                                                        ──┬──
   ·                                                                                          ╰── not known
 4 │ enum Role @roles { ADMIN }
   ╰────
  help: did you mean `Post`?
  × error: `Subject` of the pack `comments` is a union, and `Role` is an enum
   ╭─[model/app.graphql:3:95]
 2 │   @app(name: "Blog")
 3 │   @pack(name: "comments", binds: [{name: "Subjct", to: "Post"}, {name: "Subject", to: ["Pst", "Role"]}])
   ·                                                                                               ───┬──
   ·                                                                                                  ╰── of another kind
 4 │ enum Role @roles { ADMIN }
   ╰────
  help: bind it to a type
"#);
}

#[test]
fn a_type_that_is_bound_to_several() {
    assert_snapshot!(told_of_binds(r#"{name: "Subject", to: "Post"}, {name: "Comment", to: ["Post", "User"]}"#), @r#"
refused
  × error: `Comment` of the pack `comments` is a type
   ╭─[model/app.graphql:3:73]
 2 │   @app(name: "Blog")
 3 │   @pack(name: "comments", binds: [{name: "Subject", to: "Post"}, {name: "Comment", to: ["Post", "User"]}])
   ·                                                                         ────┬────
   ·                                                                             ╰── bound to none, or to several
 4 │ enum Role @roles { ADMIN }
   ╰────
  help: write the one that it becomes, such as `to: "Comment"`
"#);
}

#[test]
fn a_bind_of_another_form() {
    assert_snapshot!(told_of_binds(r#"{nme: "Subject", to: "Post"}"#), @r#"
refused
  × error: entries of `binds` have the members `name` and `to`
   ╭─[model/app.graphql:3:41]
 2 │   @app(name: "Blog")
 3 │   @pack(name: "comments", binds: [{nme: "Subject", to: "Post"}])
   ·                                         ────┬────
   ·                                             ╰── not `name` and `to`
 4 │ enum Role @roles { ADMIN }
   ╰────
  help: write `{name: "Person", to: "User"}`: a name of the pack, and what it stands for
"#);
    assert_snapshot!(told_of_binds("\"Subject\""), @r#"
refused
  × error: expected objects with `name` and `to`, found a string
   ╭─[model/app.graphql:3:35]
 2 │   @app(name: "Blog")
 3 │   @pack(name: "comments", binds: ["Subject"])
   ·                                   ────┬────
   ·                                       ╰── another kind of value
 4 │ enum Role @roles { ADMIN }
   ╰────
  help: write a list such as `[{name: "Person", to: "User"}]`
"#);
}

#[test]
fn what_an_application_adds_and_tightens() {
    let more = r#"
extend type Comment @allow(read: "auth.id != null", update: "this.pinned != true") @unique(fields: ["stars", "author"]) {
  pinned: Boolean
  text: String! @length(min: 2, max: 100) @class(is: SECRET) @allow(read: "auth.id != null")
  stars: Int! @range(min: 2, max: 4)
}
"#;
    assert_snapshot!(told_with(more), @r#"
loaded
"#);
}

#[test]
fn fields_that_contradict_those_of_a_pack() {
    let more = r#"
extend type Comment {
  text: String
  note: String @default(to: "some")
  author: Post!
  stars: Int @set(on: CREATE, to: "1")
}
"#;
    assert_snapshot!(told_with(more), @r#"
refused
  × error: `text` of Comment is required by the pack `comments`, and not by the application
   ╭─[model/app.graphql:8:3]
 7 │ extend type Comment {
 8 │   text: String
   ·   ──┬─
   ·     ╰── not required
 9 │   note: String @default(to: "some")
   ╰────
  help: write `text: String!`
        required: packs/comments/comment.graphql:6:3
  × error: `@default` of `note` of Comment is written in two ways, by the pack `comments` and by the application
    ╭─[model/app.graphql:9:16]
  8 │   text: String
  9 │   note: String @default(to: "some")
    ·                ──────────┬─────────
    ·                          ╰── and this
 10 │   author: Post!
    ╰────
  help: leave `@default` out where the field is declared again
        this: packs/comments/comment.graphql:8:16
  × error: `author` of Comment is of type `User!` in the pack `comments`, and of type `Post!` in the application
    ╭─[model/app.graphql:10:3]
  9 │   note: String @default(to: "some")
 10 │   author: Post!
    ·   ───┬──
    ·      ╰── and this
 11 │   stars: Int @set(on: CREATE, to: "1")
    ╰────
  help: write `author: User!`, or give the field another name
        this: packs/comments/comment.graphql:10:3
  × error: `@set` can't be added to `stars` of Comment, which is a field of the pack `comments`
    ╭─[model/app.graphql:11:14]
 10 │   author: Post!
 11 │   stars: Int @set(on: CREATE, to: "1")
    ·              ────────────┬────────────
    ·                          ╰── not here
 12 │ }
    ╰────
  help: a field that is declared again can be restricted with `@allow`, `@check`, `@length`, `@range`, `@pattern`,
        `@class`, `@unique`, `@readonly` and `@immutable`
        declared here: packs/comments/comment.graphql:7:3
"#);
}

#[test]
fn limits_that_are_looser_than_those_of_a_pack() {
    let more = "extend type Comment { text: String! @length(max: 501) stars: Int @range(min: 0, max: 3) }";
    assert_snapshot!(told_with(more), @r#"
refused
  × error: `@length` of `text` loosens what the pack `comments` says
   ╭─[model/app.graphql:7:37]
 6 │ type Post @allow(read: "true") { title: String! }
 7 │ extend type Comment { text: String! @length(max: 501) stars: Int @range(min: 0, max: 3) }
   ·                                     ────────┬────────
   ·                                             ╰── looser
   ╰────
  help: write a stricter `@length`, or leave it out
        stricter: packs/comments/comment.graphql:6:17
  × error: `@range` of `stars` loosens what the pack `comments` says
   ╭─[model/app.graphql:7:66]
 6 │ type Post @allow(read: "true") { title: String! }
 7 │ extend type Comment { text: String! @length(max: 501) stars: Int @range(min: 0, max: 3) }
   ·                                                                  ───────────┬──────────
   ·                                                                             ╰── looser
   ╰────
  help: write a stricter `@range`, or leave it out
        stricter: packs/comments/comment.graphql:7:14
"#);
}

#[test]
fn a_class_that_protects_otherwise() {
    let medical = COMMENTS.replace("is: PERSONAL", "is: MEDICAL");
    let app = format!("{APP}extend type Comment {{ text: String! @class(is: CARD) }}");
    assert_snapshot!(told_of(files(&app, &medical)), @r#"
refused
  × error: `@class` of `text` loosens what the pack `comments` says
   ╭─[model/app.graphql:7:37]
 6 │ type Post @allow(read: "true") { title: String! }
 7 │ extend type Comment { text: String! @class(is: CARD) }
   ·                                     ────────┬───────
   ·                                             ╰── looser
   ╰────
  help: write a stricter `@class`, or leave it out
        stricter: packs/comments/comment.graphql:6:43
"#);
}

#[test]
fn what_only_the_owner_of_a_type_says() {
    assert_snapshot!(told_with("extend type Comment @trash @key(type: INT) { x: Int }"), @r#"
refused
  × error: `@trash` can't be added to Comment, which is a type of the pack `comments`
   ╭─[model/app.graphql:7:21]
 6 │ type Post @allow(read: "true") { title: String! }
 7 │ extend type Comment @trash @key(type: INT) { x: Int }
   ·                     ───┬──
   ·                        ╰── not here
   ╰────
  help: others than its owner can add fields, and write `@allow`, `@check`, `@unique`, `@exclude`, `@index`, `@path`
        and `@deprecated`
        defined here: packs/comments/comment.graphql:5:6
  × error: `@key` can't be added to Comment, which is a type of the pack `comments`
   ╭─[model/app.graphql:7:28]
 6 │ type Post @allow(read: "true") { title: String! }
 7 │ extend type Comment @trash @key(type: INT) { x: Int }
   ·                            ───────┬───────
   ·                                   ╰── not here
   ╰────
  help: others than its owner can add fields, and write `@allow`, `@check`, `@unique`, `@exclude`, `@index`, `@path`
        and `@deprecated`
        defined here: packs/comments/comment.graphql:5:6
"#);
}

#[test]
fn an_interface_that_brings_what_only_the_owner_says() {
    let more = r#"
interface Kept implements Base { memo: String }
interface Base @history(read: "true") { memo: String }
extend type Comment implements Kept
"#;
    assert_snapshot!(told_with(more), @r#"
refused
  × error: Kept has `@history`, which can't be added to Comment, a type of the pack `comments`
   ╭─[model/app.graphql:9:32]
 8 │ interface Base @history(read: "true") { memo: String }
 9 │ extend type Comment implements Kept
   ·                                ──┬─
   ·                                  ╰── implemented here
   ╰────
  help: implement an interface without it; others than its owner can add fields and restrict a type
        defined here: packs/comments/comment.graphql:5:6
"#);
}

#[test]
fn a_rule_about_what_a_pack_lets_nobody_do() {
    assert_snapshot!(told_with("extend type Comment @allow(create: \"true\")"), @r#"
refused
  × error: the pack `comments` lets nobody create a Comment, so this rule allows nothing
   ╭─[model/app.graphql:7:36]
 6 │ type Post @allow(read: "true") { title: String! }
 7 │ extend type Comment @allow(create: "true")
   ·                                    ───┬──
   ·                                       ╰── narrows what nobody may
   ╰────
  help: remove `create:`; what the application says of a type of the pack `comments` narrows it and never widens it
"#);
}

#[test]
fn what_is_defined_twice() {
    assert_snapshot!(told_with("type Comment @allow(read: \"true\") { x: Int }"), @r#"
refused
  × error: there are two types called `Comment`, of the application and of the pack `comments`
   ╭─[packs/comments/comment.graphql:5:6]
 4 │ union Subject
 5 │ type Comment @allow(read: "true", update: "this.author == auth.id", delete: "'MODERATOR' in auth.roles") {
   ·      ───┬───
   ·         ╰── and this
 6 │   text: String! @length(min: 1, max: 500) @class(is: PERSONAL)
   ╰────
  help: write `extend type Comment` in the application to add to that of the pack, or `@pack(name: "comments", binds:
        [{name: "Comment", to: "Comment"}])` to make them one
        this: model/app.graphql:7:6
"#);
}

#[test]
fn a_named_rule_of_an_application_and_of_a_pack() {
    let rule = |is: &str| format!("extend schema @rule(name: \"mine\", is: \"{is}\")\n");
    let (app, pack) = (format!("{APP}{}", rule("true")), format!("{}{COMMENTS}", rule("auth.id != null")));
    assert_snapshot!(told_of(files(&app, &pack)), @r#"
loaded
"#);
    let twice = format!("{pack}{}", rule("false"));
    assert_snapshot!(told_of(files(&app, &twice)), @r#"
refused
  × error: the rule `mine` is defined twice
   ╭─[packs/comments/comment.graphql:2:15]
 1 │ extend schema @manifest(name: "comments", version: "1.0")
 2 │ extend schema @rule(name: "mine", is: "auth.id != null")
   ·               ─────────────────────┬────────────────────
   ·                                    ╰── first here
 3 │ 
   ╰────
    ╭─[packs/comments/comment.graphql:14:15]
 13 │ }
 14 │ extend schema @rule(name: "mine", is: "false")
    ·               ────────────────┬───────────────
    ·                               ╰── again here
    ╰────
  help: remove one of the two, or give it another name
"#);
}

#[test]
fn the_states_of_a_pack() {
    let pack = format!("{COMMENTS}enum State {{ OPEN @initial @to(state: \"SHUT\") SHUT }}");
    assert_snapshot!(told_of(files(&format!("{APP}extend enum State {{ GONE }}\n"), &pack)), @r#"
refused
  × error: the states of State are those of the pack `comments`
   ╭─[model/app.graphql:7:13]
 6 │ type Post @allow(read: "true") { title: String! }
 7 │ extend enum State { GONE }
   ·             ──┬──
   ·               ╰── extended here
   ╰────
  help: give the enum another name, or use a field of your own beside the state
        defined here: packs/comments/comment.graphql:12:6
"#);
}

#[test]
fn values_of_enums_that_are_marked_in_two_ways() {
    let app = format!("{APP}enum Tone {{ WARM COLD @deprecated(reason: \"use WARM\") }}");
    let pack = format!("{COMMENTS}enum Tone {{ WARM COLD @deprecated(reason: \"too cold\") }}");
    assert_snapshot!(told_of(files(&app, &pack)), @r#"
refused
  × error: `COLD` of Tone is marked in two ways
    ╭─[packs/comments/comment.graphql:12:18]
 11 │ }
 12 │ enum Tone { WARM COLD @deprecated(reason: "too cold") }
    ·                  ──┬─
    ·                    ╰── and in this
    ╰────
  help: write the value alone, or leave it out
        in this way: model/app.graphql:7:18
"#);
}

#[test]
fn the_interface_of_a_pack() {
    let pack =
        format!("{COMMENTS}interface Noted {{ memo: String }}\ntype Memo implements Noted @allow(read: \"true\")");
    let app = format!("{APP}extend interface Noted @allow(create: \"true\") {{ more: Int }}\n");
    assert_snapshot!(told_of(files(&app, &pack)), @r#"
refused
  × error: `@allow` can't be added to Noted, which is an interface of the pack `comments`
   ╭─[model/app.graphql:7:24]
 6 │ type Post @allow(read: "true") { title: String! }
 7 │ extend interface Noted @allow(create: "true") { more: Int }
   ·                        ───────────┬──────────
   ·                                   ╰── not here
   ╰────
  help: write it on the types that implement the interface
        defined here: packs/comments/comment.graphql:12:11
"#);
}

#[test]
fn an_update_is_narrowed_with_after() {
    let more = "extend type Comment @allow(update: \"auth.id != null\", after: \"new.text != 'x'\")";
    assert_snapshot!(told_with(more), @r#"
loaded
"#);
}

#[test]
fn fields_of_a_pack_that_nobody_can_use() {
    let pack = |allow: &str| COMMENTS.replace(r#" @allow(read: "true", create: "true", update: "true")"#, allow);
    assert_snapshot!(told_of(files(APP, &pack(""))), @r#"
loaded
  ⚠ warning[no-allow]: nobody can read `name` of User
   ╭─[packs/comments/comment.graphql:2:47]
 1 │ extend schema @manifest(name: "comments", version: "1.0")
 2 │ type Person @identity { email: Email! @unique name: String! @length(max: 80) }
   ·                                               ──┬─
   ·                                                 ╰── the pack `comments` has no `read:` for Person
 3 │ enum Role @roles { MODERATOR }
   ╰────
  help: in the pack `comments`, write `@allow(read: …)` on Person or on the field; or declare the field in User too,
        whose rules then apply to it
        if it is meant: `# lint-ignore no-allow (reason)` on the line above; see docs/lints.md#no-allow
"#);
    assert_snapshot!(told_of(files(APP, &pack(" @allow(read: \"true\")"))), @r#"
loaded
  ⚠ warning[no-allow]: nobody can create a User: `name` is required, and nobody can set it
   ╭─[packs/comments/comment.graphql:2:68]
 1 │ extend schema @manifest(name: "comments", version: "1.0")
 2 │ type Person @identity @allow(read: "true") { email: Email! @unique name: String! @length(max: 80) }
   ·                                                                    ──┬─
   ·                                                                      ╰── the pack `comments` has no `create:` for Person
 3 │ enum Role @roles { MODERATOR }
   ╰────
  help: in the pack `comments`, write `@allow(create: …)` on Person or on the field; or declare the field in User too,
        whose rules then apply to it
        if it is meant: `# lint-ignore no-allow (reason)` on the line above; see docs/lints.md#no-allow
"#);
}
