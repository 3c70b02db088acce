//! Rights before questions: everything that a caller can ask, under rules of every form, on both databases. Each value that the
//! caller wrote is passed through a function of SQL that notes on which records it was evaluated; a hidden record must
//! never be among them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use backstay_base::{Action, RecordId};
use backstay_expr::{Checked, CollectionRights, FieldRights, Output, Rights, Rule, Scope, Type, compile};
use backstay_model::Model;
use backstay_scalar::{Scalar, Value};
use backstay_sql::{
    Arguments, ColumnRef, Derived, Dialect, Fold, FoldFunction, GroupKey, GroupValue, Groups, GroupsShape,
    InnerSelection, PageStart, Param, Perspective, Phrase, Planner, ReadPlan, ReadScope, ReadShape, Selected,
    SelectedField, SelectedValue, Selection, Slot, SortBy, SortKey, Template, ValueKind,
};

use crate::Setting;
use crate::postgres::Postgres;
use crate::scopes::placeholders;
use crate::sqlite::Sqlite;
use crate::table::Table;

const TABLES: [&str; 14] = [
    "aggregates",
    "computed",
    "documents",
    "embedded",
    "json",
    "logic",
    "money",
    "numbers",
    "references",
    "texts",
    "times",
    "lists",
    "relations",
    "trees",
];

/// Rules that name no value of their own, so that every bound value but the caller's id is the caller's question.
const RULES: [&[(&str, &str)]; 9] = [
    &[("Item", "this.flag == true")],
    &[("Item", "!(this.number == 3)")],
    &[("Item", "this.owner.age != null")],
    &[("Item", "this.parts.exists(p, p.ok == true)")],
    &[("Item", "this.parts.all(p, p.ok == true)")],
    &[("Item", "this.team.members.exists(m, m == auth.id)")],
    &[("Item", "this.flag == true && this.team.members.exists(m, m == auth.id)")],
    &[("Item", "this.owner == auth.id || this.parts.exists(p, p.weight > 3)")],
    &[
        ("Item", "this.owner.age != null"),
        ("Item.title", "this.parts.exists(p, p.ok == true)"),
        ("Part", "this.ok == true"),
    ],
];

/// What an expression about items can be a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Filter,
    /// The filter of a list in the order of an index that the memberships of a rule don't have.
    FilterInOrder,
    Count,
    /// The filter of a change to many records, or of a deletion.
    Change(Action),
    Sort,
    /// A value that is selected.
    Selected,
    /// The key of groups, the term of what they come to, and the condition on them.
    Groups,
    /// The filter of a nested list.
    Nested,
    /// The order of a nested list.
    NestedSort,
}

const FORMS: [Form; 10] = [
    Form::Filter,
    Form::FilterInOrder,
    Form::Count,
    Form::Change(Action::Update),
    Form::Change(Action::Delete),
    Form::Sort,
    Form::Selected,
    Form::Groups,
    Form::Nested,
    Form::NestedSort,
];

impl Form {
    fn action(self) -> Action {
        match self {
            Self::Change(action) => action,
            _ => Action::Read,
        }
    }

    /// An order has no parameters.
    fn takes(self, checked: &Checked) -> bool {
        !matches!(self, Self::Sort | Self::NestedSort) || checked.params.is_empty()
    }
}

/// The rules hold for changes too, and what may be changed can be read.
fn rights(model: &Model, rules: &[(&str, &str)], action: Action) -> Rights {
    let rule = |of: &str, collection| match rules.iter().find(|(name, _)| *name == of) {
        Some((_, text)) => {
            let checked = compile(*text, &Scope::rule(model, collection)).expect("a rule");
            Rule::new(checked.expr, checked.needs_store)
        }
        None => Rule::allowed(),
    };
    Rights::new(model.collections.iter().map(|collection| {
        let mut rights = CollectionRights::default();
        rights.allow(Action::Read, rule(&collection.name, collection.id));
        if action != Action::Read {
            rights.allow(action, rule(&collection.name, collection.id));
        }
        for field in &collection.fields {
            let mut of_field = FieldRights::default();
            of_field.allow(Action::Read, rule(&format!("{}.{}", collection.name, field.name), collection.id));
            rights.field(of_field);
        }
        rights
    }))
}

fn phrase(text: &str, checked: &Checked, first_param: usize) -> Phrase {
    let first_param = u16::try_from(first_param).expect("few parameters");
    Phrase { text: text.into(), checked: Arc::new(checked.clone()), first_param }
}

