//! What a page costs where the rule of its rows is a membership rule: as much as the caller's memberships make, however
//! many records are hidden.

use std::sync::Arc;

use backstay_base::Action;
use backstay_expr::{CollectionRights, FieldRights, Rights, Rule, Scope, compile};
use backstay_model::{Collection, FieldId, Model, SourceFile};
use backstay_sql::{
    ColumnRef, Dialect, PageStart, Perspective, Planner, Position, ReadScope, ReadShape, Selected, SelectedField,
    Selection, Slot, SortKey, schema,
};
use rusqlite::{Connection, StatementStatus, types::Value};

const MODEL: &str = r#"
extend schema @app(name: "Driven")
type User @identity @allow(read: "true") { email: Email! @unique }
type Section @allow(read: "true") { members: [User!] }
type Post @allow(read: "this.section.members.exists(m, m == auth.id)") { section: Section!, title: String! }
"#;

/// The same with an index that has the posts of a section in another order than that of their ids, and one that has the
/// order of all posts.
const INDEXED: &str = r#"
extend schema @app(name: "Driven")
type User @identity @allow(read: "true") { email: Email! @unique }
type Section @allow(read: "true") { members: [User!] }
type Post @allow(read: "this.section.members.exists(m, m == auth.id)")
  @index(fields: ["section", "createdAt"]) @index(fields: ["title"]) { section: Section!, title: String! }
"#;

/// 20,000 posts, spread over 500 sections; the caller is a member of this many of them, the last ones.
struct Desk {
    model: Arc<Model>,
    connection: Connection,
}

impl Desk {
    fn new(memberships: u32) -> Self {
        Self::of(MODEL, memberships, "1 + i % 500")
    }

    /// With the sections that this gives post number `i`.
    fn of(model: &str, memberships: u32, section: &str) -> Self {
        let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", model)]).expect("a model");
        let model = Arc::new(loaded.model);
        let connection = Connection::open_in_memory().expect("a database");
        for statement in schema::create(&model, Dialect::Sqlite) {
            connection.execute_batch(statement.text()).expect("a table");
        }
        let numbers =
            |count: u32| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
        let key = |kind: u32| format!("CAST(printf('{kind}%015d', i) AS BLOB)");
        let statements = [
            format!("INSERT INTO user SELECT CAST('{}' AS BLOB), 0, 0, 1, 'a@example.org'", "0".repeat(16)),
            format!("{} INSERT INTO section SELECT {}, 0, 0, 1 FROM n", numbers(500), key(1)),
            format!(
                "{} INSERT INTO post SELECT {}, 0, 0, 1, CAST(printf('1%015d', {section}) AS BLOB), 'x' FROM n",
                numbers(20_000),
                key(2)
            ),
            format!(
                "{} INSERT INTO section__members SELECT {}, CAST('{}' AS BLOB) FROM n WHERE i > 500 - {memberships}",
                numbers(500),
                key(1),
                "0".repeat(16)
            ),
        ];
        for statement in statements {
            connection.execute_batch(&statement).expect("rows");
        }
        Self { model, connection }
    }

    fn posts(&self) -> &Collection {
        self.model.collection_named("Post").expect("a collection")
    }

    fn title(&self) -> FieldId {
        self.posts().field_named("title").expect("a field").id
    }

    fn rights(&self) -> Rights {
        let rule = |collection: &Collection| {
            let rule = collection.allow[0].clauses[0].read.as_ref().expect("a rule");
            let checked = compile(rule, &Scope::rule(&self.model, collection.id)).expect("a rule");
            Rule::new(checked.expr, checked.needs_store)
        };
        Rights::new(self.model.collections.iter().map(|collection| {
            let mut rights = CollectionRights::default();
            let of_type = if collection.system { Rule::refused() } else { rule(collection) };
            rights.allow(Action::Read, of_type);
            for _ in &collection.fields {
                let mut field = FieldRights::default();
                field.allow(Action::Read, Rule::allowed());
                rights.field(field);
            }
            rights
        }))
    }

