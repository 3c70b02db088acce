//! What it costs to ask for a branch of a tree: as much as the branch has, however many records there are elsewhere.

use std::sync::Arc;

use backstay_base::Action;
use backstay_expr::{CollectionRights, FieldRights, Rights, Rule, Scope, compile};
use backstay_model::{Collection, Model, SourceFile};
use backstay_sql::{
    Arguments, Dialect, PageStart, Perspective, Planner, ReadScope, ReadShape, Selected, SelectedField, Selection,
    Slot, schema,
};
use rusqlite::{Connection, StatementStatus, types::Value};

const MODEL: &str = r#"
extend schema @app(name: "Branches")
type Category @allow(read: "true") @tree(parent: "parent") { name: String parent: Category }
type Product @allow(read: "true") { name: String category: Category }
"#;

/// 5,000 categories, each with up to three below it, and 20,000 products in them.
struct Shop {
    model: Arc<Model>,
    connection: Connection,
    /// Which products a caller sees.
    rule: &'static str,
}

impl Shop {
    fn new(rule: &'static str) -> Self {
        let loaded = backstay_model::load(vec![SourceFile::app("model.graphql", MODEL)]).expect("a model");
        let model = Arc::new(loaded.model);
        let connection = Connection::open_in_memory().expect("a database");
        for statement in schema::create(&model, Dialect::Sqlite) {
            connection.execute_batch(statement.text()).expect("a table");
        }
        let key = |kind: u32, number: &str| format!("CAST(printf('{kind}%015d', {number}) AS BLOB)");
        let numbers = |count: u32| {
            format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)")
        };
        let (own, above) = (key(1, "i"), key(1, "(i - 1) / 3"));
        let walk = "WITH RECURSIVE w(id, path) AS (SELECT id, id FROM category WHERE parent_id IS NULL UNION ALL \
                    SELECT c.id, CAST(w.path || c.id AS BLOB) FROM w JOIN category AS c ON c.parent_id = w.id)";
        let statements = [
            format!(
                "{} INSERT INTO category (id, created_at, updated_at, version, name, parent_id) \
                 SELECT {own}, 0, 0, 1, 'x', CASE WHEN i > 0 THEN {above} END FROM n",
                numbers(5_000)
            ),
            format!("{walk} UPDATE category SET tree__path = (SELECT path FROM w WHERE w.id = category.id)"),
            format!(
                "{} INSERT INTO product (id, created_at, updated_at, version, name, category_id) \
                 SELECT {}, 0, 0, 1, 'x', {} FROM n",
                numbers(20_000),
                key(2, "i"),
                key(1, "i % 5000")
            ),
        ];
        for statement in statements {
            connection.execute_batch(&statement).expect("rows");
        }
        Self { model, connection, rule }
    }

    fn collection(&self, name: &str) -> &Collection {
        self.model.collection_named(name).expect("a collection")
    }

    fn rights(&self) -> Rights {
        Rights::new(self.model.collections.iter().map(|collection| {
            let mut rights = CollectionRights::default();
            let text = match collection.name.as_str() {
                "Product" => self.rule,
                "Category" => "true",
                _ => "false",
            };
            let checked = compile(text, &Scope::rule(&self.model, collection.id));
            let rule = checked.map(|checked| Rule::new(checked.expr, checked.needs_store));
            rights.allow(Action::Read, rule.unwrap_or_else(|_| Rule::refused()));
            for _ in &collection.fields {
                let mut field = FieldRights::default();
                field.allow(Action::Read, Rule::allowed());
                rights.field(field);
            }
            rights
        }))
    }

    /// The rows that a filter finds of a type, the steps that SQLite makes for them, and how it finds the first table.
    fn found(&self, (of, filter): (&str, &str), nested: Option<&str>, category: u32) -> (usize, i32, String) {
        let collection = self.collection(of);
        let selected = SelectedField::of(collection.field_named(nested.unwrap_or("name")).expect("a field").id);
        let selected = SelectedField { arguments: Arguments::default(), ..selected };
        let shape = ReadShape {
            action: Action::Read,
            perspective: Perspective::Live,
            collection: collection.id,
            selection: Selection::parts([Selected::Field(selected)]),
            first_param: 0,
            filter: Some(compile(filter, &Scope::filter(&self.model, collection.id)).expect("a filter").expr),
            search: None,
            scope: ReadScope::Page { sort: Vec::new(), start: PageStart::First },
        };
        let plan = Planner::new(Arc::clone(&self.model), Dialect::Sqlite).read(&shape, &self.rights());
        let value = |slot: &Slot| match slot {
            Slot::Param(..) => Value::Blob(format!("1{category:015}").into_bytes()),
            Slot::Limit => Value::Integer(500),
            _ => Value::Integer(100),
        };
        let params: Vec<Value> = plan.template.slots().map(value).collect();
        let text = format!("EXPLAIN QUERY PLAN {}", plan.template.text());
        let mut explained = self.connection.prepare(&text).expect("a statement");
        let mut rows = explained.query(rusqlite::params_from_iter(params.clone())).expect("a plan");
        let first = rows.next().expect("a row").expect("a step").get::<_, String>(3).expect("a text");
        let mut statement = self.connection.prepare(plan.template.text()).expect("a statement");
        let mut rows = statement.query(rusqlite::params_from_iter(params)).expect("rows");
        let mut count = 0;
        while rows.next().expect("a row").is_some() {
            count += 1;
        }
        drop(rows);
        (count, statement.get_status(StatementStatus::VmStep), first)
    }
}

/// Category 1000 has three below it, 100 has 39 on three levels, and 4999 none.
#[test]
fn what_is_within_a_branch_is_found_by_the_index() {
    for rule in ["true", "this.name != 'hidden'"] {
        let shop = Shop::new(rule);
        for (category, products) in [(1_000, 16), (100, 160), (4_999, 4)] {
            let (rows, steps, plan) = shop.found(("Product", "category.within($c)"), None, category);
            assert_eq!(
                (rows, &*plan),
                (products, "SEARCH t1 USING INDEX ix_product__category_id (category_id=?)"),
                "{rule}"
            );
            let most = 2_000 + i32::try_from(products).expect("few") * 500;
            assert!(steps < most, "{rule}: {steps} steps for {products} products");
        }
        let (rows, steps, plan) = shop.found(("Category", "this.within($c)"), None, 100);
        assert_eq!((rows, &*plan), (40, "SEARCH t1 USING INDEX sqlite_autoindex_category_1 (id=?)"), "{rule}");
        assert!(steps < 30_000, "{rule}: {steps} steps");
    }
}

#[test]
fn the_records_above_and_below_another_are_found_by_the_index() {
    let shop = Shop::new("true");
    for (list, most) in [("ancestors", 3_000), ("descendants", 3_000)] {
        let (rows, steps, _) = shop.found(("Category", "id == $c"), Some(list), 100);
        assert_eq!(rows, 1, "{list}");
        assert!(steps < most, "{list}: {steps} steps");
    }
}