fn derived(of: Phrase) -> Derived {
    Derived { of, kind: ValueKind::Scalar(Scalar::Boolean) }
}

fn page(sort: Vec<SortKey>) -> ReadScope {
    ReadScope::Page { sort, start: PageStart::First }
}

/// What plans the questions of one caller.
struct Asking<'s> {
    setting: &'s Setting,
    planner: Planner,
}

impl<'s> Asking<'s> {
    fn new(setting: &'s Setting, dialect: Dialect) -> Self {
        Self { setting, planner: Planner::new(Arc::clone(&setting.model), dialect) }
    }

    fn shape(&self, action: Action, collection: &str) -> ReadShape {
        ReadShape {
            action,
            perspective: Perspective::Live,
            collection: self.setting.model.collection_named(collection).expect("a collection").id,
            selection: Selection::id(),
            first_param: 0,
            filter: None,
            search: None,
            scope: page(Vec::new()),
        }
    }

    fn plan(&self, form: Form, text: &str, checked: &Checked) -> ReadPlan {
        let shape = self.shape(form.action(), "Item");
        let asked = || phrase(text, checked, 0);
        let by = || SortKey { by: SortBy::Derived(derived(asked())), descending: false };
        let shape = match form {
            Form::Filter | Form::Change(_) => ReadShape { filter: Some(checked.expr.clone()), ..shape },
            Form::FilterInOrder => {
                let number = self.setting.model.collection_named("Item").and_then(|item| item.field_named("number"));
                let key =
                    SortKey { by: SortBy::Column(ColumnRef::main(number.expect("a field").id)), descending: false };
                ReadShape { filter: Some(checked.expr.clone()), scope: page(vec![key]), ..shape }
            }
            Form::Count => ReadShape { filter: Some(checked.expr.clone()), scope: ReadScope::Count, ..shape },
            Form::Sort => ReadShape { scope: page(vec![by()]), ..shape },
            Form::Selected => {
                let value =
                    SelectedValue { name: "value".into(), relation: None, optional: false, value: derived(asked()) };
                ReadShape { selection: Selection::parts([Selected::Derived(value)]), ..shape }
            }
            Form::Groups => {
                let records = ReadShape { scope: ReadScope::Count, ..shape };
                return self.planner.groups(&self.groups(records, text, checked), &self.setting.rights);
            }
            Form::Nested => self.nested(Arguments { filter: Some(asked()), ..Arguments::default() }),
            Form::NestedSort => self.nested(Arguments { sort: [by()].into(), ..Arguments::default() }),
        };
        self.planner.read(&shape, &self.setting.rights)
    }

    fn groups(&self, records: ReadShape, text: &str, checked: &Checked) -> GroupsShape {
        let outputs = [("key", Type::Bool), ("n", Type::Int)].map(|(name, ty)| Output { name: name.to_owned(), ty });
        let having = "n != 7 || key";
        let meant = compile(having, &Scope::groups(&self.setting.model, &outputs)).expect("a condition");
        let params = checked.params.len();
        let count = Fold::Of(FoldFunction::Count, phrase(text, checked, params));
        let groups = Groups {
            by: [GroupKey { name: "key".into(), value: derived(phrase(text, checked, 0)) }].into(),
            of: [GroupValue { name: "n".into(), fold: count, kind: ValueKind::Scalar(Scalar::Int) }].into(),
            answered: 1,
            having: Some(phrase(having, &meant, 2 * params)),
            sort: [].into(),
        };
        GroupsShape { records, groups, start: PageStart::First }
    }

    /// The items of each team.
    fn nested(&self, arguments: Arguments) -> ReadShape {
        let items = self.setting.model.collection_named("Team").and_then(|team| team.field_named("items"));
        let inner = Some(InnerSelection::Fields(Selection::id()));
        let field = SelectedField { arguments, inner, ..SelectedField::of(items.expect("a list").id) };
        ReadShape { selection: Selection::parts([Selected::Field(field)]), ..self.shape(Action::Read, "Team") }
    }

    fn value(&self, slot: &Slot, checked: &Checked) -> Value {
        match slot {
            Slot::Param(index, part) => {
                let named = &checked.params[usize::from(*index) % checked.params.len()];
                part.of(&self.setting.param(&named.name))
            }
            slot => self.setting.value(slot, checked),
        }
    }
}