    /// The rows of a page of 20 and the steps that SQLite makes for them.
    fn page(&self, sort: Vec<SortKey>, after: Option<Position>) -> (usize, i32) {
        let title = self.title();
        let shape = ReadShape {
            action: Action::Read,
            perspective: Perspective::Live,
            collection: self.posts().id,
            selection: Selection::parts([Selected::Field(SelectedField::of(title))]),
            first_param: 0,
            filter: None,
            search: None,
            scope: ReadScope::Page { sort, start: after.map_or(PageStart::First, PageStart::After) },
        };
        let plan = Planner::new(Arc::clone(&self.model), Dialect::Sqlite).read(&shape, &self.rights());
        let params: Vec<Value> = plan
            .template
            .slots()
            .map(|slot| match slot {
                Slot::Caller(_) => Value::Blob(b"0".repeat(16)),
                Slot::Constant(backstay_scalar::Value::Int(number)) => Value::Integer(*number),
                Slot::Cursor(_) => Value::Blob(b"2000000000000100".to_vec()),
                _ => Value::Integer(20),
            })
            .collect();
        let mut statement = self.connection.prepare(plan.template.text()).expect("a statement");
        let mut rows = statement.query(rusqlite::params_from_iter(params)).expect("rows");
        let mut count = 0;
        while rows.next().expect("a row").is_some() {
            count += 1;
        }
        drop(rows);
        (count, statement.get_status(StatementStatus::VmStep))
    }
}

#[test]
fn a_page_costs_what_the_memberships_make() {
    for (memberships, most) in [(1, 1_000), (3, 2_000), (500, 20_000)] {
        let desk = Desk::new(memberships);
        let (rows, steps) = desk.page(Vec::new(), None);
        assert_eq!(rows, 20, "{memberships}");
        assert!(steps < most, "{memberships} memberships: {steps} steps");
        let (rows, steps) = desk.page(Vec::new(), Some(Position { nulls: Vec::new() }));
        assert_eq!(rows, 20, "{memberships}, after a place");
        assert!(steps < most, "{memberships} memberships, after a place: {steps} steps");
    }
}

#[test]
fn a_page_in_an_order_without_an_index_costs_what_the_memberships_make() {
    for (memberships, most) in [(1, 4_000), (3, 10_000)] {
        let desk = Desk::new(memberships);
        let by_title = SortKey::of(ColumnRef::main(desk.title()), true);
        let (rows, steps) = desk.page(vec![by_title], None);
        assert_eq!(rows, 20, "{memberships}");
        assert!(steps < most, "{memberships} memberships: {steps} steps");
    }
}

/// In the order of the ids and in that of an index, each of which has all posts and not those of one section.
fn orders(desk: &Desk) -> [Vec<SortKey>; 3] {
    let by = |field, descending| SortKey::of(ColumnRef::main(field), descending);
    [Vec::new(), vec![by(Collection::ID, false)], vec![by(desk.title(), false)]]
}

#[test]
fn a_page_in_the_order_of_all_records_costs_what_the_memberships_make() {
    // The posts that the caller sees come after all others.
    let desk = Desk::of(INDEXED, 3, "(i - 1) / 40 + 1");
    for sort in orders(&desk) {
        let (rows, steps) = desk.page(sort.clone(), None);
        assert_eq!(rows, 20, "{sort:?}");
        // The first 2,000 in that order, and those of three sections.
        assert!(steps < 45_000, "{sort:?}: {steps} steps");
    }
}

#[test]
fn a_page_in_the_order_of_all_records_ends_where_it_is_full() {
    let desk = Desk::of(INDEXED, 500, "1 + i % 500");
    for sort in orders(&desk) {
        let (rows, steps) = desk.page(sort.clone(), None);
        assert_eq!(rows, 20, "{sort:?}");
        assert!(steps < 30_000, "{sort:?}: {steps} steps");
    }
}

#[test]
fn a_page_in_the_opposite_order_of_the_ids_costs_what_the_memberships_make() {
    // The posts that the caller sees come after all others, and each index has an order within the sections.
    let desk = Desk::of(MODEL, 3, "500 - (i - 1) / 40");
    let (rows, steps) = desk.page(vec![SortKey::of(ColumnRef::main(Collection::ID), true)], None);
    assert_eq!(rows, 20);
    assert!(steps < 2_000, "{steps} steps");
}
