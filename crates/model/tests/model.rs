//! What a model that holds becomes.

use std::fmt::Write;

use backstay_model::{Collection, DIRECTIVES, Element, FieldKind, Model, OwnerName, SourceFile, load};
use backstay_scalar::{Scalar, Value};
use insta::assert_snapshot;

fn model(text: &str) -> Model {
    load(vec![SourceFile::app("model.graphql", text)]).map_err(|refused| refused.to_string()).expect("loads").model
}

fn kind(model: &Model, kind: &FieldKind) -> String {
    let name = |id| &model.collection(id).name;
    match kind {
        FieldKind::Scalar(scalar) => format!("{scalar:?}"),
        FieldKind::Enum(id) => model.enumeration(*id).name.clone(),
        FieldKind::List(element) => format!("{element:?}"),
        FieldKind::Document(document) => format!("{document:?}"),
        FieldKind::Embedded(id) => format!("embedded {}", model.embedded(*id).name),
        FieldKind::ToOne { target, on_delete, .. } => format!("one {} {on_delete:?}", name(*target)),
        FieldKind::ToOneOf { union, on_delete } => {
            format!("one of {} {on_delete:?}", model.record_union(*union).name)
        }
        FieldKind::OneToOne { target, via, .. } => {
            format!("other end {} via {}", name(*target), model.field(*target, *via).name)
        }
        FieldKind::OneToMany { target, via } => {
            format!("many {} via {}", name(*target), model.field(*target, *via).name)
        }
        FieldKind::Lineage { target, toward } => format!("many {} toward {toward:?}", name(*target)),
        FieldKind::ManyToMany { target, link } => format!(
            "many {} by {}({}, {}) owner {} inverse {}",
            name(*target),
            link.table,
            link.near,
            link.far,
            link.owner,
            link.inverse.map_or("-", |field| &model.field(*target, field).name)
        ),
    }
}

fn described(model: &Model, collection: &Collection) -> String {
    let mut text = format!("{} {} /api/{}\n", collection.name, collection.table, collection.path);
    for field in collection.fields.iter().skip(4) {
        let required = if field.required { "!" } else { "" };
        let default = model.default_of(field).map_or(String::new(), |value| format!(" = {value:?}"));
        let kind = kind(model, &field.kind);
        let columns: Vec<&str> = field.columns.iter().map(|column| column.name.as_str()).collect();
        writeln!(text, "  {} {}: {kind}{required}{default}", field.name, columns.join(" ")).expect("writes");
    }
    for index in &collection.indexes {
        writeln!(text, "  {} {}", if index.unique { "unique" } else { "index" }, index.name).expect("writes");
    }
    text
}

fn all(model: &Model) -> String {
    model.collections.iter().map(|collection| described(model, collection)).collect()
}

const NEWSROOM: &str = r#"
extend schema
  @app(name: "Newsroom")
  @rule(name: "editor", is: "'EDITOR' in auth.roles")

enum Role @roles { EDITOR WRITER }

"A person who can sign in."
type User @identity @allow(read: "true", update: "this.id == auth.id") {
  email: Email! @unique @class(is: PERSONAL) @allow(read: "this.id == auth.id || editor")
  name: String! @check(rule: "size(this.name) <= 80", message: "at most 80 characters")
}

enum PostState {
  DRAFT     @initial @to(state: "REVIEW")
  REVIEW    @to(state: "PUBLISHED", when: "editor", set: [{field: "publishedAt", to: "now"}]) @to(state: "DRAFT")
  PUBLISHED @to(state: "DRAFT", when: "editor")
}

type Post
  @allow(read: "this.state == 'PUBLISHED' || this.author == auth.id || editor",
         create: "auth.id != null",
         update: "this.author == auth.id || editor",
         delete: "editor")
  @index(fields: ["state", "publishedAt"]) {
  title: String!
  body: Text!
  state: PostState!
  author: User! @onDelete(do: RESTRICT) @set(on: CREATE, to: "auth.id")
  comments: [Comment!] @inverse(field: "post")
  publishedAt: DateTime @readonly
}

type Comment @allow(read: "true") {
  post: Post! @onDelete(do: CASCADE)
  text: Text!
}
"#;

