//! Which reads SQLite makes through which index.

use std::sync::Arc;

use backstay_base::Action;
use backstay_expr::{CollectionRights, FieldRights, Rights, Rule, Scope, compile};
use backstay_model::{Collection, Model, SourceFile};
use backstay_sql::{
    ColumnRef, Dialect, PageStart, Perspective, Planner, Position, ReadScope, ReadShape, Selected, SelectedField,
    Selection, SortKey, Template, schema,
};
use rusqlite::Connection;
use rusqlite::types::Value;

const MODEL: &str = r#"
extend schema @app(name: "Partial")
enum State { DRAFT LIVE }
type Post @allow(read: "true")
  @index(fields: ["author"], where: "this.deletedAt == null && this.state == 'LIVE'")
  @index(fields: ["number"], where: "this.hidden == 'no'") {
  author: String!
  number: Int!
  state: State!
  hidden: String
  deletedAt: DateTime
}
"#;

/// How a page of posts is read: under this rule, with this filter, in the order of this field. The field `hidden` is seen by
/// those for whom `sees` is true.
fn plan(rule: &str, (filter, sort): (Option<&str>, Option<&str>), sees: &str) -> String {
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", MODEL)]).expect("a model");
    let model = Arc::new(loaded.model);
    let connection = Connection::open_in_memory().expect("a database");
    for statement in schema::create(&model, Dialect::Sqlite) {
        connection.execute_batch(statement.text()).expect("a table");
    }
    let posts = model.collection_named("Post").expect("a collection");
    let key = |name: &str| {
        let field = posts.field_named(name).expect("a field");
        SortKey::of(ColumnRef::main(field.id), false)
    };
    let shape = ReadShape {
        action: Action::Read,
        perspective: Perspective::Live,
        collection: posts.id,
        selection: Selection::parts([Selected::Field(SelectedField::of(posts.fields[4].id))]),
        first_param: 0,
        filter: filter.map(|text| compile(text, &Scope::filter(&model, posts.id)).expect("a filter").expr),
        search: None,
        scope: ReadScope::Page { sort: sort.map(key).into_iter().collect(), start: PageStart::First },
    };
    let plan = Planner::new(Arc::clone(&model), Dialect::Sqlite).read(&shape, &rights(&model, posts, (rule, sees)));
    explained(&connection, &plan.template)
}

/// How SQLite carries a statement out.
fn explained(connection: &Connection, template: &Template) -> String {
    let text = format!("EXPLAIN QUERY PLAN {}", template.text());
    let mut statement = connection.prepare(&text).expect("a statement");
    let params = template.slots().map(|_| Value::Integer(1));
    let mut rows = statement.query(rusqlite::params_from_iter(params)).expect("a plan");
    let mut plan = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        plan.push(row.get::<_, String>(3).expect("a text"));
    }
    plan.join("; ")
}

fn rights(model: &Model, posts: &Collection, (rule, sees): (&str, &str)) -> Rights {
    let compiled = |text: &str| {
        let checked = compile(text, &Scope::rule(model, posts.id)).expect("a rule");
        Rule::new(checked.expr, checked.needs_store)
    };
    Rights::new(model.collections.iter().map(|collection| {
        let mut rights = CollectionRights::default();
        rights.allow(Action::Read, compiled(rule));
        for field in &collection.fields {
            let mut of_field = FieldRights::default();
            of_field.allow(Action::Read, if field.name == "hidden" { compiled(sees) } else { Rule::allowed() });
            rights.field(of_field);
        }
        rights
    }))
}

