//! The statements of operations, for both databases.
#![expect(clippy::panic, reason = "a model that does not load fails the test, and is to show why")]

use std::fmt::Write as _;
use std::sync::Arc;

use backstay_base::Action;
use backstay_expr::{
    Checked, CollectionRights, Expr, FieldRights, MembersFunction, Rights, Rule, Scope, compile, compile_any,
    of_members,
};
use backstay_model::{Collection, CollectionId, FieldKind, Index, Model, Nulls, SourceFile};
use backstay_scalar::{Scalar, Value};
use backstay_sql::{
    Arguments, ColumnRef, Derived, Dialect, DocumentSelection, IdOrder, InnerSelection, MemberSelection, PageStart,
    Perspective, Phrase, Planner, Position, ReadScope, ReadShape, RecordSource, Selected, SelectedField,
    SelectedMember, SelectedType, SelectedValue, Selection, Slot, SortBy, SortKey, Template, ValueKind, schema,
};

const MODEL: &str = r#"
extend schema @app(name: "Plans")
enum Role @roles { EDITOR WRITER }
enum State { DRAFT PUBLISHED }

type User @identity @allow(read: "true") {
  email: Email! @unique
  name: String!
  sections: [Section!] @inverse(field: "members")
}

type Section @allow(read: "true") {
  name: String!
  budget: Money
  members: [User!]
  posts: [Post!] @inverse(field: "section")
}

type Post @allow(read: "true") @index(fields: ["state", "publishedAt"]) {
  title: String!
  state: State!
  rating: Decimal! @precision(digits: 6, scale: 2)
  score: Float
  words: [String!]
  author: User!
  section: Section
  publishedAt: DateTime
  comments: [Comment!] @inverse(field: "post")
}

type Comment @allow(read: "true") {
  post: Post! @onDelete(do: CASCADE)
  author: User!
  body: String!
  hidden: Boolean!
}
"#;

struct World(Arc<Model>);

impl World {
    fn new() -> Self {
        Self::of_model(MODEL)
    }

    fn of_model(text: &str) -> Self {
        let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", text)]);
        Self(Arc::new(loaded.unwrap_or_else(|errors| panic!("{errors:?}")).model))
    }

    fn collection(&self, name: &str) -> &Collection {
        self.0.collection_named(name).expect("a collection")
    }

    fn id(&self, name: &str) -> CollectionId {
        self.collection(name).id
    }

    fn rule(&self, collection: &str, text: &str) -> Expr {
        let scope = Scope::change(&self.0, self.id(collection));
        compile(text, &scope).unwrap_or_else(|errors| panic!("{text}: {errors:?}")).expr
    }

    fn filter(&self, collection: &str, text: &str) -> Expr {
        let scope = Scope::filter(&self.0, self.id(collection));
        compile(text, &scope).unwrap_or_else(|errors| panic!("{text}: {errors:?}")).expr
    }

    fn select(&self, collection: &str, fields: &[&str]) -> Vec<Selected> {
        fields.iter().map(|field| Selected::Field(self.field(collection, field))).collect()
    }

    fn field(&self, collection: &str, field: &str) -> SelectedField {
        SelectedField::of(self.collection(collection).field_named(field).expect("a field").id)
    }

    fn expand(&self, collection: &str, field: &str, inner: Vec<Selected>) -> Selected {
        let arguments = Arguments { limit: Some(5), ..Arguments::default() };
        let inner = Some(InnerSelection::Fields(Selection::parts(inner)));
        Selected::Field(SelectedField { arguments, inner, ..self.field(collection, field) })
    }

    /// Rights to read everything but for these rules of types (`Post`) and fields (`Post.title`).
    fn rights(&self, rules: &[(&str, &str)]) -> Rights {
        let rule = |collection: &Collection, name: &str| match rules.iter().find(|(of, _)| *of == name) {
            Some((_, "false")) => Rule::refused(),
            Some((_, text)) => Rule::new(self.rule(&collection.name, text), true),
            None => Rule::allowed(),
        };
        Rights::new(self.0.collections.iter().map(|collection| {
            let mut rights = CollectionRights::default();
            rights.allow(Action::Read, rule(collection, &collection.name));
            for field in &collection.fields {
                let mut of_field = FieldRights::default();
                of_field.allow(Action::Read, rule(collection, &format!("{}.{}", collection.name, field.name)));
                rights.field(of_field);
            }
            rights
        }))
    }

    fn key(&self, field: &str, descending: bool) -> SortKey {
        let field = self.collection("Post").field_named(field).expect("a field").id;
        SortKey::of(ColumnRef::main(field), descending)
    }

    fn posts(&self, scope: ReadScope) -> ReadShape {
        self.of("Post", self.select("Post", &["title"]), scope)
    }

    fn of(&self, collection: &str, selection: Vec<Selected>, scope: ReadScope) -> ReadShape {
        let (collection, selection) = (self.id(collection), Selection::parts(selection));
        ReadShape {
            action: Action::Read,
            perspective: Perspective::Live,
            collection,
            selection,
            first_param: 0,
            filter: None,
            search: None,
            scope,
        }
    }

    /// The statement for SQLite, then the one for PostgreSQL, each with its slots.
    fn both(&self, template: impl Fn(Planner) -> Template) -> String {
        let mut out = String::new();
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let template = template(Planner::new(Arc::clone(&self.0), dialect));
            writeln!(out, "{}", template.text()).expect("writes");
            writeln!(out, "  {:?}", template.slots().collect::<Vec<&Slot>>()).expect("writes");
        }
        out
    }

    fn read(&self, shape: &ReadShape, rules: &[(&str, &str)]) -> String {
        let rights = self.rights(rules);
        self.both(|planner| planner.read(shape, &rights).template)
    }
}

fn page(sort: Vec<SortKey>) -> ReadScope {
    ReadScope::Page { sort, start: PageStart::First }
}