/// The statement in which every value that the caller wrote is noted, with the ids of the records that it is about.
fn noted(template: &Template, params: &[Param], (dialect, tables): (Dialect, &[String])) -> String {
    let text = template.text();
    let (mut out, mut written) = (String::new(), 0);
    let slots: Vec<&Slot> = template.slots().collect();
    for (index, placeholder) in placeholders(text, tables).into_iter().enumerate() {
        out.push_str(&text[written..placeholder.at.start]);
        written = placeholder.at.end;
        let marker = &text[placeholder.at.clone()];
        let number = marker[1..].parse().map_or(index, |number: usize| number - 1);
        // The number of rows of a SELECT belongs to none of them.
        let is_row_count = ["LIMIT ", "OFFSET "].iter().any(|word| out.ends_with(word));
        let is_asked = matches!(slots[number], Slot::Param(..) | Slot::Constant(_) | Slot::Now) && !is_row_count;
        let ids: Vec<String> = placeholder.records.iter().map(|alias| format!("\"{alias}\".\"id\"")).collect();
        match (dialect, type_of(&params[number])) {
            (Dialect::Sqlite, Some(_)) if is_asked => {
                write!(out, "noted({})", [vec![marker.to_owned()], ids].concat().join(", "))
            }
            (Dialect::Postgres, Some(ty)) if is_asked => {
                write!(out, "noted({marker}::{ty}, ARRAY[{}]::uuid[])", ids.join(", "))
            }
            _ => write!(out, "{marker}"),
        }
        .expect("writes");
    }
    out + &text[written..]
}

/// The type that PostgreSQL has for a value; none of null.
fn type_of(param: &Param) -> Option<&'static str> {
    Some(match param {
        Param::Null => return None,
        Param::Bool(_) => "boolean",
        Param::Int(_) => "bigint",
        Param::Float(_) => "float8",
        Param::Text(_) => "text",
        Param::Decimal(_) => "numeric",
        Param::Id(_) => "uuid",
        Param::Timestamp(_) => "timestamptz",
        Param::Date(_) => "date",
        Param::Json(_) => "jsonb",
        Param::Bytes(_) => "bytea",
    })
}

/// A database whose function `noted` says of which records it was evaluated.
trait Noting: crate::Database {
    fn noting(&mut self, text: &str, params: &[Param]) -> BTreeSet<RecordId>;
}

impl Noting for Sqlite {
    fn noting(&mut self, text: &str, params: &[Param]) -> BTreeSet<RecordId> {
        Self::noting(self, text, params)
    }
}

impl Noting for Postgres {
    fn noting(&mut self, text: &str, params: &[Param]) -> BTreeSet<RecordId> {
        Self::noting(self, text, params)
    }
}

/// What was found out.
#[derive(Default)]
struct Found {
    asked: usize,
    /// How many questions the first records of a list in the order of an index were looked at for.
    walked: usize,
    evaluated: BTreeSet<String>,
    /// What was evaluated on a hidden record.
    looked_up: BTreeSet<String>,
}

/// Asks in these forms what is in the tables: every n-th filter, and a third of that in other forms.
fn ask(database: &mut dyn Noting, (setting, dialect): (&Setting, Dialect), forms: &[Form], step: usize) -> Found {
    let asking = Asking::new(setting, dialect);
    let tables: Vec<String> = setting.model.collections.iter().map(|collection| collection.table.clone()).collect();
    let always = setting.compile("true");
    let mut visible = BTreeSet::new();
    for collection in ["Item", "Part", "Person", "Team", "Tag", "Shelf", "Note"] {
        let plan = asking.planner.read(&asking.shape(forms[0].action(), collection), &setting.rights);
        let statement = plan.template.bind(|slot| asking.value(slot, &always));
        visible.extend(database.ids(&statement).expect("ids"));
    }
    let hidden = |id: &RecordId| !visible.contains(id);
    assert!(setting.data.items.iter().any(hidden), "something is hidden");
    let mut found = Found::default();
    for table in TABLES {
        let path = format!("{}/../store/tests/expressions/{table}.md", env!("CARGO_MANIFEST_DIR"));
        for (number, row) in Table::read(&path).rows().step_by(step).enumerate() {
            let checked = setting.compile(&row.expression);
            let is_meant = |(place, form): &(usize, &Form)| **form == Form::Filter || number % 3 == place % 3;
            let forms = forms.iter().enumerate().filter(is_meant).map(|(_, form)| form);
            for form in forms.filter(|form| form.takes(&checked)) {
                let plan = asking.plan(*form, &row.expression, &checked);
                let statement = plan.template.bind(|slot| asking.value(slot, &checked));
                let text = noted(&plan.template, statement.params(), (dialect, &tables));
                let seen = database.noting(&text, statement.params());
                found.asked += 1;
                found.walked += usize::from(text.contains("\"walked\""));
                if !seen.is_empty() {
                    found.evaluated.insert(format!("{form:?}"));
                }
                if seen.iter().any(hidden) {
                    found.looked_up.insert(row.expression.clone());
                }
            }
        }
    }
    found
}