#[test]
fn the_newsroom_loads() {
    let loaded = load(vec![SourceFile::app("news.graphql", NEWSROOM)]).expect("loads");
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let model = loaded.model;
    assert_snapshot!(all(&model), @r#"
User user /api/users
  email email: Email!
  name name: String!
  unique ux_user__email
Post post /api/posts
  title title: String!
  body body: Text!
  state state: PostState! = Text("DRAFT")
  author author_id: one User Restrict!
  comments : many Comment via post
  publishedAt published_at: DateTime
  index ix_post__state__published_at
  index ix_post__author_id
Comment comment /api/comments
  post post_id: one Post Cascade!
  text text: Text!
  index ix_comment__post_id
"#);
    assert_eq!(model.name, "Newsroom");
    let editor = model.rules.meant(&OwnerName::Application, "editor").map(|id| model.rules.get(id)).expect("the rule");
    assert_eq!(editor.is.text.as_ref(), "'EDITOR' in auth.roles");
    let post = model.collection_at("posts").expect("is there");
    assert_eq!(post.allow[0].clauses[0].delete.as_ref().map(|rule| rule.text.as_ref()), Some("editor"));
    let transition = &model.enums[1].values[1].transitions[0];
    assert_eq!((&*transition.to, &*transition.set[0].0), ("PUBLISHED", "publishedAt"));
    assert_eq!(model.sources.text(transition.set[0].1.span), "\"now\"");
}

#[test]
fn relations_of_every_kind() {
    let model = model(
        r#"
        extend schema @app(name: "Test")
        type Category @allow(read: "true") {
          parent: Category
          children: [Category!] @inverse(field: "parent")
          related: [Category!]
          relatedBy: [Category!] @inverse(field: "related")
          posts: [Post!] @inverse(field: "categories")
        }
        type Post @allow(read: "true") @unique(fields: ["main", "title"]) {
          title: String!
          main: Category! @onDelete(do: CASCADE)
          second: Category @unique
          categories: [Category!]!
        }
        "#,
    );
    assert_snapshot!(all(&model), @r#"
Category category /api/categories
  parent parent_id: one Category SetNull
  children : many Category via parent
  related : many Category by category__related(from_id, to_id) owner true inverse relatedBy
  relatedBy : many Category by category__related(to_id, from_id) owner false inverse related
  posts : many Post by post__categories(category_id, post_id) owner false inverse categories
  index ix_category__parent_id
Post post /api/posts
  title title: String!
  main main_id: one Category Cascade!
  second second_id: one Category SetNull
  categories : many Category by post__categories(post_id, category_id) owner true inverse posts
  unique ux_post__second_id
  unique ux_post__main_id__title
"#);
    let categories = model.collection_named("Post").and_then(|post| post.field_named("categories")).expect("is there");
    let FieldKind::ManyToMany { link, .. } = &categories.kind else { panic!("is a link") };
    assert_eq!(link.index_name(), "ix_post__categories__category_id");
}

#[test]
fn defaults_of_every_type() {
    let model = model(
        r#"
        extend schema @app(name: "Test")
        enum Color { RED GREEN }
        type All @allow(read: "true") {
          a: String @default(to: "x")
          b: Int @default(to: 9007199254740993)
          c: Float @default(to: 1)
          d: Decimal @precision(digits: 5, scale: 2) @default(to: 123.45)
          e: Boolean @default(to: false)
          f: DateTime @default(to: "2026-01-31T12:00:00+02:00")
          g: Date @default(to: "2026-01-31")
          h: Email @default(to: "Someone@Example.com")
          i: Url @default(to: "https://example.com/")
          j: Money @default(to: {amount: "12.5", currency: "EUR"})
          k: Color! @default(to: GREEN)
          l: [Color!]! @default(to: [RED])
          m: JSON @default(to: {a: [1, 2.5, "q\"\n", null], b: true})
          n: Text @default(to: """
            two
              lines
          """)
        }
        "#,
    );
    assert_snapshot!(all(&model), @r#"
All all /api/alls
  a a: String = Text("x")
  b b: Int = Int(9007199254740993)
  c c: Float = Float(1.0)
  d d: Decimal { precision: 5, scale: 2 } = Decimal(123.45)
  e e: Boolean = Bool(false)
  f f: DateTime = Timestamp(Timestamp(1769853600000000))
  g g: Date = Date(Date(20484))
  h h: Email = Text("someone@example.com")
  i i: Url = Text("https://example.com/")
  j j j_currency: Money = Money(Money { amount: 12.5, currency: Currency([69, 85, 82]) })
  k k: Color! = Text("GREEN")
  l l: Enum(EnumId(0))! = List([Text("RED")])
  m m: Json = Json("{\"a\":[1,2.5,\"q\\\"\\n\",null],\"b\":true}")
  n n: Text = Text("two\n  lines")
"#);
}

#[test]
fn standard_fields_can_be_described() {
    let model = model(
        r#"
        extend schema @app(name: "Test")
        type Post @allow(read: "true") {
          "When it was written."
          createdAt: DateTime!
          id: ID!
          title: String
        }
        "#,
    );
    let post = &model.collections[0];
    let names: Vec<&str> = post.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["id", "createdAt", "updatedAt", "version", "title"]);
    assert_eq!(post.field(Collection::CREATED_AT).description.as_deref(), Some("When it was written."));
}

#[test]
fn a_type_can_be_extended_over_files() {
    let files = vec![
        SourceFile::app("b.graphql", "extend type Post { body: Text }"),
        SourceFile::app(
            "a.graphql",
            "extend schema @app(name: \"T\") type Post @allow(read: \"true\") { title: String }",
        ),
    ];
    let model = load(files).expect("loads").model;
    assert!(model.collections[0].field_named("body").is_some());
    assert_eq!(model.sources.files[0].name, "a.graphql");
}

/// Each interface counts once, wherever and however often the parts of a type reach it.
#[test]
fn parts_of_a_type_share_interfaces() {
    let interfaces = "interface Base @index(fields: [\"name\"]) { name: String @length(max: 9) } \
                      interface A implements Base { name: String a: Int } interface B implements Base { b: Int }";
    for parts in [
        "type Post implements A { own: Int } extend type Post implements B { more: Int }",
        "type Post implements A { own: Int } extend type Post implements Base & B { more: Int }",
        "type Post implements Base { own: Int } extend type Post implements A & B { more: Int }",
        "type Post { own: Int } extend type Post implements A { more: Int } extend type Post implements B",
        "type Post implements C { own: Int } interface C { more: Int } extend interface C implements A & B",
    ] {
        let text =
            format!("extend schema @app(name: \"T\") {interfaces} {parts} extend type Post @allow(read: \"true\")");
        let loaded = load(vec![SourceFile::app("m.graphql", text)]);
        let model = loaded.unwrap_or_else(|diagnostics| panic!("{parts}: {diagnostics}")).model;
        let post = &model.collections[0];
        let mut names: Vec<&str> = post.fields[4..].iter().map(|field| field.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "more", "name", "own"], "{parts}");
        assert_eq!(post.indexes.len(), 1, "{parts}");
    }
}

#[test]
fn a_part_of_a_rule_has_its_place_in_the_file() {
    let check = |literal: &str, part: &str, expected: &str| {
        let text = format!("extend schema @app(name: \"T\")\ntype P @allow(read: {literal}) {{ a: Int }}\n");
        let model = load(vec![SourceFile::app("m.graphql", text)]).expect("loads").model;
        let rule = model.collections[0].allow[0].clauses[0].read.clone().expect("a rule");
        let at = rule.text.find(part).expect("the rule has it");
        let span = model.sources.within(&rule, at..at + part.len());
        assert_eq!(model.sources.text(span), expected, "{literal}");
    };
    check(r#""auth.id == null""#, "null", "null");
    check(r#""this.a == \"x\" && b""#, "b", "b");
    check(r#""this.a == \"x\" && b""#, "\"x\"", r#"\"x\""#);
    check(r#""'\u00e9\ud83d\ude00' == c""#, "c", "c");
    check("\"\"\"\n    this.a == 1 &&\n      bad > 2\n  \"\"\"  # ends here\n", "bad", "bad");
    check("\"\"\"\n    'é' == \\\"\"\" || bad\n  \"\"\"", "bad", "bad");
}

#[test]
fn the_fingerprint_follows_names_and_texts_alone() {
    let of = |files: Vec<SourceFile>| backstay_model::SourceMap::new(files).fingerprint_input();
    let (a, b) = (SourceFile::app("a", "x"), SourceFile::app("b", "y"));
    assert_eq!(of(vec![a.clone(), b.clone()]), of(vec![b.clone(), a.clone()]));
    assert_ne!(of(vec![a.clone()]), of(vec![SourceFile::system("a", "x")]));
    assert_ne!(of(vec![SourceFile::app("ab", "c")]), of(vec![SourceFile::app("a", "bc")]));
}

#[test]
fn the_application_needs_a_name() {
    let refused = load(vec![SourceFile::app("m.graphql", "type P @allow(read: \"true\") { a: Int }")]);
    let refused = refused.expect_err("has no name").plain();
    assert_eq!(refused[0].message, "the application has no name");
    assert_eq!(refused[0].file, None);
}

#[test]
fn limits_hold() {
    let check = |text: String, expected: &str| {
        let refused = load(vec![SourceFile::app("m.graphql", text)]).expect_err("is too large");
        assert_eq!(refused.iter().next().expect("one").message, expected);
    };
    let many = |count: usize, one: fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(" ");
    let fields = many(200, |n| format!("f{n}: Int"));
    check(format!("type P {{ {fields} }}"), "there are 204 fields, more than 200");
    let types = many(1001, |n| format!("type P{n} {{ a: Int }}"));
    check(types, "there are 1001 types, more than 1000");
    let values = many(501, |n| format!("V{n}"));
    let values = format!("extend schema @app(name: \"T\") enum E {{ {values} }}");
    check(values, "there are 501 values in this enum, more than 500");
    check(" ".repeat(1024 * 1024 + 1), "m.graphql is larger than 1048576 bytes");
    let rule = "a".repeat(4097);
    let text = format!("extend schema @app(name: \"T\") type P @allow(read: \"{rule}\") {{ a: Int }}");
    check(text, "the rule is longer than 4096 bytes");
}

#[test]
fn plain_diagnostics_have_lines_and_columns() {
    let refused = load(vec![SourceFile::app("m.graphql", "type P {\n  é: Int\n  a: Intt\n}\n")]);
    let plain = refused.expect_err("is wrong").plain();
    let first = plain.first().expect("one");
    assert_eq!((first.severity, first.file.as_deref()), ("error", Some("m.graphql")));
    let start = first.start.expect("a place");
    assert_eq!((start.line, start.column), (2, 3));
}

#[test]
fn the_shipped_directives_are_whole() {
    for directive in [
        "app",
        "roles",
        "rule",
        "allow",
        "check",
        "unique",
        "index",
        "default",
        "set",
        "readonly",
        "immutable",
        "inverse",
        "onDelete",
        "identity",
        "class",
        "initial",
        "to",
        "path",
        "precision",
    ] {
        assert!(DIRECTIVES.contains(&format!("directive @{directive}")), "{directive}");
    }
}

mod mutated {
    use super::{NEWSROOM, SourceFile, Value, load};
    use proptest::prelude::*;

    /// Loading ends, whatever the text; where it succeeds, every default can be asked for.
    fn survives(text: &str) {
        if let Ok(loaded) = load(vec![SourceFile::app("m.graphql", text)]) {
            let model = loaded.model;
            for field in model.collections.iter().flat_map(|collection| &collection.fields) {
                assert_ne!(model.default_of(field), Some(Value::Null));
            }
        } else if let Err(refused) = load(vec![SourceFile::app("m.graphql", text)]) {
            assert!(refused.has_errors());
            assert!(!refused.to_string().is_empty());
        }
    }

    #[test]
    fn every_truncation_is_survived() {
        for end in (0..NEWSROOM.len()).step_by(7) {
            survives(&NEWSROOM[..end]);
        }
    }

    /// Whatever a long line holds, its first mistake is found in time that grows with it, not with its square.
    #[test]
    fn a_long_line_of_mistakes_is_survived() {
        for unit in ["type A @allow ", "allow: Int ", "allow ", "\"a\" ", "\"a\"b", "\"\n\\", "( ", ": "] {
            survives(&format!("type B @allow(read: \"a\") {{ a: Int {} = ", unit.repeat(30_000)));
            survives(&format!("type B @allow(read: {} = ", unit.repeat(30_000)));
        }
    }

    /// A sign that is left out is one mistake, in its line or soon after it.
    #[test]
    fn a_missing_sign_is_one_error() {
        for (at, sign) in NEWSROOM.match_indices(|sign: char| "{}()[]\":!@".contains(sign)) {
            let mut text = NEWSROOM.to_owned();
            text.remove(at);
            let Err(refused) = load(vec![SourceFile::app("m.graphql", text)]) else { continue };
            let line = NEWSROOM[..=at].lines().count();
            let errors = refused.plain();
            assert_eq!(errors.len(), 1, "without the {sign} of line {line}: {refused}");
        }
    }

    #[test]
    fn a_long_line_is_told_without_an_excerpt() {
        let text = format!("type P {{ {} b: Intt }}", "a: Int ".repeat(20_000));
        let refused = load(vec![SourceFile::app("m.graphql", text)]).expect_err("is wrong").to_string();
        assert!(refused.contains("m.graphql:1:"), "{}", &refused[..200]);
        assert!(refused.len() < 100_000);
    }

    #[test]
    fn depth_is_survived() {
        for depth in [10, 100, 1000, 100_000] {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            let post = |fields: String| format!("extend schema @app(name: \"T\") type P {{ {fields} }}");
            survives(&post(format!("a: JSON @default(to: {open}1{close})")));
            survives(&post(format!("a: {open}Int!{close}")));
            survives(&post(format!("a: Int @default(to: {}", "{a: ".repeat(depth))));
            survives(&"{".repeat(depth));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn every_mutation_is_survived(
            cuts in prop::collection::vec((0..NEWSROOM.len(), 0..NEWSROOM.len(), 0..40_usize), 1..4),
            junk in "[\\PC\n\"{}@!\\[\\]:()\\\\]{0,6}",
        ) {
            let mut text = NEWSROOM.to_owned();
            for (from, to, length) in cuts {
                let piece: String = NEWSROOM.chars().skip(from).take(length).collect();
                let at = to.min(text.len());
                let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                text.insert_str(at, &piece);
                text.insert_str(at, &junk);
                let end = (at + length).min(text.len());
                if text.is_char_boundary(end) {
                    text.drain(at..end);
                }
            }
            survives(&text);
        }
    }
}

#[test]
fn clients_write_what_the_model_leaves_to_them() {
    let model = model(
        r#"
extend schema @app(name: "Pieces")

type Topic @allow(read: "true") { pieces: [Piece!] @inverse(field: "topics") }

type Piece @allow(read: "true") {
  title: String
  slug: String @immutable
  stamp: String @readonly
  changed: DateTime @set(on: UPDATE, to: "now")
  topics: [Topic!]
  parent: Piece
  parts: [Piece!] @inverse(field: "parent")
}
"#,
    );
    let mut text = String::new();
    for collection in &model.collections {
        for field in &collection.fields {
            let reason = field.refused_to_clients().unwrap_or("-");
            writeln!(text, "{}.{}: {reason}", collection.name, field.name).expect("writes");
        }
    }
    assert_snapshot!(text, @r"
    Topic.id: Backstay sets this field
    Topic.createdAt: Backstay sets this field
    Topic.updatedAt: Backstay sets this field
    Topic.version: Backstay sets this field
    Topic.pieces: set this relation from the other side
    Piece.id: Backstay sets this field
    Piece.createdAt: Backstay sets this field
    Piece.updatedAt: Backstay sets this field
    Piece.version: Backstay sets this field
    Piece.title: -
    Piece.slug: -
    Piece.stamp: this field is read-only
    Piece.changed: the model sets this field
    Piece.topics: -
    Piece.parent: -
    Piece.parts: set this relation from the other side
    ");
}

#[test]
fn a_type_of_the_model_takes_the_place_of_a_scalar_of_its_name() {
    let model = model(
        r#"
        extend schema @app(name: "Test")
        type Country @allow(read: "true") { name: String! }
        enum Locale { EN DE }
        type City @allow(read: "true") { country: Country! locale: Locale time: Time }
        "#,
    );
    let city = model.collection_named("City").expect("is there");
    let kind = |name: &str| &city.field_named(name).expect("is there").kind;
    assert!(matches!(kind("country"), FieldKind::ToOne { .. }));
    assert!(matches!(kind("locale"), FieldKind::Enum(_)));
    assert_eq!(*kind("time"), FieldKind::Scalar(Scalar::Time));
}

#[test]
fn what_a_type_of_the_application_is_called_is_nothing_to_a_type_of_the_system() {
    let application = r#"
        extend schema @app(name: "Test")
        type DateTime @allow(read: "true") { name: String! }
        enum JSON { A B }
        type City @allow(read: "true") { at: DateTime json: JSON }
    "#;
    let system = r#"type BackstayNote @allow(read: "true") { at: DateTime! json: JSON ats: [DateTime!] }"#;
    let files =
        [SourceFile::app("model/app.graphql", application), SourceFile::system("backstay/note.graphql", system)];
    let model = load(files.to_vec()).expect("a model").model;
    let note = model.collection_named("BackstayNote").expect("is there");
    let kind = |name: &str| note.field_named(name).expect("is there").kind.clone();
    assert_eq!(kind("at"), FieldKind::Scalar(Scalar::DateTime));
    assert_eq!(kind("json"), FieldKind::Scalar(Scalar::Json));
    assert_eq!(kind("ats"), FieldKind::List(Element::Scalar(Scalar::DateTime)));
}

/// The scalars that `directives.graphql` declares for editors, and those that GraphQL has itself.
#[test]
fn editors_know_the_scalars_that_fields_can_have() {
    // A type for the arguments of directives.
    const NOT_FOR_FIELDS: &str = "BackstayLiteral";
    let document = apollo_compiler::ast::Document::parse(DIRECTIVES, "directives.graphql").expect("parses");
    let declared = document.definitions.iter().filter_map(|definition| definition.as_scalar_type_definition());
    let declared = declared.map(|scalar| scalar.name.to_string()).filter(|name| name != NOT_FOR_FIELDS);
    let built_in = ["ID", "String", "Int", "Float", "Boolean"].map(str::to_owned);
    let mut known: Vec<String> = declared.chain(built_in).collect();
    let mut all: Vec<String> = Scalar::ALL.iter().map(|scalar| scalar.name().to_owned()).collect();
    known.sort_unstable();
    all.sort_unstable();
    assert_eq!(known, all);
}

#[test]
fn every_scalar_is_the_type_of_a_field() {
    for scalar in Scalar::ALL {
        let text =
            format!("extend schema @app(name: \"T\") type Thing @allow(read: \"true\") {{ a: {} }}", scalar.name());
        let model = load(vec![SourceFile::app("m.graphql", text)]).expect("loads").model;
        let field = model.collection_named("Thing").and_then(|thing| thing.field_named("a")).expect("the field");
        assert_eq!(field.kind, FieldKind::Scalar(scalar));
    }
}

#[test]
fn a_reference_to_one_of_several_types_has_a_field_for_each() {
    let model = model(
        r#"extend schema @app(name: "T")
        union Target = Page | Post
        type Page { links: [Link!] @inverse(field: "to") best: Link @inverse(field: "other") }
        type Post @renamed(from: "Article") { title: String }
        type Owner @embedded { of: Target }
        type Link @index(fields: ["to.Post", "label"]) { label: String to: Target! other: Target @unique @renamed(from: "old") owner: Owner }"#,
    );
    let link = model.collection_named("Link").expect("a type");
    assert_snapshot!(described(&model, link) + &described(&model, model.collection_named("Page").expect("a type")));
    let former: Vec<String> =
        link.fields.iter().map(|field| field.former.join(" ")).filter(|of| !of.is_empty()).collect();
    assert_eq!(former, ["to.Article", "old", "old.Page", "old.Post other.Article old.Article", "owner.of.Article"]);
}
