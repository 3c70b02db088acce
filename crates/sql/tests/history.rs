//! The statements that read the past, and those that keep it.

use std::fmt::Write as _;
use std::sync::Arc;

use backstay_base::Action;
use backstay_expr::{CollectionRights, FieldRights, Rights, Rule, Scope, compile};
use backstay_model::{Model, SourceFile, load};
use backstay_sql::{
    ColumnRef, Dialect, PageStart, Perspective, Planner, ReadScope, ReadShape, Selected, SelectedField, Selection,
    Slot, SortKey, Template,
};

const MODEL: &str = r#"
extend schema @app(name: "Past")
type User @identity @allow(read: "true") { email: Email! @unique }
type Deal @allow(read: "true", delete: "true") @trash @history(read: "true", keep: "30d") {
  title: String!
  price: Money
  owner: User
}
"#;

fn model() -> Arc<Model> {
    Arc::new(load(vec![SourceFile::app("past.graphql", MODEL)]).expect("a model").model)
}

/// Rights by which owners read the history of their deals, and the price nobody but themselves.
fn rights(model: &Model) -> Rights {
    Rights::new(model.collections.iter().map(|collection| {
        let rule = |text: &str| {
            let checked = compile(text, &Scope::rule(model, collection.id)).expect("a rule");
            Rule::new(checked.expr, checked.needs_store)
        };
        let mut rights = CollectionRights::default();
        if collection.name == "Deal" {
            rights.allow(Action::History, rule("this.owner == auth.id"));
        }
        for field in &collection.fields {
            let mut of_field = FieldRights::default();
            let read = if field.name == "price" { rule("this.owner == auth.id") } else { Rule::allowed() };
            of_field.allow(Action::Read, read);
            rights.field(of_field);
        }
        rights
    }))
}

/// The statement for SQLite, then the one for PostgreSQL, each with its slots.
fn both(model: &Arc<Model>, template: impl Fn(Planner) -> Template) -> String {
    let mut out = String::new();
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let template = template(Planner::new(Arc::clone(model), dialect));
        writeln!(out, "{}", template.text()).expect("writes");
        writeln!(out, "  {:?}", template.slots().collect::<Vec<&Slot>>()).expect("writes");
    }
    out
}

#[test]
fn the_past_is_read_from_versions_and_rules_are_asked_about_the_last_one() {
    let model = model();
    let rights = rights(&model);
    let deal = model.collection_named("Deal").expect("a type");
    let field = |name: &str| deal.field_named(name).expect("a field").id;
    let selection =
        |names: &[&str]| Selection::parts(names.iter().map(|name| Selected::Field(SelectedField::of(field(name)))));
    let read = |scope: ReadScope, filter: Option<&str>| {
        let filter = filter.map(|text| compile(text, &Scope::filter(&model, deal.id)).expect("a filter").expr);
        let selection = selection(&["title", "price", "owner"]);
        let (action, perspective) = (Action::Search, Perspective::AsOf);
        let shape = ReadShape {
            action,
            perspective,
            collection: deal.id,
            selection,
            first_param: 0,
            filter,
            search: None,
            scope,
        };
        both(&model, |planner| planner.read(&shape, &rights).template)
    };
    let sort = vec![SortKey::of(ColumnRef::main(field("title")), false)];
    insta::assert_snapshot!("one_record_of_the_past", read(ReadScope::One, None));
    insta::assert_snapshot!(
        "a_page_of_the_past",
        read(ReadScope::Page { sort, start: PageStart::First }, Some("title == 'x' && price.amount > 3"))
    );
    insta::assert_snapshot!("a_count_of_the_past", read(ReadScope::Count, None));
    let history = |after: bool| both(&model, |planner| planner.history(deal.id, &rights, after).template);
    insta::assert_snapshot!("the_history_of_a_record", format!("{}\n{}", history(false), history(true)));
}

#[test]
fn versions_are_ended_and_deleted() {
    let model = model();
    let history = model.collection_named("Deal").and_then(|deal| deal.history.as_ref()).expect("a history");
    let versions = model.collection(history.versions);
    let layout = versions.versions.as_ref().expect("versions");
    let statements = [
        both(&model, |planner| planner.insert(versions.id)),
        both(&model, |planner| planner.end_version((versions.id, layout))),
        both(&model, |planner| planner.delete_versions(versions.id)),
        both(&model, |planner| planner.expired_versions(versions.id)),
        both(&model, |planner| planner.delete_expired_versions(versions.id)),
    ];
    insta::assert_snapshot!(statements.join("\n"));
}