/// The forms of one action.
fn forms_of(action: Action) -> Vec<Form> {
    FORMS.into_iter().filter(|form| form.action() == action).collect()
}

/// What an index finds is looked up beside the rules.
const BY_INDEX: [&str; 7] = [
    "$n > number",
    "number == $n",
    "number in $counts",
    "owner == $ann",
    "shelf.within($board)",
    "shelf.within($hall)",
    "shelf.within($hall) && flag",
];

/// What was evaluated on hidden records.
fn looked_up(database: &mut dyn Noting, mut setting: Setting, (dialect, step): (Dialect, usize)) -> BTreeSet<String> {
    let (mut asked, mut walked, mut evaluated, mut looked_up) = (0, 0, BTreeSet::new(), BTreeSet::new());
    for rules in RULES {
        for action in [Action::Read, Action::Update, Action::Delete] {
            setting.rights = rights(&setting.model, rules, action);
            let found = ask(database, (&setting, dialect), &forms_of(action), step);
            asked += found.asked;
            walked += found.walked;
            evaluated.extend(found.evaluated);
            looked_up.extend(found.looked_up);
        }
    }
    assert!(asked * step > 10_000, "{asked} questions");
    assert!(walked * step > 100, "{walked} questions about the first records in an order");
    let every: BTreeSet<String> = FORMS.iter().map(|form| format!("{form:?}")).collect();
    assert_eq!(evaluated, every, "each form asks something");
    looked_up
}

#[test]
fn nothing_that_a_caller_writes_is_evaluated_on_a_hidden_record() {
    let setting = Setting::new("barrier");
    let mut database = Sqlite::with(&setting);
    let looked_up = looked_up(&mut database, setting, (Dialect::Sqlite, 1));
    assert_eq!(looked_up, BY_INDEX.map(str::to_owned).into());
}

#[test]
fn nor_on_postgresql() {
    let setting = Setting::new("barrier");
    let mut database = Postgres::with(&setting);
    let looked_up = looked_up(&mut database, setting, (Dialect::Postgres, 8));
    let others: Vec<&String> = looked_up.iter().filter(|asked| !BY_INDEX.contains(&asked.as_str())).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// What costs less is asked first: the rest is evaluated where the answer still depends on it.
#[test]
fn patterns_are_compared_last() {
    fn check(database: &mut dyn Noting, (setting, dialect): (&Setting, Dialect)) {
        let asking = Asking::new(setting, dialect);
        // Of the items, `a` and `d` are flagged, of `c` it isn't known.
        for (expression, expected) in [
            ("title.matches('pp')", &[0, 1, 2, 3][..]),
            ("title.matches('pp') && flag", &[0, 3]),
            ("flag && title.matches('pp')", &[0, 3]),
            ("title.matches('pp') || flag", &[1, 2]),
            ("title.contains('pp') && flag", &[0, 3]),
        ] {
            let checked = setting.compile(expression);
            for form in [Form::Filter, Form::Count] {
                let plan = asking.plan(form, expression, &checked);
                let statement = plan.template.bind(|slot| asking.value(slot, &checked));
                let text = noted(&plan.template, statement.params(), (dialect, &["item".to_owned()]));
                let expected = expected.iter().map(|index| setting.data.items[*index]).collect();
                assert_eq!(database.noting(&text, statement.params()), expected, "{dialect:?} {form:?} {expression}");
            }
        }
    }
    let setting = Setting::new("barrier");
    check(&mut Sqlite::with(&setting), (&setting, Dialect::Sqlite));
    check(&mut Postgres::with(&setting), (&setting, Dialect::Postgres));
}