/// A nested list comes out of an index in its order, if there is one.
#[test]
fn an_index_has_the_order_of_a_nested_list() {
    let check = |order: &str, sorts: bool| {
        let text = format!(
            r#"
extend schema @app(name: "Ordered")
type Post @allow(read: "true") {{ comments: [Comment!] @inverse(field: "post") @order(by: {order}) }}
type Comment @allow(read: "true") @index(fields: ["post", "createdAt"]) @index(fields: ["post", "number"]) {{
  post: Post!
  number: Int
}}"#
        );
        let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", text)]).expect("a model");
        let model = Arc::new(loaded.model);
        let connection = Connection::open_in_memory().expect("a database");
        for statement in schema::create(&model, Dialect::Sqlite) {
            connection.execute_batch(statement.text()).expect("a table");
        }
        let posts = model.collection_named("Post").expect("a collection");
        let comments = SelectedField::of(posts.field_named("comments").expect("a field").id);
        let shape = ReadShape {
            action: Action::Read,
            perspective: Perspective::Live,
            collection: posts.id,
            selection: Selection::parts([Selected::Field(comments)]),
            first_param: 0,
            filter: None,
            search: None,
            scope: ReadScope::Page { sort: Vec::new(), start: PageStart::First },
        };
        let plan =
            Planner::new(Arc::clone(&model), Dialect::Sqlite).read(&shape, &rights(&model, posts, ("true", "true")));
        let plan = explained(&connection, &plan.template);
        assert_eq!(plan.contains("USE TEMP B-TREE FOR"), sorts, "{order}: {plan}");
    };
    check(r#""createdAt""#, false);
    check(r#""-createdAt""#, false);
    check(r#""version""#, true);
    check(r#""number""#, false);
    check(r#""-number""#, false);
}

/// Each of several types is read through its own index as far as the page needs, and only what that gives is sorted.
#[test]
fn each_of_several_types_has_a_range_of_its_own() {
    let text = r#"
extend schema @app(name: "Together")
interface Content @path(is: "content") @allow(read: "true") @index(fields: ["slug"]) { slug: String! }
type Article implements Content { a: Int }
type Guide implements Content { b: Int }
"#;
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", text)]).expect("a model");
    let model = Arc::new(loaded.model);
    let connection = Connection::open_in_memory().expect("a database");
    for statement in schema::create(&model, Dialect::Sqlite) {
        connection.execute_batch(statement.text()).expect("a table");
    }
    let check = |filter: Option<&str>, after: bool, expected: &[&str]| {
        let shapes = model.interfaces[0].types.iter().map(|id| {
            let slug = model.collection(*id).field_named("slug").expect("a field").id;
            let sort = vec![SortKey::of(ColumnRef::main(slug), false)];
            let after = after.then(|| Position { nulls: vec![false] });
            ReadShape {
                action: Action::Read,
                perspective: Perspective::Live,
                collection: *id,
                selection: Selection::Whole,
                first_param: 0,
                filter: filter.map(|text| compile(text, &Scope::filter(&model, *id)).expect("a filter").expr),
                search: None,
                scope: ReadScope::Page { sort, start: after.map_or(PageStart::First, PageStart::After) },
            }
        });
        let shapes: Vec<ReadShape> = shapes.collect();
        let article = model.collection(shapes[0].collection);
        let rights = rights(&model, article, ("true", "true"));
        let plan = Planner::new(Arc::clone(&model), Dialect::Sqlite).read_together(&shapes, &rights);
        let plan = explained(&connection, &plan.template);
        let used: Vec<&str> = plan.split("; ").filter(|step| step.contains("INDEX")).collect();
        assert_eq!(used, expected, "{filter:?} {after}: {plan}");
    };
    check(None, false, &["SCAN t1 USING INDEX ix_article__slug", "SCAN t2 USING INDEX ix_guide__slug"]);
    check(
        None,
        true,
        &[
            "SEARCH t1 USING INDEX ix_article__slug ((slug,id)>(?,?))",
            "SEARCH t2 USING INDEX ix_guide__slug ((slug,id)>(?,?))",
        ],
    );
    check(
        Some("slug == 'x'"),
        false,
        &["SEARCH t1 USING INDEX ix_article__slug (slug=?)", "SEARCH t2 USING INDEX ix_guide__slug (slug=?)"],
    );
}

/// The slugs that are taken are one range of the index that they must be unique in, and nothing is sorted.
#[test]
fn taken_slugs_are_a_range_of_their_index() {
    let text = r#"
extend schema @app(name: "Slugs")
type Post @allow(read: "true") @trash
  @unique(fields: ["site", "slug"], where: "this.live")
  @unique(fields: ["slug", "code"], nulls: SAME) {
  title: String!
  slug: String! @unique @slug(from: "title")
  site: Int
  live: Boolean!
  code: Int
}
"#;
    let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", text)]).expect("a model");
    let model = Arc::new(loaded.model);
    let connection = Connection::open_in_memory().expect("a database");
    for statement in schema::create(&model, Dialect::Sqlite) {
        connection.execute_batch(statement.text()).expect("a table");
    }
    let posts = model.collection_named("Post").expect("a collection");
    let field = |name: &str| posts.field_named(name).expect("a field").id;
    let planner = Planner::new(Arc::clone(&model), Dialect::Sqlite);
    let check = |place: usize, absent: &[&str], expected: &str| {
        let absent: Vec<_> = absent.iter().map(|name| field(name)).collect();
        let template = planner.taken_slugs(posts.id, (&posts.indexes[place], field("slug")), &absent);
        assert_eq!(explained(&connection, &template), expected, "{}", template.text());
    };
    check(0, &[], "SEARCH t1 USING INDEX ux_post__slug (slug>? AND slug<?)");
    let partial = format!("SEARCH t1 USING INDEX {} (site=? AND slug>? AND slug<?)", posts.indexes[1].name);
    check(1, &[], &partial);
    // The range of the other index is as good: it begins with the slug.
    check(2, &[], "SEARCH t1 USING INDEX ux_post__slug (slug>? AND slug<?)");
    check(2, &["code"], "SEARCH t1 USING INDEX ux_post__slug (slug>? AND slug<?)");
}

#[test]
fn an_index_is_used_where_its_condition_is_a_part_of_what_is_asked() {
    const AUTHOR: &str = "ix_post__author__";
    const NUMBER: &str = "ix_post__number__";
    let live = "this.state == 'LIVE' && this.deletedAt == null";
    let check = |(rule, filter, sort): (&str, Option<&str>, Option<&str>), sees: &str, expected: Option<&str>| {
        let plan = plan(rule, (filter, sort), sees);
        let used = [AUTHOR, NUMBER].into_iter().find(|index| plan.contains(index));
        assert_eq!(used, expected, "{rule} {filter:?} {sort:?} {sees}: {plan}");
    };
    // By the rule, by the filter, and by both together.
    check((live, Some("author == 'a'"), None), "true", Some(AUTHOR));
    check(("true", Some("author == 'a' && state == 'LIVE' && deletedAt == null"), None), "true", Some(AUTHOR));
    check(("this.deletedAt == null", Some("author == 'a' && state == 'LIVE'"), None), "true", Some(AUTHOR));
    check((&format!("{live} && this.author == 'a'"), None, None), "true", Some(AUTHOR));
    check((live, None, Some("author")), "true", Some(AUTHOR));
    // Where a part of the condition is not asked, or is asked otherwise.
    check(("true", Some("author == 'a'"), None), "true", None);
    check(("this.deletedAt == null", Some("author == 'a'"), None), "true", None);
    check(("this.deletedAt == null", Some("author == 'a' && state == 'DRAFT'"), None), "true", None);
    check((&format!("{live} || this.number == 1"), Some("author == 'a'"), None), "true", None);
    // Constants that are texts.
    check(("true", Some("number == 1 && hidden == 'no'"), None), "true", Some(NUMBER));
    check(("this.hidden == 'no'", Some("number == 1"), None), "this.number == 2", Some(NUMBER));
    // A caller doesn't find records by what they may not see.
    check(("true", Some("number == 1 && hidden == 'no'"), None), "this.number == 2", None);
}