#[test]
fn one_record() {
    let world = World::new();
    let rule = ("Post", "this.state == 'PUBLISHED' || this.author == auth.id");
    insta::assert_snapshot!(world.read(&world.posts(ReadScope::One), &[rule]), @r##"
SELECT "t1"."title", "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" = ? AND ("t1"."state" = 'PUBLISHED' OR "t1"."author_id" = ?)
  [Id, Caller(Id)]
SELECT "t1"."title", "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" = CAST($1 AS uuid) AND ("t1"."state" = 'PUBLISHED' OR "t1"."author_id" = CAST($2 AS uuid))
  [Id, Caller(Id)]
"##);
}

#[test]
fn a_page_in_the_order_of_an_index() {
    let world = World::new();
    let rule = ("Post", "this.state == 'PUBLISHED'");
    let scope = page(vec![world.key("publishedAt", true)]);
    insta::assert_snapshot!(world.read(&world.posts(scope), &[rule]), @r##"
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."state" = 'PUBLISHED' ORDER BY "t1"."published_at" DESC NULLS FIRST, "t1"."id" DESC LIMIT ?
  [Limit]
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."state" = 'PUBLISHED' ORDER BY "t1"."published_at" DESC, "t1"."id" DESC LIMIT $1
  [Limit]
"##);
}

#[test]
fn a_rule_that_most_records_meet_does_not_choose_the_index() {
    let world = World::new();
    let read = |rule: &str, sort: Vec<SortKey>| {
        let planner = Planner::new(Arc::clone(&world.0), Dialect::Sqlite);
        let rights = world.rights(&[("Post", rule)]);
        planner.read(&world.posts(page(sort)), &rights).template.text().to_owned()
    };
    insta::assert_snapshot!(read("this.state == 'PUBLISHED'", Vec::new()), @r##"
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE +("t1"."state" = 'PUBLISHED') ORDER BY "t1"."id" ASC LIMIT ?
"##);
    insta::assert_snapshot!(read("this.state == 'PUBLISHED' || this.author == auth.id", vec![world.key("publishedAt", true)]), @r##"
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE +("t1"."state" = 'PUBLISHED' OR "t1"."author_id" = ?) ORDER BY "t1"."published_at" DESC NULLS FIRST, "t1"."id" DESC LIMIT ?
"##);
    insta::assert_snapshot!(read("this.author == auth.id && this.state == 'DRAFT'", Vec::new()), @r##"
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."author_id" = ? AND (+("t1"."state" = 'DRAFT')) ORDER BY "t1"."id" ASC LIMIT ?
"##);
    insta::assert_snapshot!(read("this.author == auth.id || this.section.members.exists(m, m == auth.id)", Vec::new()), @r##"
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE +("t1"."author_id" = ? OR EXISTS(SELECT 1 FROM "section__members" AS "t2" WHERE "t2"."section_id" = "t1"."section_id" AND "t2"."user_id" = ?)) ORDER BY "t1"."id" ASC LIMIT ?
"##);
}

#[test]
fn memberships_drive_the_page_where_it_keeps_its_order() {
    let world = World::new();
    let read = |rule: &str, sort: Vec<SortKey>| world.read(&world.posts(page(sort)), &[("Post", rule)]);
    let member = "this.section.members.exists(m, m == auth.id)";
    insta::assert_snapshot!(read(member, Vec::new()), @r##"
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."section_id" IN (SELECT "t2"."section_id" AS "owner" FROM "section__members" AS "t2" WHERE "t2"."user_id" = ?) ORDER BY "t1"."id" ASC LIMIT ?
  [Caller(Id), Limit]
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" IN (SELECT "t5"."k0" AS "id" FROM (SELECT DISTINCT "t3"."section_id" AS "owner" FROM "section__members" AS "t3" WHERE "t3"."user_id" = CAST($1 AS uuid)) AS "t4" INNER JOIN LATERAL (SELECT "t2"."id" AS "k0" FROM "post" AS "t2" WHERE "t2"."section_id" = "t4"."owner" ORDER BY "t2"."id" ASC LIMIT $2) AS "t5" ON TRUE ORDER BY "t5"."k0" ASC LIMIT $3) ORDER BY "t1"."id" ASC LIMIT $4
  [Caller(Id), Limit, Limit, Limit]
"##);
    // No index has this order, so all that is found is sorted: the fewer, the better.
    insta::assert_snapshot!(read(member, vec![world.key("publishedAt", true)]), @r##"
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."section_id" IN (SELECT "t2"."section_id" AS "owner" FROM "section__members" AS "t2" WHERE "t2"."user_id" = ?) ORDER BY "t1"."published_at" DESC NULLS FIRST, "t1"."id" DESC LIMIT ?
  [Caller(Id), Limit]
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" IN (SELECT "t5"."k1" AS "id" FROM (SELECT DISTINCT "t3"."section_id" AS "owner" FROM "section__members" AS "t3" WHERE "t3"."user_id" = CAST($1 AS uuid)) AS "t4" INNER JOIN LATERAL (SELECT "t2"."published_at" AS "k0", "t2"."id" AS "k1" FROM "post" AS "t2" WHERE "t2"."section_id" = "t4"."owner" OFFSET $2) AS "t5" ON TRUE ORDER BY "t5"."k0" DESC, "t5"."k1" DESC LIMIT $3) ORDER BY "t1"."published_at" DESC, "t1"."id" DESC LIMIT $4
  [Caller(Id), Constant(Int(0)), Limit, Limit]
"##);
    // An index has it where the state is given.
    let published = format!("this.state == 'PUBLISHED' && {member}");
    insta::assert_snapshot!(read(&published, vec![world.key("publishedAt", true)]), @r##"
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" IN (WITH "walked" ("id") AS  MATERIALIZED (SELECT "t4"."id" AS "id" FROM (SELECT "t2".* FROM "post" AS "t2" WHERE "t2"."state" = 'PUBLISHED' ORDER BY "t2"."published_at" DESC NULLS FIRST, "t2"."id" DESC LIMIT ?) AS "t4" WHERE "t4"."state" = 'PUBLISHED' AND EXISTS(SELECT 1 FROM "section__members" AS "t5" WHERE "t5"."section_id" = "t4"."section_id" AND "t5"."user_id" = ?) ORDER BY "t4"."published_at" DESC NULLS FIRST, "t4"."id" DESC LIMIT ?) SELECT "walked"."id" FROM "walked" UNION ALL SELECT "t8"."id" FROM (SELECT "t6"."id" AS "id" FROM "post" AS "t6" WHERE "t6"."state" = 'PUBLISHED' AND "t6"."section_id" IN (SELECT "t7"."section_id" AS "owner" FROM "section__members" AS "t7" WHERE "t7"."user_id" = ? AND (SELECT COUNT(*) FROM "walked") < ?) ORDER BY +("t6"."published_at") DESC NULLS FIRST, +("t6"."id") DESC LIMIT ?) AS "t8") ORDER BY "t1"."published_at" DESC NULLS FIRST, "t1"."id" DESC LIMIT ?
  [Constant(Int(2000)), Caller(Id), Limit, Caller(Id), Limit, Limit, Limit]
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" IN (WITH "walked" ("id") AS  MATERIALIZED (SELECT "t4"."id" AS "id" FROM (SELECT "t2".* FROM "post" AS "t2" WHERE "t2"."state" = 'PUBLISHED' ORDER BY "t2"."published_at" DESC, "t2"."id" DESC LIMIT $1) AS "t4" WHERE "t4"."state" = 'PUBLISHED' AND EXISTS(SELECT 1 FROM "section__members" AS "t5" WHERE "t5"."section_id" = "t4"."section_id" AND "t5"."user_id" = CAST($2 AS uuid)) ORDER BY "t4"."published_at" DESC, "t4"."id" DESC LIMIT $3) SELECT "walked"."id" FROM "walked" UNION ALL (SELECT "t10"."id" FROM (SELECT "t9"."k1" AS "id" FROM (SELECT DISTINCT "t7"."section_id" AS "owner" FROM "section__members" AS "t7" WHERE "t7"."user_id" = CAST($4 AS uuid) AND (SELECT COUNT(*) FROM "walked") < CAST($5 AS bigint)) AS "t8" INNER JOIN LATERAL (SELECT "t6"."published_at" AS "k0", "t6"."id" AS "k1" FROM "post" AS "t6" WHERE "t6"."state" = 'PUBLISHED' AND "t6"."section_id" = "t8"."owner" OFFSET $6) AS "t9" ON TRUE ORDER BY "t9"."k0" DESC, "t9"."k1" DESC LIMIT $7) AS "t10")) ORDER BY "t1"."published_at" DESC, "t1"."id" DESC LIMIT $8
  [Constant(Int(2000)), Caller(Id), Limit, Caller(Id), Limit, Constant(Int(0)), Limit, Limit]
"##);
    // A body that looks beyond the member is asked record by record.
    insta::assert_snapshot!(read("this.section.members.exists(m, m == auth.id && m == this.author)", Vec::new()), @r##"
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE EXISTS(SELECT 1 FROM "section__members" AS "t2" WHERE "t2"."section_id" = "t1"."section_id" AND ("t2"."user_id" = ? AND "t2"."user_id" = "t1"."author_id")) ORDER BY "t1"."id" ASC LIMIT ?
  [Caller(Id), Limit]
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE EXISTS(SELECT 1 FROM "section__members" AS "t2" WHERE "t2"."section_id" = "t1"."section_id" AND ("t2"."user_id" = CAST($1 AS uuid) AND "t2"."user_id" = "t1"."author_id")) ORDER BY "t1"."id" ASC LIMIT $2
  [Caller(Id), Limit]
"##);
}

#[test]
fn the_page_after_a_place() {
    let world = World::new();
    let after = |sort: Vec<SortKey>, nulls: Vec<bool>| {
        world.read(&world.posts(ReadScope::Page { sort, start: PageStart::After(Position { nulls }) }), &[])
    };
    insta::assert_snapshot!(after(Vec::new(), Vec::new()), @r##"
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" > ? ORDER BY "t1"."id" ASC LIMIT ?
  [Cursor(0), Limit]
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" > CAST($1 AS uuid) ORDER BY "t1"."id" ASC LIMIT $2
  [Cursor(0), Limit]
"##);
    insta::assert_snapshot!(after(vec![world.key("rating", false)], vec![false]), @r##"
SELECT "t1"."title", "t1"."rating", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE ("t1"."rating", "t1"."id") > (?, ?) ORDER BY "t1"."rating" ASC, "t1"."id" ASC LIMIT ?
  [Cursor(0), Cursor(1), Limit]
SELECT "t1"."title", "t1"."rating", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE ("t1"."rating", "t1"."id") > (CAST($1 AS numeric), CAST($2 AS uuid)) ORDER BY "t1"."rating" ASC, "t1"."id" ASC LIMIT $3
  [Cursor(0), Cursor(1), Limit]
"##);
    insta::assert_snapshot!(after(vec![world.key("publishedAt", true)], vec![false]), @r##"
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."published_at" <= ? AND ("t1"."published_at" < ? OR ("t1"."published_at" = ? AND "t1"."id" < ?)) ORDER BY "t1"."published_at" DESC NULLS FIRST, "t1"."id" DESC LIMIT ?
  [Cursor(0), Cursor(0), Cursor(0), Cursor(1), Limit]
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."published_at" <= CAST($1 AS timestamptz) AND ("t1"."published_at" < CAST($2 AS timestamptz) OR ("t1"."published_at" = CAST($3 AS timestamptz) AND "t1"."id" < CAST($4 AS uuid))) ORDER BY "t1"."published_at" DESC, "t1"."id" DESC LIMIT $5
  [Cursor(0), Cursor(0), Cursor(0), Cursor(1), Limit]
"##);
    insta::assert_snapshot!(after(vec![world.key("publishedAt", true)], vec![true]), @r##"
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."published_at" IS NOT NULL OR ("t1"."published_at" IS NULL AND "t1"."id" < ?) ORDER BY "t1"."published_at" DESC NULLS FIRST, "t1"."id" DESC LIMIT ?
  [Cursor(1), Limit]
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."published_at" IS NOT NULL OR ("t1"."published_at" IS NULL AND "t1"."id" < CAST($1 AS uuid)) ORDER BY "t1"."published_at" DESC, "t1"."id" DESC LIMIT $2
  [Cursor(1), Limit]
"##);
    insta::assert_snapshot!(after(vec![world.key("publishedAt", false), world.key("rating", true)], vec![false, false]), @r##"
SELECT "t1"."title", "t1"."published_at", "t1"."rating", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."published_at" > ? OR "t1"."published_at" IS NULL OR ("t1"."published_at" = ? AND ("t1"."rating" < ? OR ("t1"."rating" = ? AND "t1"."id" < ?))) ORDER BY "t1"."published_at" ASC NULLS LAST, "t1"."rating" DESC, "t1"."id" DESC LIMIT ?
  [Cursor(0), Cursor(0), Cursor(1), Cursor(1), Cursor(2), Limit]
SELECT "t1"."title", "t1"."published_at", "t1"."rating", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."published_at" > CAST($1 AS timestamptz) OR "t1"."published_at" IS NULL OR ("t1"."published_at" = CAST($2 AS timestamptz) AND ("t1"."rating" < CAST($3 AS numeric) OR ("t1"."rating" = CAST($4 AS numeric) AND "t1"."id" < CAST($5 AS uuid)))) ORDER BY "t1"."published_at" ASC, "t1"."rating" DESC, "t1"."id" DESC LIMIT $6
  [Cursor(0), Cursor(0), Cursor(1), Cursor(1), Cursor(2), Limit]
"##);
    insta::assert_snapshot!(after(vec![world.key("publishedAt", false)], vec![true]), @r##"
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."published_at" IS NULL AND "t1"."id" > ? ORDER BY "t1"."published_at" ASC NULLS LAST, "t1"."id" ASC LIMIT ?
  [Cursor(1), Limit]
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."published_at" IS NULL AND "t1"."id" > CAST($1 AS uuid) ORDER BY "t1"."published_at" ASC, "t1"."id" ASC LIMIT $2
  [Cursor(1), Limit]
"##);
}

#[test]
fn the_page_before_a_place_and_the_one_after_some_records() {
    let world = World::new();
    let sort = || vec![world.key("publishedAt", true)];
    let before = PageStart::Before(Position { nulls: vec![false] });
    insta::assert_snapshot!(world.read(&world.posts(ReadScope::Page { sort: sort(), start: before }), &[]), @r##"
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."published_at" > ? OR "t1"."published_at" IS NULL OR ("t1"."published_at" = ? AND "t1"."id" > ?) ORDER BY "t1"."published_at" ASC NULLS LAST, "t1"."id" ASC LIMIT ?
  [Cursor(0), Cursor(0), Cursor(1), Limit]
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."published_at" > CAST($1 AS timestamptz) OR "t1"."published_at" IS NULL OR ("t1"."published_at" = CAST($2 AS timestamptz) AND "t1"."id" > CAST($3 AS uuid)) ORDER BY "t1"."published_at" ASC, "t1"."id" ASC LIMIT $4
  [Cursor(0), Cursor(0), Cursor(1), Limit]
"##);
    let before = PageStart::Before(Position { nulls: Vec::new() });
    insta::assert_snapshot!(world.read(&world.posts(ReadScope::Page { sort: Vec::new(), start: before }), &[]), @r##"
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" < ? ORDER BY "t1"."id" DESC LIMIT ?
  [Cursor(0), Limit]
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" < CAST($1 AS uuid) ORDER BY "t1"."id" DESC LIMIT $2
  [Cursor(0), Limit]
"##);
    let skipping = ReadScope::Page { sort: sort(), start: PageStart::Skip };
    insta::assert_snapshot!(world.read(&world.posts(skipping), &[]), @r##"
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" ORDER BY "t1"."published_at" DESC NULLS FIRST, "t1"."id" DESC LIMIT ? OFFSET ?
  [Limit, Skip]
SELECT "t1"."title", "t1"."published_at", "t1"."id", "t1"."version" FROM "post" AS "t1" ORDER BY "t1"."published_at" DESC, "t1"."id" DESC LIMIT $1 OFFSET $2
  [Limit, Skip]
"##);
}

#[test]
fn how_many() {
    let world = World::new();
    let filter = Some(world.filter("Post", "author.name == $name"));
    insta::assert_snapshot!(world.read(&ReadShape { filter, ..world.posts(ReadScope::Count) }, &[]), @r##"
SELECT COUNT(*) FROM (SELECT 1 AS "one" FROM "post" AS "t1" LEFT JOIN "user" AS "t2" ON "t2"."id" = "t1"."author_id" WHERE "t2"."name" = ? LIMIT ?) AS "counted"
  [Param(0, Main), Limit]
SELECT COUNT(*) FROM (SELECT 1 AS "one" FROM "post" AS "t1" LEFT JOIN "user" AS "t2" ON "t2"."id" = "t1"."author_id" WHERE "t2"."name" = (CAST($1 AS text) COLLATE "C") LIMIT $2) AS "counted"
  [Param(0, Main), Limit]
"##);
}

#[test]
fn nothing_for_those_who_may_see_nothing() {
    let world = World::new();
    insta::assert_snapshot!(world.read(&world.posts(page(Vec::new())), &[("Post", "false")]), @r##"
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE FALSE ORDER BY "t1"."id" ASC LIMIT ?
  [Limit]
SELECT "t1"."title", "t1"."id", "t1"."version" FROM "post" AS "t1" WHERE FALSE ORDER BY "t1"."id" ASC LIMIT $1
  [Limit]
"##);
}

#[test]
fn relations_in_one_statement() {
    let world = World::new();
    let author = world.select("User", &["id", "name"]);
    let by = world.expand("Comment", "author", author.clone());
    let mut comment = world.select("Comment", &["id", "createdAt", "body"]);
    comment.push(by);
    let mut selection = world.select("Post", &["title", "score", "words"]);
    selection.push(world.expand("Post", "author", author));
    selection.push(world.expand("Post", "comments", comment));
    let rules = [("User", "this.name != 'x'"), ("Comment", "!this.hidden || this.author == auth.id")];
    insta::assert_snapshot!(world.read(&world.of("Post", selection, ReadScope::One), &rules), @r#"
SELECT "t1"."title", "t1"."score", "t1"."words", ("t2"."id" IS NOT NULL AND "t2"."name" <> ?) IS TRUE, "t2"."id", "t2"."name", (SELECT json_group_array(json_array(hex("t5"."c0"), "t5"."c1", "t5"."c2", "t5"."c3", hex("t5"."c4"), "t5"."c5")) FROM (SELECT "t3"."id" AS "c0", "t3"."created_at" AS "c1", "t3"."body" AS "c2", ("t4"."id" IS NOT NULL AND "t4"."name" <> ?) IS TRUE AS "c3", "t4"."id" AS "c4", "t4"."name" AS "c5" FROM "comment" AS "t3" LEFT JOIN "user" AS "t4" ON "t4"."id" = "t3"."author_id" WHERE "t3"."post_id" = "t1"."id" AND ("t3"."hidden" = 0 OR "t3"."author_id" = ?) ORDER BY "t3"."id" ASC LIMIT ?) AS "t5"), "t1"."version" FROM "post" AS "t1" LEFT JOIN "user" AS "t2" ON "t2"."id" = "t1"."author_id" WHERE "t1"."id" = ?
  [Constant(Text("x")), Constant(Text("x")), Caller(Id), Constant(Int(6)), Id]
SELECT "t1"."title", "t1"."score", "t1"."words", ("t2"."id" IS NOT NULL AND "t2"."name" <> (CAST($1 AS text) COLLATE "C")) IS TRUE, "t2"."id", "t2"."name", CAST((SELECT coalesce(json_agg(json_build_array("t5"."c0", CAST(((EXTRACT(EPOCH FROM "t5"."c1")) * 1000000) AS bigint), "t5"."c2", "t5"."c3", "t5"."c4", "t5"."c5")), CAST('[]' AS json)) FROM (SELECT "t3"."id" AS "c0", "t3"."created_at" AS "c1", "t3"."body" AS "c2", ("t4"."id" IS NOT NULL AND "t4"."name" <> (CAST($2 AS text) COLLATE "C")) IS TRUE AS "c3", "t4"."id" AS "c4", "t4"."name" AS "c5" FROM "comment" AS "t3" LEFT JOIN "user" AS "t4" ON "t4"."id" = "t3"."author_id" WHERE "t3"."post_id" = "t1"."id" AND ((NOT "t3"."hidden") OR "t3"."author_id" = CAST($3 AS uuid)) ORDER BY "t3"."id" ASC LIMIT $4) AS "t5") AS text), "t1"."version" FROM "post" AS "t1" LEFT JOIN "user" AS "t2" ON "t2"."id" = "t1"."author_id" WHERE "t1"."id" = CAST($5 AS uuid)
  [Constant(Text("x")), Constant(Text("x")), Caller(Id), Constant(Int(6)), Id]
"#);
}

#[test]
fn what_is_asked_of_nested_lists_stands_behind_their_rule() {
    let world = World::new();
    let written =
        |text: &str, checked: Checked| Phrase { text: text.into(), checked: Arc::new(checked), first_param: 1 };
    let of_comment = |text: &str| {
        let scope = Scope::filter(&world.0, world.id("Comment"));
        compile(text, &scope).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
    };
    let filter = || of_comment("body == $text");
    let Selected::Field(comments) = world.expand("Post", "comments", world.select("Comment", &["body"])) else {
        unreachable!("it is a field")
    };
    let relation = comments.field;
    let arguments = Arguments { filter: Some(written("body == $text", filter())), ..comments.arguments.clone() };
    let list = Selected::Field(SelectedField { arguments, ..comments });
    let rules = [("Comment", "!this.hidden")];
    let shape = ReadShape { first_param: 2, ..world.of("Post", vec![list], ReadScope::One) };
    insta::assert_snapshot!(world.read(&shape, &rules), @r#"
SELECT (SELECT json_group_array(json_array("t3"."c0")) FROM (SELECT "t2"."body" AS "c0" FROM "comment" AS "t2" WHERE "t2"."post_id" = "t1"."id" AND (CASE WHEN ("t2"."hidden" = 0) THEN "t2"."body" = ? ELSE FALSE END) ORDER BY "t2"."id" ASC LIMIT ?) AS "t3"), "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" = ?
  [Param(3, Main), Constant(Int(6)), Id]
SELECT CAST((SELECT coalesce(json_agg(json_build_array("t3"."c0")), CAST('[]' AS json)) FROM (SELECT "t2"."body" AS "c0" FROM "comment" AS "t2" WHERE "t2"."post_id" = "t1"."id" AND (CASE WHEN (NOT "t2"."hidden") THEN "t2"."body" = (CAST($1 AS text) COLLATE "C") ELSE FALSE END) ORDER BY "t2"."id" ASC LIMIT $2) AS "t3") AS text), "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" = CAST($3 AS uuid)
  [Param(3, Main), Constant(Int(6)), Id]
"#);

    let count = of_members(&world.0, (world.id("Post"), relation), (MembersFunction::Count, None), Some(&filter()));
    let of = written("comments(body == $text):count", count.expect("a count"));
    let value = Derived { of, kind: ValueKind::Scalar(Scalar::Int) };
    let selected =
        Selected::Derived(SelectedValue { name: "n".into(), relation: Some(relation), optional: false, value });
    insta::assert_snapshot!(world.read(&world.of("Post", vec![selected], ReadScope::One), &rules), @r#"
SELECT (SELECT COUNT(*) FROM "comment" AS "t2" WHERE "t2"."post_id" = "t1"."id" AND (CASE WHEN ("t2"."hidden" = 0) THEN "t2"."body" = ? ELSE FALSE END)), "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" = ?
  [Param(1, Main), Id]
SELECT (SELECT COUNT(*) FROM "comment" AS "t2" WHERE "t2"."post_id" = "t1"."id" AND (CASE WHEN (NOT "t2"."hidden") THEN "t2"."body" = (CAST($1 AS text) COLLATE "C") ELSE FALSE END)), "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" = CAST($2 AS uuid)
  [Param(1, Main), Id]
"#);

    let scope = Scope::filter(&world.0, world.id("Post"));
    let name = compile_any("author.name", &scope).expect("a path");
    let value = Derived { of: written("author.name", name), kind: ValueKind::Scalar(Scalar::String) };
    let sort = vec![SortKey { by: SortBy::Derived(value), descending: false }];
    let start = PageStart::After(Position { nulls: vec![false] });
    let shape = world.posts(ReadScope::Page { sort, start });
    insta::assert_snapshot!(world.read(&shape, &[("User", "this.name != 'x'")]), @r#"
SELECT "t1"."title", (CASE WHEN ("t2"."name" <> ?) THEN "t2"."name" END), "t1"."id", "t1"."version" FROM "post" AS "t1" LEFT JOIN "user" AS "t2" ON "t2"."id" = "t1"."author_id" WHERE (CASE WHEN ("t2"."name" <> ?) THEN "t2"."name" END) > ? OR (CASE WHEN ("t2"."name" <> ?) THEN "t2"."name" END) IS NULL OR ((CASE WHEN ("t2"."name" <> ?) THEN "t2"."name" END) = ? AND "t1"."id" > ?) ORDER BY (CASE WHEN ("t2"."name" <> ?) THEN "t2"."name" END) ASC NULLS LAST, "t1"."id" ASC LIMIT ?
  [Constant(Text("x")), Constant(Text("x")), Cursor(0), Constant(Text("x")), Constant(Text("x")), Cursor(0), Cursor(1), Constant(Text("x")), Limit]
SELECT "t1"."title", (CASE WHEN ("t2"."name" <> (CAST($1 AS text) COLLATE "C")) THEN "t2"."name" END), "t1"."id", "t1"."version" FROM "post" AS "t1" LEFT JOIN "user" AS "t2" ON "t2"."id" = "t1"."author_id" WHERE (CASE WHEN ("t2"."name" <> (CAST($2 AS text) COLLATE "C")) THEN "t2"."name" END) > (CAST($3 AS text) COLLATE "C") OR (CASE WHEN ("t2"."name" <> (CAST($4 AS text) COLLATE "C")) THEN "t2"."name" END) IS NULL OR ((CASE WHEN ("t2"."name" <> (CAST($5 AS text) COLLATE "C")) THEN "t2"."name" END) = (CAST($6 AS text) COLLATE "C") AND "t1"."id" > CAST($7 AS uuid)) ORDER BY (CASE WHEN ("t2"."name" <> (CAST($8 AS text) COLLATE "C")) THEN "t2"."name" END) ASC, "t1"."id" ASC LIMIT $9
  [Constant(Text("x")), Constant(Text("x")), Cursor(0), Constant(Text("x")), Constant(Text("x")), Cursor(0), Cursor(1), Constant(Text("x")), Limit]
"#);
}

#[test]
fn records_that_a_document_refers_to() {
    let world = World::of_model(
        r#"
extend schema @app(name: "Shop")
type User @identity @allow(read: "true") { email: Email! @unique }
type Product @allow(read: "true") { name: String! hidden: Boolean! }
type Line @embedded { count: Int product: Product }
type Order @allow(read: "true") { lines: [Line!] }
"#,
    );
    let line = world.0.embedded.iter().position(|of| of.name == "Line").expect("a type");
    let line = backstay_model::EmbeddedId(u16::try_from(line).expect("an index"));
    let name = Selection::parts(world.select("Product", &["name"]));
    let product = world.0.embedded(line).members.iter().find(|member| member.name == "product").expect("a member");
    let inner = Some(MemberSelection::Records([(world.id("Product"), name)].into()));
    let members = [SelectedMember { member: product.id, alias: None, inner }].into();
    let lines = DocumentSelection([SelectedType { of: line, members }].into());
    let inner = Some(InnerSelection::Document(lines));
    let lines = Selected::Field(SelectedField { inner, ..world.field("Order", "lines") });
    let shape = world.of("Order", vec![lines], ReadScope::One);
    insta::assert_snapshot!(world.read(&shape, &[("Product", "!this.hidden")]), @r#"
SELECT "t1"."lines", (SELECT json_group_array(json_array(hex("t4"."c0"), "t4"."c1")) FROM (SELECT "t2"."product_id" AS "c0", "t3"."name" AS "c1" FROM "order__lines__line__product" AS "t2" LEFT JOIN "product" AS "t3" ON "t3"."id" = "t2"."product_id" WHERE "t2"."order_id" = "t1"."id" AND "t3"."hidden" = 0) AS "t4"), "t1"."version" FROM "order" AS "t1" WHERE "t1"."id" = ?
  [Id]
SELECT "t1"."lines", CAST((SELECT coalesce(json_agg("t7"."row"), CAST('[]' AS json)) FROM (SELECT "t6"."row" FROM (SELECT "t5"."row", sum(octet_length(CAST("t5"."row" AS text))) OVER (  ROWS UNBOUNDED PRECEDING ) AS "bytes" FROM (SELECT json_build_array("t4"."c0", "t4"."c1") AS "row" FROM (SELECT "t2"."product_id" AS "c0", "t3"."name" AS "c1" FROM "order__lines__line__product" AS "t2" LEFT JOIN "product" AS "t3" ON "t3"."id" = "t2"."product_id" WHERE "t2"."order_id" = "t1"."id" AND (NOT "t3"."hidden")) AS "t4" OFFSET $1) AS "t5") AS "t6" WHERE (CASE WHEN ("t6"."bytes" <= CAST($2 AS bigint)) THEN TRUE ELSE backstay_too_large() END)) AS "t7") AS text), "t1"."version" FROM "order" AS "t1" WHERE "t1"."id" = CAST($3 AS uuid)
  [Constant(Int(0)), Constant(Int(33554432)), Id]
"#);
}

#[test]
fn links_and_nesting() {
    let world = World::new();
    let mut member = world.select("User", &["name"]);
    let sections = world.select("Section", &["name", "budget"]);
    member.push(world.expand("User", "sections", sections));
    let mut section = world.select("Section", &["name"]);
    section.push(world.expand("Section", "members", member));
    let shape = world.of("Section", section, ReadScope::One);
    insta::assert_snapshot!(world.read(&shape, &[]), @r#"
SELECT "t1"."name", (SELECT json_group_array(json_array("t7"."c0", json("t7"."c1"))) FROM (SELECT "t3"."name" AS "c0", (SELECT json_group_array(json_array("t6"."c0", "t6"."c1", "t6"."c2")) FROM (SELECT "t5"."name" AS "c0", "t5"."budget" AS "c1", "t5"."budget_currency" AS "c2" FROM "section__members" AS "t4" LEFT JOIN "section" AS "t5" ON "t5"."id" = "t4"."section_id" WHERE "t4"."user_id" = "t2"."user_id" ORDER BY "t4"."section_id" ASC LIMIT ?) AS "t6") AS "c1" FROM "section__members" AS "t2" LEFT JOIN "user" AS "t3" ON "t3"."id" = "t2"."user_id" WHERE "t2"."section_id" = "t1"."id" ORDER BY "t2"."user_id" ASC LIMIT ?) AS "t7"), "t1"."version" FROM "section" AS "t1" WHERE "t1"."id" = ?
  [Constant(Int(6)), Constant(Int(6)), Id]
SELECT "t1"."name", CAST((SELECT coalesce(json_agg("t10"."row"), CAST('[]' AS json)) FROM (SELECT "t9"."row" FROM (SELECT "t8"."row", sum(octet_length(CAST("t8"."row" AS text))) OVER (  ROWS UNBOUNDED PRECEDING ) AS "bytes" FROM (SELECT json_build_array("t7"."c0", "t7"."c1") AS "row" FROM (SELECT "t3"."name" AS "c0", (SELECT coalesce(json_agg(json_build_array("t6"."c0", "t6"."c1", "t6"."c2")), CAST('[]' AS json)) FROM (SELECT "t5"."name" AS "c0", "t5"."budget" AS "c1", "t5"."budget_currency" AS "c2" FROM "section__members" AS "t4" LEFT JOIN "section" AS "t5" ON "t5"."id" = "t4"."section_id" WHERE "t4"."user_id" = "t2"."user_id" ORDER BY "t4"."section_id" ASC LIMIT $1) AS "t6") AS "c1" FROM "section__members" AS "t2" LEFT JOIN "user" AS "t3" ON "t3"."id" = "t2"."user_id" WHERE "t2"."section_id" = "t1"."id" ORDER BY "t2"."user_id" ASC LIMIT $2) AS "t7" OFFSET $3) AS "t8") AS "t9" WHERE (CASE WHEN ("t9"."bytes" <= CAST($4 AS bigint)) THEN TRUE ELSE backstay_too_large() END)) AS "t10") AS text), "t1"."version" FROM "section" AS "t1" WHERE "t1"."id" = CAST($5 AS uuid)
  [Constant(Int(6)), Constant(Int(6)), Constant(Int(0)), Constant(Int(16777216)), Id]
"#);
}

#[test]
fn a_field_is_seen_by_its_rule() {
    let world = World::new();
    let selection = world.select("Post", &["title", "state"]);
    let rules = [("Post.title", "this.author == auth.id"), ("Post.state", "false")];
    insta::assert_snapshot!(world.read(&world.of("Post", selection, ReadScope::One), &rules), @r##"
SELECT ("t1"."author_id" = ?) IS TRUE, (CASE WHEN ("t1"."author_id" = ?) THEN "t1"."title" END), "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" = ?
  [Caller(Id), Caller(Id), Id]
SELECT ("t1"."author_id" = CAST($1 AS uuid)) IS TRUE, (CASE WHEN ("t1"."author_id" = CAST($2 AS uuid)) THEN "t1"."title" END), "t1"."version" FROM "post" AS "t1" WHERE "t1"."id" = CAST($3 AS uuid)
  [Caller(Id), Caller(Id), Id]
"##);
}

#[test]
fn a_filter_sees_what_the_caller_sees() {
    let world = World::new();
    let filter = Some(world.filter("Post", "title == 'x' && section.name == 'y' && comments.exists(c, c.body == 'z')"));
    let rules =
        [("Section", "this.name != 'secret'"), ("Comment", "!this.hidden"), ("Post.title", "this.author == auth.id")];
    let selection = world.select("Post", &["createdAt"]);
    insta::assert_snapshot!(world.read(&ReadShape { filter, ..world.of("Post", selection, page(Vec::new())) }, &rules), @r##"
SELECT "t1"."created_at", "t1"."id", "t1"."version" FROM "post" AS "t1" LEFT JOIN "section" AS "t2" ON "t2"."id" = "t1"."section_id" WHERE (CASE WHEN ("t1"."author_id" = ?) THEN "t1"."title" END) = ? AND (CASE WHEN ("t2"."name" <> ?) THEN "t2"."name" END) = ? AND EXISTS(SELECT 1 FROM "comment" AS "t3" WHERE "t3"."post_id" = "t1"."id" AND (CASE WHEN ("t3"."hidden" = 0) THEN "t3"."body" = ? ELSE FALSE END)) ORDER BY "t1"."id" ASC LIMIT ?
  [Caller(Id), Constant(Text("x")), Constant(Text("secret")), Constant(Text("y")), Constant(Text("z")), Limit]
SELECT "t1"."created_at", "t1"."id", "t1"."version" FROM "post" AS "t1" LEFT JOIN "section" AS "t2" ON "t2"."id" = "t1"."section_id" WHERE (CASE WHEN ("t1"."author_id" = CAST($1 AS uuid)) THEN "t1"."title" END) = (CAST($2 AS text) COLLATE "C") AND (CASE WHEN ("t2"."name" <> (CAST($3 AS text) COLLATE "C")) THEN "t2"."name" END) = (CAST($4 AS text) COLLATE "C") AND EXISTS(SELECT 1 FROM "comment" AS "t3" WHERE "t3"."post_id" = "t1"."id" AND (CASE WHEN (NOT "t3"."hidden") THEN "t3"."body" = (CAST($5 AS text) COLLATE "C") ELSE FALSE END)) ORDER BY "t1"."id" ASC LIMIT $6
  [Caller(Id), Constant(Text("x")), Constant(Text("secret")), Constant(Text("y")), Constant(Text("z")), Limit]
"##);
}

/// What no index can look up is the branch of a CASE; a later field of an index can be looked up if those before it are
/// compared with a value.
#[test]
fn ranges_of_an_index_stand_beside_the_rule() {
    let world = World::new();
    let where_of = |filter: &str| {
        let filter = Some(world.filter("Post", filter));
        let shape = ReadShape { filter, ..world.posts(ReadScope::Count) };
        let rights = world.rights(&[("Post", "this.section.name != null")]);
        let template = Planner::new(Arc::clone(&world.0), Dialect::Sqlite).read(&shape, &rights).template;
        let (_, condition) = template.text().split_once(" WHERE ").expect("a condition");
        condition.split_once(" LIMIT").expect("a limit").0.to_owned()
    };
    let rule = r#""t2"."name" IS NOT NULL"#;
    let later = r#""t1"."published_at" > ?"#;
    let check = |filter: &str, expected: &str| assert_eq!(where_of(filter), expected, "{filter}");
    check("publishedAt > now", &format!("(CASE WHEN ({rule}) THEN {later} ELSE FALSE END)"));
    check("state == 'DRAFT'", &format!(r#"{rule} AND "t1"."state" = 'DRAFT'"#));
    check("publishedAt > now && state == 'DRAFT'", &format!(r#"{rule} AND {later} AND "t1"."state" = 'DRAFT'"#));
}

#[test]
fn checks() {
    let world = World::new();
    let rules = [
        world.rule("Post", "this.section.members.exists(m, m == auth.id)"),
        world.rule("Post", "new.author.name == this.author.name"),
    ];
    let id = world.id("Post");
    insta::assert_snapshot!(world.both(|planner| planner.check(id, RecordSource::Proposed, &rules[..1])), @r##"
SELECT (CASE WHEN (EXISTS(SELECT 1 FROM "section__members" AS "t1" WHERE "t1"."section_id" = ? AND "t1"."user_id" = ?)) THEN TRUE WHEN (? IS NOT NULL AND (NOT EXISTS(SELECT 1 FROM "section__members" AS "t2" WHERE "t2"."section_id" = ? AND ("t2"."user_id" <> ?) IS NOT TRUE))) THEN FALSE END)
  [Proposed(ColumnRef { field: FieldId(10), part: Main }), Caller(Id), Proposed(ColumnRef { field: FieldId(10), part: Main }), Proposed(ColumnRef { field: FieldId(10), part: Main }), Caller(Id)]
SELECT (CASE WHEN (EXISTS(SELECT 1 FROM "section__members" AS "t1" WHERE "t1"."section_id" = CAST($1 AS uuid) AND "t1"."user_id" = CAST($2 AS uuid))) THEN TRUE WHEN (CAST($3 AS uuid) IS NOT NULL AND (NOT EXISTS(SELECT 1 FROM "section__members" AS "t2" WHERE "t2"."section_id" = CAST($4 AS uuid) AND ("t2"."user_id" <> CAST($5 AS uuid)) IS NOT TRUE))) THEN FALSE END)
  [Proposed(ColumnRef { field: FieldId(10), part: Main }), Caller(Id), Proposed(ColumnRef { field: FieldId(10), part: Main }), Proposed(ColumnRef { field: FieldId(10), part: Main }), Caller(Id)]
"##);
    insta::assert_snapshot!(world.both(|planner| planner.check(id, RecordSource::Stored, &rules)), @r##"
SELECT (CASE WHEN (EXISTS(SELECT 1 FROM "section__members" AS "t1" WHERE "t1"."section_id" = ? AND "t1"."user_id" = ?)) THEN TRUE WHEN (? IS NOT NULL AND (NOT EXISTS(SELECT 1 FROM "section__members" AS "t2" WHERE "t2"."section_id" = ? AND ("t2"."user_id" <> ?) IS NOT TRUE))) THEN FALSE END), (CASE WHEN ("t3"."name" = "t4"."name") THEN TRUE WHEN ("t3"."name" <> "t4"."name") THEN FALSE END) FROM (SELECT 1 AS "one") AS "t0" LEFT JOIN "user" AS "t3" ON "t3"."id" = ? LEFT JOIN "user" AS "t4" ON "t4"."id" = ?
  [Stored(ColumnRef { field: FieldId(10), part: Main }), Caller(Id), Stored(ColumnRef { field: FieldId(10), part: Main }), Stored(ColumnRef { field: FieldId(10), part: Main }), Caller(Id), Proposed(ColumnRef { field: FieldId(9), part: Main }), Stored(ColumnRef { field: FieldId(9), part: Main })]
SELECT (CASE WHEN (EXISTS(SELECT 1 FROM "section__members" AS "t1" WHERE "t1"."section_id" = CAST($1 AS uuid) AND "t1"."user_id" = CAST($2 AS uuid))) THEN TRUE WHEN (CAST($3 AS uuid) IS NOT NULL AND (NOT EXISTS(SELECT 1 FROM "section__members" AS "t2" WHERE "t2"."section_id" = CAST($4 AS uuid) AND ("t2"."user_id" <> CAST($5 AS uuid)) IS NOT TRUE))) THEN FALSE END), (CASE WHEN ("t3"."name" = "t4"."name") THEN TRUE WHEN ("t3"."name" <> "t4"."name") THEN FALSE END) FROM (SELECT 1 AS "one") AS "t0" LEFT JOIN "user" AS "t3" ON "t3"."id" = CAST($6 AS uuid) LEFT JOIN "user" AS "t4" ON "t4"."id" = CAST($7 AS uuid)
  [Stored(ColumnRef { field: FieldId(10), part: Main }), Caller(Id), Stored(ColumnRef { field: FieldId(10), part: Main }), Stored(ColumnRef { field: FieldId(10), part: Main }), Caller(Id), Proposed(ColumnRef { field: FieldId(9), part: Main }), Stored(ColumnRef { field: FieldId(9), part: Main })]
"##);
    insta::assert_snapshot!(world.both(|planner| planner.stored(id, Perspective::Live, &rules).template), @r##"
SELECT "t1"."id", "t1"."created_at", "t1"."updated_at", "t1"."version", "t1"."title", "t1"."state", "t1"."rating", "t1"."score", "t1"."words", "t1"."author_id", "t1"."section_id", "t1"."published_at", (CASE WHEN (EXISTS(SELECT 1 FROM "section__members" AS "t2" WHERE "t2"."section_id" = "t1"."section_id" AND "t2"."user_id" = ?)) THEN TRUE WHEN ("t1"."section_id" IS NOT NULL AND (NOT EXISTS(SELECT 1 FROM "section__members" AS "t3" WHERE "t3"."section_id" = "t1"."section_id" AND ("t3"."user_id" <> ?) IS NOT TRUE))) THEN FALSE END), (CASE WHEN ("t4"."name" = "t5"."name") THEN TRUE WHEN ("t4"."name" <> "t5"."name") THEN FALSE END) FROM "post" AS "t1" LEFT JOIN "user" AS "t4" ON "t4"."id" = ? LEFT JOIN "user" AS "t5" ON "t5"."id" = "t1"."author_id" WHERE "t1"."id" = ?
  [Caller(Id), Caller(Id), Proposed(ColumnRef { field: FieldId(9), part: Main }), Id]
SELECT "t1"."id", "t1"."created_at", "t1"."updated_at", "t1"."version", "t1"."title", "t1"."state", "t1"."rating", "t1"."score", "t1"."words", "t1"."author_id", "t1"."section_id", "t1"."published_at", (CASE WHEN (EXISTS(SELECT 1 FROM "section__members" AS "t2" WHERE "t2"."section_id" = "t1"."section_id" AND "t2"."user_id" = CAST($1 AS uuid))) THEN TRUE WHEN ("t1"."section_id" IS NOT NULL AND (NOT EXISTS(SELECT 1 FROM "section__members" AS "t3" WHERE "t3"."section_id" = "t1"."section_id" AND ("t3"."user_id" <> CAST($2 AS uuid)) IS NOT TRUE))) THEN FALSE END), (CASE WHEN ("t4"."name" = "t5"."name") THEN TRUE WHEN ("t4"."name" <> "t5"."name") THEN FALSE END) FROM "post" AS "t1" LEFT JOIN "user" AS "t4" ON "t4"."id" = CAST($3 AS uuid) LEFT JOIN "user" AS "t5" ON "t5"."id" = "t1"."author_id" WHERE "t1"."id" = CAST($4 AS uuid)
  [Caller(Id), Caller(Id), Proposed(ColumnRef { field: FieldId(9), part: Main }), Id]
"##);
}

#[test]
fn writes() {
    let world = World::new();
    let id = world.id("Section");
    let collection = world.collection("Section");
    let field = |name: &str| collection.field_named(name).expect("a field").id;
    insta::assert_snapshot!(world.both(|planner| planner.insert(id)), @r##"
INSERT INTO "section" ("id", "created_at", "updated_at", "version", "name", "budget", "budget_currency") VALUES (?, ?, ?, ?, ?, ?, ?)
  [Proposed(ColumnRef { field: FieldId(0), part: Main }), Proposed(ColumnRef { field: FieldId(1), part: Main }), Proposed(ColumnRef { field: FieldId(2), part: Main }), Proposed(ColumnRef { field: FieldId(3), part: Main }), Proposed(ColumnRef { field: FieldId(4), part: Main }), Proposed(ColumnRef { field: FieldId(5), part: Main }), Proposed(ColumnRef { field: FieldId(5), part: Currency })]
INSERT INTO "section" ("id", "created_at", "updated_at", "version", "name", "budget", "budget_currency") VALUES (CAST($1 AS uuid), CAST($2 AS timestamptz), CAST($3 AS timestamptz), CAST($4 AS bigint), CAST($5 AS text) COLLATE "C", CAST($6 AS numeric), CAST($7 AS text) COLLATE "C")
  [Proposed(ColumnRef { field: FieldId(0), part: Main }), Proposed(ColumnRef { field: FieldId(1), part: Main }), Proposed(ColumnRef { field: FieldId(2), part: Main }), Proposed(ColumnRef { field: FieldId(3), part: Main }), Proposed(ColumnRef { field: FieldId(4), part: Main }), Proposed(ColumnRef { field: FieldId(5), part: Main }), Proposed(ColumnRef { field: FieldId(5), part: Currency })]
"##);
    insta::assert_snapshot!(world.both(|planner| planner.update(id, &[field("budget")])), @r##"
UPDATE "section" SET "updated_at" = ?, "version" = ?, "budget" = ?, "budget_currency" = ? WHERE "id" = ? AND "version" = ?
  [Proposed(ColumnRef { field: FieldId(2), part: Main }), Proposed(ColumnRef { field: FieldId(3), part: Main }), Proposed(ColumnRef { field: FieldId(5), part: Main }), Proposed(ColumnRef { field: FieldId(5), part: Currency }), Id, Version]
UPDATE "section" SET "updated_at" = CAST($1 AS timestamptz), "version" = CAST($2 AS bigint), "budget" = CAST($3 AS numeric), "budget_currency" = CAST($4 AS text) COLLATE "C" WHERE "id" = CAST($5 AS uuid) AND "version" = CAST($6 AS bigint)
  [Proposed(ColumnRef { field: FieldId(2), part: Main }), Proposed(ColumnRef { field: FieldId(3), part: Main }), Proposed(ColumnRef { field: FieldId(5), part: Main }), Proposed(ColumnRef { field: FieldId(5), part: Currency }), Id, Version]
"##);
    insta::assert_snapshot!(world.both(|planner| planner.delete(id)), @r##"
DELETE FROM "section" WHERE "id" = ? AND "version" = ?
  [Id, Version]
DELETE FROM "section" WHERE "id" = CAST($1 AS uuid) AND "version" = CAST($2 AS bigint)
  [Id, Version]
"##);
    insta::assert_snapshot!(world.both(|planner| planner.lookup(id, &[field("name")], Perspective::Live)), @r##"
SELECT "t1"."id" FROM "section" AS "t1" WHERE "t1"."name" = ? LIMIT ?
  [Proposed(ColumnRef { field: FieldId(4), part: Main }), Constant(Int(1))]
SELECT "t1"."id" FROM "section" AS "t1" WHERE "t1"."name" = (CAST($1 AS text) COLLATE "C") LIMIT $2
  [Proposed(ColumnRef { field: FieldId(4), part: Main }), Constant(Int(1))]
"##);
    let author = world.collection("Post").field_named("author").expect("a field").id;
    let referencing =
        |order| world.both(|planner| planner.referencing(world.id("Post"), author, (Perspective::Live, order)));
    insta::assert_snapshot!(referencing(IdOrder::Ascending), @r##"
SELECT "t1"."id" FROM "post" AS "t1" WHERE "t1"."author_id" = ? ORDER BY "t1"."id" ASC LIMIT ?
  [Id, Limit]
SELECT "t1"."id" FROM "post" AS "t1" WHERE "t1"."author_id" = CAST($1 AS uuid) ORDER BY "t1"."id" ASC LIMIT $2
  [Id, Limit]
"##);
    insta::assert_snapshot!(referencing(IdOrder::Below), @r##"
SELECT "t1"."id" FROM "post" AS "t1" WHERE "t1"."author_id" = ? AND "t1"."id" < ? ORDER BY "t1"."id" DESC LIMIT ?
  [Id, Cursor(0), Limit]
SELECT "t1"."id" FROM "post" AS "t1" WHERE "t1"."author_id" = CAST($1 AS uuid) AND "t1"."id" < CAST($2 AS uuid) ORDER BY "t1"."id" DESC LIMIT $3
  [Id, Cursor(0), Limit]
"##);
}

#[test]
fn writes_of_links() {
    let world = World::new();
    let collection = world.collection("Section");
    let members = collection.field_named("members").expect("a field");
    let FieldKind::ManyToMany { link, .. } = &members.kind else { panic!("links") };
    insta::assert_snapshot!(world.both(|planner| planner.link_insert(link)), @r##"
INSERT INTO "section__members" ("section_id", "user_id") VALUES (?, ?) ON CONFLICT ("section_id", "user_id") DO NOTHING
  [Id, Argument(0)]
INSERT INTO "section__members" ("section_id", "user_id") VALUES (CAST($1 AS uuid), CAST($2 AS uuid)) ON CONFLICT ("section_id", "user_id") DO NOTHING
  [Id, Argument(0)]
"##);
    insta::assert_snapshot!(world.both(|planner| planner.link_remove(link)), @r##"
DELETE FROM "section__members" WHERE "section_id" = ? AND "user_id" = ?
  [Id, Argument(0)]
DELETE FROM "section__members" WHERE "section_id" = CAST($1 AS uuid) AND "user_id" = CAST($2 AS uuid)
  [Id, Argument(0)]
"##);
    insta::assert_snapshot!(world.both(|planner| planner.link_clear(link)), @r##"
DELETE FROM "section__members" WHERE "section_id" = ?
  [Id]
DELETE FROM "section__members" WHERE "section_id" = CAST($1 AS uuid)
  [Id]
"##);
    let user = world.collection("User").id;
    insta::assert_snapshot!(world.both(|planner| planner.live_link_targets(user, link)), @r##"
SELECT "t1"."id" FROM "user" AS "t1" WHERE "t1"."id" IN (SELECT "user_id" FROM "section__members" WHERE "section_id" = ?) ORDER BY "t1"."id" ASC LIMIT ?
  [Id, Limit]
SELECT "t1"."id" FROM "user" AS "t1" WHERE "t1"."id" IN (SELECT "user_id" FROM "section__members" WHERE "section_id" = CAST($1 AS uuid)) ORDER BY "t1"."id" ASC LIMIT $2
  [Id, Limit]
"##);
    insta::assert_snapshot!(world.both(|planner| planner.link_targets(link)), @r##"
SELECT "t1"."user_id" FROM "section__members" AS "t1" WHERE "t1"."section_id" = ? ORDER BY "t1"."user_id" ASC LIMIT ?
  [Id, Limit]
SELECT "t1"."user_id" FROM "section__members" AS "t1" WHERE "t1"."section_id" = CAST($1 AS uuid) ORDER BY "t1"."user_id" ASC LIMIT $2
  [Id, Limit]
"##);
}

#[test]
fn taken_slugs() {
    let world = World::new();
    let user = world.collection("User");
    let (email, name) = (user.field_named("email").expect("a field").id, user.field_named("name").expect("a field").id);
    let index = Index { fields: vec![email, name], nulls: Nulls::Same, ..user.indexes[0].clone() };
    insta::assert_snapshot!(world.both(|planner| planner.taken_slugs(user.id, (&index, name), &[])), @r##"
SELECT "t1"."name" FROM "user" AS "t1" WHERE "t1"."name" >= ? AND "t1"."name" < ? AND "t1"."email" = ? ORDER BY "t1"."name" ASC LIMIT ?
  [Param(0, Main), Param(1, Main), Proposed(ColumnRef { field: FieldId(4), part: Main }), Constant(Int(1000))]
SELECT "t1"."name" FROM "user" AS "t1" WHERE "t1"."name" >= (CAST($1 AS text) COLLATE "C") AND "t1"."name" < (CAST($2 AS text) COLLATE "C") AND "t1"."email" = (CAST($3 AS text) COLLATE "C") ORDER BY "t1"."name" ASC LIMIT $4
  [Param(0, Main), Param(1, Main), Proposed(ColumnRef { field: FieldId(4), part: Main }), Constant(Int(1000))]
"##);
    insta::assert_snapshot!(world.both(|planner| planner.taken_slugs(user.id, (&index, name), &[email])), @r##"
SELECT "t1"."name" FROM "user" AS "t1" WHERE "t1"."name" >= ? AND "t1"."name" < ? AND "t1"."email" IS NULL ORDER BY "t1"."name" ASC LIMIT ?
  [Param(0, Main), Param(1, Main), Constant(Int(1000))]
SELECT "t1"."name" FROM "user" AS "t1" WHERE "t1"."name" >= (CAST($1 AS text) COLLATE "C") AND "t1"."name" < (CAST($2 AS text) COLLATE "C") AND "t1"."email" IS NULL ORDER BY "t1"."name" ASC LIMIT $3
  [Param(0, Main), Param(1, Main), Constant(Int(1000))]
"##);
}

fn texts(statements: &[backstay_sql::Statement]) -> String {
    statements.iter().flat_map(|statement| [statement.text(), "\n"]).collect()
}

#[test]
fn tables() {
    let world = World::new();
    insta::assert_snapshot!(texts(&schema::create(&world.0, Dialect::Sqlite)), @r##"
CREATE TABLE "user" ( "id" BLOB NOT NULL PRIMARY KEY, "created_at" INTEGER NOT NULL, "updated_at" INTEGER NOT NULL, "version" INTEGER NOT NULL, "email" TEXT NOT NULL, "name" TEXT NOT NULL ) STRICT
CREATE TABLE "section" ( "id" BLOB NOT NULL PRIMARY KEY, "created_at" INTEGER NOT NULL, "updated_at" INTEGER NOT NULL, "version" INTEGER NOT NULL, "budget" INTEGER, "name" TEXT NOT NULL, "budget_currency" TEXT ) STRICT
CREATE TABLE "post" ( "id" BLOB NOT NULL PRIMARY KEY, "created_at" INTEGER NOT NULL, "updated_at" INTEGER NOT NULL, "version" INTEGER NOT NULL, "state" TEXT NOT NULL, "rating" INTEGER NOT NULL, "score" REAL, "author_id" BLOB NOT NULL, "section_id" BLOB, "published_at" INTEGER, "title" TEXT NOT NULL, "words" TEXT, FOREIGN KEY ("author_id") REFERENCES "user" ("id"), FOREIGN KEY ("section_id") REFERENCES "section" ("id") ) STRICT
CREATE TABLE "comment" ( "id" BLOB NOT NULL PRIMARY KEY, "created_at" INTEGER NOT NULL, "updated_at" INTEGER NOT NULL, "version" INTEGER NOT NULL, "post_id" BLOB NOT NULL, "author_id" BLOB NOT NULL, "hidden" INTEGER NOT NULL, "body" TEXT NOT NULL, FOREIGN KEY ("post_id") REFERENCES "post" ("id"), FOREIGN KEY ("author_id") REFERENCES "user" ("id") ) STRICT
CREATE UNIQUE INDEX "ux_user__email" ON "user" ("email")
CREATE TABLE "section__members" ( "section_id" BLOB NOT NULL, "user_id" BLOB NOT NULL, PRIMARY KEY ("section_id", "user_id"), FOREIGN KEY ("section_id") REFERENCES "section" ("id"), FOREIGN KEY ("user_id") REFERENCES "user" ("id") ) STRICT, WITHOUT ROWID
CREATE INDEX "section__members_reverse" ON "section__members" ("user_id", "section_id")
CREATE INDEX "ix_post__state__published_at" ON "post" ("state", "published_at", "id")
CREATE INDEX "ix_post__author_id" ON "post" ("author_id", "id")
CREATE INDEX "ix_post__section_id" ON "post" ("section_id", "id")
CREATE INDEX "ix_comment__post_id" ON "comment" ("post_id", "id")
CREATE INDEX "ix_comment__author_id" ON "comment" ("author_id", "id")
"##);
    insta::assert_snapshot!(texts(&schema::create(&world.0, Dialect::Postgres)), @r##"
CREATE TABLE "user" ( "id" uuid NOT NULL PRIMARY KEY, "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL, "email" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL )
CREATE TABLE "section" ( "id" uuid NOT NULL PRIMARY KEY, "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL, "budget" numeric(19, 4), "name" text COLLATE "C" NOT NULL, "budget_currency" text COLLATE "C" )
CREATE TABLE "post" ( "id" uuid NOT NULL PRIMARY KEY, "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL, "state" text COLLATE "C" NOT NULL, "rating" numeric(19, 2) NOT NULL, "score" double precision, "author_id" uuid NOT NULL, "section_id" uuid, "published_at" timestamptz, "title" text COLLATE "C" NOT NULL, "words" jsonb )
CREATE TABLE "comment" ( "id" uuid NOT NULL PRIMARY KEY, "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL, "post_id" uuid NOT NULL, "author_id" uuid NOT NULL, "hidden" boolean NOT NULL, "body" text COLLATE "C" NOT NULL )
ALTER TABLE "post" ADD CONSTRAINT "post_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "user" ("id")
ALTER TABLE "post" ADD CONSTRAINT "post_section_id_fkey" FOREIGN KEY ("section_id") REFERENCES "section" ("id")
ALTER TABLE "comment" ADD CONSTRAINT "comment_post_id_fkey" FOREIGN KEY ("post_id") REFERENCES "post" ("id")
ALTER TABLE "comment" ADD CONSTRAINT "comment_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "user" ("id")
CREATE UNIQUE INDEX "ux_user__email" ON "user" ("email")
CREATE TABLE "section__members" ( "section_id" uuid NOT NULL, "user_id" uuid NOT NULL, PRIMARY KEY ("section_id", "user_id"), CONSTRAINT "section__members_section_id_fkey" FOREIGN KEY ("section_id") REFERENCES "section" ("id"), CONSTRAINT "section__members_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user" ("id") )
CREATE INDEX "section__members_reverse" ON "section__members" ("user_id", "section_id")
CREATE INDEX "ix_post__state__published_at" ON "post" ("state", "published_at", "id")
CREATE INDEX "ix_post__author_id" ON "post" ("author_id", "id")
CREATE INDEX "ix_post__section_id" ON "post" ("section_id", "id")
CREATE INDEX "ix_comment__post_id" ON "comment" ("post_id", "id")
CREATE INDEX "ix_comment__author_id" ON "comment" ("author_id", "id")
"##);
}

#[test]
fn changes_of_tables() {
    let world = World::new();
    let post = world.collection("Post");
    let mut added = String::new();
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        for (name, default) in [("section", None), ("rating", Some(Value::Decimal("1.5".parse().expect("a decimal"))))]
        {
            let mut field = post.field_named(name).expect("a field").clone();
            field.default = default;
            let mut collection = post.clone();
            collection.fields[usize::from(field.id.0)] = field.clone();
            added.push_str(&texts(&schema::add_field(&world.0, (&collection, &field), |_| true, dialect)));
        }
        added.push_str(&texts(&schema::drop_index("post_state", dialect)));
    }
    insta::assert_snapshot!(added, @r##"
ALTER TABLE "post" ADD COLUMN "section_id" BLOB REFERENCES "section" ("id")
ALTER TABLE "post" ADD COLUMN "rating" INTEGER NOT NULL DEFAULT 150
DROP INDEX "post_state"
ALTER TABLE "post" ADD COLUMN "section_id" uuid
ALTER TABLE "post" ADD CONSTRAINT "post_section_id_fkey" FOREIGN KEY ("section_id") REFERENCES "section" ("id")
ALTER TABLE "post" ADD COLUMN "rating" numeric(19, 2) NOT NULL DEFAULT (CAST('1.5' AS numeric))
DROP INDEX "post_state"
"##);
}

/// The size of the statement that finds the records of a collection by a filter, nested into itself this often.
fn size(world: &World, dialect: Dialect, collection: &str, (innermost, around, times): (&str, &str, usize)) -> usize {
    let text =
        (0..times).fold(innermost.to_owned(), |inner, at| around.replace('E', &inner).replace('@', &at.to_string()));
    let selection = world.select(collection, &["id"]);
    let filter = Some(world.filter(collection, &text));
    let shape = ReadShape { filter, ..world.of(collection, selection, page(Vec::new())) };
    Planner::new(Arc::clone(&world.0), dialect).read(&shape, &world.rights(&[])).template.text().len()
}

/// What a client nests is lowered to as much more text: an operand that is needed twice is written once or named.
#[test]
fn statements_grow_as_filters_do() {
    let world = World::new();
    let mut grown = Vec::new();
    let filters = [
        ("Comment", "hidden", "(E == hidden)"),
        ("Comment", "hidden", "(hidden != E)"),
        ("Comment", "hidden", "(E in [true, hidden])"),
        ("Comment", "hidden", "(true in [E, hidden])"),
        ("Comment", "hidden", "(E ? hidden : true)"),
        ("Comment", "hidden", "(E ? !hidden : hidden)"),
        ("Comment", "hidden", "(hidden ? E : !hidden)"),
        ("Comment", "hidden", "((E ? body : 'x') == body)"),
        ("Comment", "hidden", "((E ? body : 'x').endsWith('y'))"),
        ("Comment", "hidden", "('y'.endsWith(E ? body : 'x'))"),
        ("Comment", "hidden", "('y'.startsWith(E ? body : 'x'))"),
        ("Comment", "hidden", "((E ? version : 2) + 1 > 2)"),
        ("Comment", "hidden", "(post.comments.exists(c@, c@.hidden == E) == true)"),
        ("Comment", "hidden", "!post.comments.all(c@, c@.hidden == E)"),
        ("Post", "rating == 1.5", "((E ? rating : 1.005) == rating)"),
        ("Post", "rating == 1.5", "((E ? rating : 1.005) < (E2 ? rating : 1.005))"),
        ("Post", "rating == 1.5", "((E ? rating : 1.005) in [rating, 1.5])"),
        ("Post", "rating == 1.5", "(title in (E ? words : $words))"),
        ("Post", "rating == 1.5", "((E ? rating : 1.5) in $ratings)"),
        ("Post", "score == 1.5", "((E ? score : 2.5) * 2.0 == score)"),
        ("Post", "version == 1", "((E ? version : 2) / 2 == version)"),
        ("Post", "version == 1", "((E ? version / 3 : 2) % 2 == version)"),
        ("Post", "version == 1", "((E ? version * 3 : 2) + 1 == version)"),
    ];
    for (collection, innermost, around) in filters {
        let around = around.replace("E2", "version == 1");
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let [two, three, four] =
                [2, 3, 4].map(|times| size(&world, dialect, collection, (innermost, &around, times)));
            // Once it is nested, each time adds the same.
            if 2 * (four - three) > 3 * (three - two) {
                grown.push(format!("{dialect:?} {around}: {two}, {three}, {four} bytes"));
            }
        }
    }
    assert_eq!(grown, Vec::<String>::new());
}

#[test]
fn stored_sums() {
    let world = World::of_model(
        r#"
extend schema @app(name: "Sums")
type Product @allow(read: "true") @trash {
  name: String!
  reserved: Int @computed(is: "this.reservations.sum(r, r.state == 'HELD' ? r.quantity : 0)", stored: COMMIT)
  value: Decimal @precision(digits: 9, scale: 2) @computed(is: "this.reservations.sum(r, r.price)", stored: COMMIT)
  latest: DateTime @computed(is: "this.reservations.max(r, r.createdAt)", stored: COMMIT)
  reservations: [Reservation!] @inverse(field: "product")
}
type Reservation @allow(read: "true") @trash {
  product: Product!
  quantity: Int!
  price: Decimal! @precision(digits: 9, scale: 2)
  state: String!
}"#,
    );
    let id = world.id("Product");
    let field = |name: &str| world.collection("Product").field_named(name).expect("a field").id;
    let sum = |name: &str| backstay_expr::sum(&world.0, id, field(name)).expect("a stored sum");
    let (reserved, value, latest) = (sum("reserved"), sum("value"), sum("latest"));
    let all = [&reserved, &value, &latest];
    let read = [Collection::ID, Collection::VERSION, field("reserved")];
    let mut text = String::new();
    for (name, both) in [
        ("held", world.both(|planner| planner.held(id, &read).template)),
        ("anew", world.both(|planner| planner.sums_anew(id, &all).template)),
        ("set", world.both(|planner| planner.set_sums(id, &[field("reserved"), field("latest")]))),
        ("compared", world.both(|planner| planner.compared_sums(id, &[&reserved], true).template)),
        ("to change", world.both(|planner| planner.stored_to_change(id, Perspective::Live, &[]).template)),
    ] {
        write!(text, "{name}\n{both}").expect("writes");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_below_a_record_in_the_order_of_its_tree() {
    let world = World::of_model(
        r#"
extend schema @app(name: "Forest")
type User @identity @allow(read: "true") { email: Email! @unique }
type Node @allow(read: "true") @tree(parent: "parent", order: "position") {
  name: String!
  parent: Node
  children: [Node!] @inverse(field: "parent")
  position: Int
}
"#,
    );
    let descendants = world.expand("Node", "descendants", world.select("Node", &["name"]));
    let shape = world.of("Node", vec![descendants], ReadScope::One);
    insta::assert_snapshot!(world.read(&shape, &[("Node.position", "this.name != 'x'")]), @r#"
SELECT (SELECT json_group_array(json_array("t5"."c0")) FROM (SELECT "t3"."name" AS "c0" FROM (SELECT "below"."id" AS "below", "above"."id" AS "above" FROM "node" AS "below", "node" AS "above" WHERE "below"."tree__path" > "above"."tree__path" AND "below"."tree__path" < CAST(("above"."tree__path" || x'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF') AS BLOB)) AS "t2" LEFT JOIN "node" AS "t3" ON "t3"."id" = "t2"."below" WHERE "t2"."above" = "t1"."id" ORDER BY (SELECT group_concat(sortable((CASE WHEN ("t4"."name" <> ?) THEN "t4"."position" END)) || hex("t4"."id"), '' ORDER BY "t4"."tree__path") FROM "node" AS "t4" WHERE "t4"."tree__path" IN (substr("t3"."tree__path", 1, 16), substr("t3"."tree__path", 1, 32), substr("t3"."tree__path", 1, 48), substr("t3"."tree__path", 1, 64), substr("t3"."tree__path", 1, 80), substr("t3"."tree__path", 1, 96), substr("t3"."tree__path", 1, 112), substr("t3"."tree__path", 1, 128), substr("t3"."tree__path", 1, 144), substr("t3"."tree__path", 1, 160), substr("t3"."tree__path", 1, 176), substr("t3"."tree__path", 1, 192), substr("t3"."tree__path", 1, 208), substr("t3"."tree__path", 1, 224), substr("t3"."tree__path", 1, 240), substr("t3"."tree__path", 1, 256), substr("t3"."tree__path", 1, 272), substr("t3"."tree__path", 1, 288), substr("t3"."tree__path", 1, 304), substr("t3"."tree__path", 1, 320), substr("t3"."tree__path", 1, 336), substr("t3"."tree__path", 1, 352), substr("t3"."tree__path", 1, 368), substr("t3"."tree__path", 1, 384), substr("t3"."tree__path", 1, 400), substr("t3"."tree__path", 1, 416), substr("t3"."tree__path", 1, 432), substr("t3"."tree__path", 1, 448), substr("t3"."tree__path", 1, 464), substr("t3"."tree__path", 1, 480), substr("t3"."tree__path", 1, 496), substr("t3"."tree__path", 1, 512))) ASC, "t2"."below" ASC LIMIT ?) AS "t5"), "t1"."version" FROM "node" AS "t1" WHERE "t1"."id" = ?
  [Constant(Text("x")), Constant(Int(6)), Id]
SELECT CAST((SELECT coalesce(json_agg(json_build_array("t5"."c0")), CAST('[]' AS json)) FROM (SELECT "t3"."name" AS "c0" FROM (SELECT "below"."id" AS "below", "above"."id" AS "above" FROM "node" AS "below", "node" AS "above" WHERE "below"."tree__path" > "above"."tree__path" AND "below"."tree__path" < ("above"."tree__path" || '\xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF')) AS "t2" LEFT JOIN "node" AS "t3" ON "t3"."id" = "t2"."below" WHERE "t2"."above" = "t1"."id" ORDER BY (SELECT (string_agg((CASE WHEN ((CASE WHEN ("t4"."name" <> (CAST($1 AS text) COLLATE "C")) THEN "t4"."position" END) IS NULL) THEN 'z' ELSE 'n' || encode(int8send(CAST((CASE WHEN ("t4"."name" <> (CAST($2 AS text) COLLATE "C")) THEN "t4"."position" END) AS bigint) # CAST('-9223372036854775808' AS bigint)), 'hex') END) || CAST("t4"."id" AS text), '' ORDER BY "t4"."tree__path")) COLLATE "C" FROM "node" AS "t4" WHERE "t4"."tree__path" IN (SELECT substr("t3"."tree__path", 1, "level" * 16) FROM generate_series(1, octet_length("t3"."tree__path") / 16) AS "level")) ASC, "t2"."below" ASC LIMIT $3) AS "t5") AS text), "t1"."version" FROM "node" AS "t1" WHERE "t1"."id" = CAST($4 AS uuid)
  [Constant(Text("x")), Constant(Text("x")), Constant(Int(6)), Id]
"#);
}
