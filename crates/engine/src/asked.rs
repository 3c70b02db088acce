//! What a query names, held against the rights of its caller: a field that the caller may never see cannot be selected,
//! filtered, sorted or compared. Of what may be seen in some records, the planner hides the rest.

mod documents;

use backstay_base::{Action, Error, Place, Timestamp, Violation, ViolationKind, limits};
use backstay_expr::{Checked, Rights};
use backstay_model::{Collection, CollectionId, Field, FieldId, FieldKind, Model};
use backstay_sql::{
    Groups, InnerSelection, Phrase, Selected, SelectedField, SelectedValue, Selection, SortBy, SortKey, search,
};

use crate::{Filter, Perspective};

/// The model and the rights of one class of callers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'v> {
    pub(crate) model: &'v Model,
    pub(crate) rights: &'v Rights,
}

impl View<'_> {
    fn may_see(self, collection: CollectionId, field: FieldId) -> bool {
        self.rights.may_see(collection, field)
    }

    fn refuses(self, collection: CollectionId) -> bool {
        self.rights.rule(collection, Action::Read).refuses()
    }
}

/// Refuses a selection that names what the caller never sees, or that is larger or deeper than selections may be.
pub(crate) fn selection(view: View<'_>, collection: CollectionId, selection: &Selection) -> Result<(), Error> {
    let mut fields = 0;
    let holder = Holder { collection: view.model.collection(collection), within: None };
    level(view, holder, (selection, 1), &mut fields)?;
    let written = selection.written();
    let most = limits::SELECT_EXPRESSIONS;
    if written.len() > most {
        return Err(too_much(format!("at most {most} filters and functions of relations")));
    }
    if written.iter().map(|written| written.text.len()).sum::<usize>() > limits::PARAMETER_BYTES {
        return Err(too_much(format!("filters of at most {} bytes", limits::PARAMETER_BYTES)));
    }
    Ok(())
}

/// What a selection is of: a record, or what one of its fields holds that has members.
#[derive(Clone, Copy)]
struct Holder<'m> {
    collection: &'m Collection,
    within: Option<FieldId>,
}

fn level(
    view: View<'_>,
    holder: Holder<'_>,
    (selection, depth): (&Selection, usize),
    fields: &mut usize,
) -> Result<(), Error> {
    if depth > limits::SELECT_DEPTH {
        let most = limits::SELECT_DEPTH;
        return Err(too_much(format!("at most {most} levels, the record itself included")));
    }
    let parts = match selection {
        Selection::Whole => &[Selected::Stored],
        Selection::Parts(parts) => &**parts,
    };
    names(holder, parts)?;
    for part in parts {
        *fields += match part {
            Selected::Stored => holder.collection.members(holder.within).filter(|field| field.kind.is_held()).count(),
            Selected::Field(_) | Selected::Derived(_) => 1,
        };
        if *fields > limits::SELECT_FIELDS {
            return Err(too_much(format!("at most {} fields", limits::SELECT_FIELDS)));
        }
        match part {
            Selected::Stored => {}
            Selected::Field(selected) => field(view, holder, (selected, depth), fields)?,
            Selected::Derived(selected) => derived(view, holder, selected)?,
        }
    }
    Ok(())
}

/// Refuses two members of one name: an alias that another part has, or that is the name of a field.
fn names(holder: Holder<'_>, parts: &[Selected]) -> Result<(), Error> {
    let mut seen: Vec<&str> = Vec::new();
    for part in parts {
        let (alias, field) = match part {
            Selected::Field(SelectedField { alias: Some(alias), field, .. }) => (alias, Some(*field)),
            Selected::Derived(SelectedValue { name, .. }) => (name, None),
            Selected::Stored | Selected::Field(SelectedField { alias: None, .. }) => continue,
        };
        // A field may be asked for under an old name that it still answers to.
        let known = holder.collection.member_named(holder.within, alias);
        let is_taken = known.is_some_and(|known| Some(known.id) != field || known.own_name() == &**alias);
        if is_taken || seen.contains(&&**alias) {
            return Err(too_much(format!("`{alias}` is the name of a field or of another part; choose another one")));
        }
        seen.push(alias);
    }
    Ok(())
}

/// Refuses what the members of a relation come to where the caller never sees them, or what is asked of them; and a named rule
/// that reads what the caller never sees.
fn derived(view: View<'_>, holder: Holder<'_>, selected: &SelectedValue) -> Result<(), Error> {
    let collection = holder.collection;
    let Some(relation) = selected.relation.map(|relation| collection.field(relation)) else {
        return expression(view, collection, (&selected.value.of.checked, &Place::Select));
    };
    if relation.parent() != holder.within || !relation.kind.is_to_many() {
        return Err(too_much(format!("`{}` is not a relation to many of what is selected", relation.name)));
    }
    let is_closed = relation.kind.target().is_some_and(|target| view.refuses(target));
    if selected.optional && (is_closed || !view.may_see(collection.id, relation.id)) {
        return Ok(());
    }
    expression(view, collection, (&selected.value.of.checked, &Place::Select))
}

fn field(
    view: View<'_>,
    holder: Holder<'_>,
    (selected, depth): (&SelectedField, usize),
    fields: &mut usize,
) -> Result<(), Error> {
    let collection = holder.collection;
    let field = collection.field(selected.field);
    if field.parent() != holder.within {
        return Err(too_much(format!("`{}` is not a member of what is selected", field.name)));
    }
    let target = field.kind.target().filter(|_| selected.follows(field));
    let is_closed = target.is_some_and(|target| view.refuses(target));
    // Of a reference to one of several types, records of one that the caller never reads are answered by null.
    if is_closed && field.is_of_reference() && view.may_see(collection.id, field.id) {
        return Ok(());
    }
    if !view.may_see(collection.id, field.id) || is_closed {
        return match selected.optional {
            true => Ok(()),
            false => Err(Error::malformed(Place::Select, forbidden(field))),
        };
    }
    if selected.arguments.limit.is_some_and(|limit| !(1..=limits::NESTED_MAX).contains(&limit)) {
        return Err(too_much(format!("a limit of 1 to {}", limits::NESTED_MAX)));
    }
    if let Some(target) = target {
        let target = view.model.collection(target);
        match &selected.arguments.search {
            Some(_) => {
                searched(view, target, &Place::Select)?;
            }
            None if selected.arguments.sort.contains(&SortKey::rank()) => {
                return Err(too_much("an order by ranks of what a search finds".to_owned()));
            }
            None => {}
        }
        if selected.arguments.have_places() && selected.arguments.sort.is_empty() && field.is_ordered_by_places() {
            return Err(too_much("places in an order that fields tell".to_owned()));
        }
        order(view, target, (&selected.arguments.sort, &Place::Select))?;
        if let Some(filter) = &selected.arguments.filter {
            expression(view, target, (&filter.checked, &Place::Select))?;
        }
    }
    let inner = match (&field.kind, target) {
        (FieldKind::Embedded(_) | FieldKind::ToOneOf { .. }, _) => Some(Holder { collection, within: Some(field.id) }),
        (_, Some(target)) => Some(Holder { collection: view.model.collection(target), within: None }),
        (_, None) => None,
    };
    match (&field.kind, inner, &selected.inner) {
        // The types of a reference are no level of their own.
        (FieldKind::ToOneOf { .. }, Some(inner), Some(InnerSelection::Fields(selection))) => {
            level(view, inner, (selection, depth), fields)
        }
        (_, Some(inner), Some(InnerSelection::Fields(selection))) => level(view, inner, (selection, depth + 1), fields),
        (FieldKind::Document(document), _, Some(InnerSelection::Document(values))) => {
            documents::values(view, document.shape(), (values, depth + 1), fields)
        }
        (_, _, None) => Ok(()),
        (_, _, Some(_)) => Err(too_much(format!("`{}` is not a relation and has no fields", field.name))),
    }
}

fn too_much(range: String) -> Error {
    Error::malformed(Place::Select, ViolationKind::Range(range))
}

/// Refuses an order by what the caller never sees or what has no order.
pub(crate) fn sort(view: View<'_>, collection: &Collection, keys: &[SortKey]) -> Result<(), Error> {
    order(view, collection, (keys, &Place::Sort))
}

fn order(view: View<'_>, collection: &Collection, (keys, at): (&[SortKey], &Place)) -> Result<(), Error> {
    if keys.len() > limits::SORT_FIELDS {
        let range = format!("at most {} fields", limits::SORT_FIELDS);
        return Err(Error::malformed(at.clone(), ViolationKind::Range(range)));
    }
    for key in keys {
        let column = match &key.by {
            SortBy::Column(column) => column,
            SortBy::Derived(value) => {
                expression(view, collection, (&value.of.checked, at))?;
                continue;
            }
            SortBy::Rank => continue,
        };
        let field = collection.field(column.field);
        if !view.may_see(collection.id, field.id) {
            return Err(Error::malformed(at.clone(), forbidden(field)));
        }
        if !SortKey::takes(field) {
            let range = format!("`{}` has no order", field.name);
            return Err(Error::malformed(at.clone(), ViolationKind::Range(range)));
        }
    }
    Ok(())
}

/// Refuses a filter that names what the caller never sees, or compares what has no equality.
pub(crate) fn filter(view: View<'_>, collection: &Collection, filter: &Filter) -> Result<(), Error> {
    let wrong = |field: &Field| {
        if !view.may_see(collection.id, field.id) {
            return Some(forbidden(field));
        }
        let comparable = view.model.comparable_type(field).is_some();
        (!comparable).then(|| ViolationKind::Range(format!("`{}` cannot be compared with a value", field.name)))
    };
    let equals = filter.equals.iter().map(|(field, _)| collection.field(*field));
    let violation = |field: &Field| Some(Violation::new(Place::Equality(field.name.clone()), wrong(field)?));
    let violations: Vec<Violation> = equals.filter_map(violation).collect();
    if filter.equals.len() > limits::PARAMETERS {
        let range = format!("at most {} fields compared with a value", limits::PARAMETERS);
        return Err(Error::malformed(Place::Filter, ViolationKind::Range(range)));
    }
    if !violations.is_empty() {
        return Err(Error::Malformed(violations));
    }
    match &filter.expression {
        Some(asked) => expression(view, collection, (&asked.checked, &Place::Filter)),
        None => Ok(()),
    }
}

/// Refuses groups by what the caller never sees, or of it. A condition on groups names nothing but their outputs.
pub(crate) fn groups(view: View<'_>, collection: &Collection, groups: &Groups) -> Result<(), Error> {
    for key in groups.by.iter() {
        expression(view, collection, (&key.value.of.checked, &Place::Group))?;
    }
    terms(groups).try_for_each(|(term, at)| expression(view, collection, (&term.checked, &at)))
}

/// The expressions of the values of groups, each with the place that names it.
fn terms(groups: &Groups) -> impl Iterator<Item = (&Phrase, Place)> {
    let place = |index| if index < groups.answered { Place::Select } else { Place::Having };
    groups.of.iter().enumerate().filter_map(move |(index, value)| Some((value.fold.term()?, place(index))))
}

/// The fields in which a search of the caller looks. Refuses the search if there are none.
pub(crate) fn searched(view: View<'_>, collection: &Collection, at: &Place) -> Result<Vec<FieldId>, Error> {
    let wrong = |problem: String, remedy: &str| {
        let kind = ViolationKind::Misused { problem, remedy: remedy.to_owned() };
        Err(Error::malformed(at.clone(), kind))
    };
    if collection.searched().next().is_none() {
        let remedy = "mark fields with `@search` in the model, or use `filter`";
        return wrong(format!("{} has no field that can be searched", collection.name), remedy);
    }
    let fields: Vec<FieldId> = search::open_fields(collection, view.rights).map(|(_, field, _)| field.id).collect();
    if fields.is_empty() {
        let problem = format!("you don't see the searchable fields of {} in every record", collection.name);
        return wrong(problem, "use `filter`");
    }
    Ok(fields)
}

/// Refuses an expression about a record that names what the caller never sees.
fn expression(view: View<'_>, collection: &Collection, (checked, at): (&Checked, &Place)) -> Result<(), Error> {
    for (reached, field) in &checked.reads {
        let named = view.model.field(*reached, *field);
        let members = match named.kind {
            FieldKind::OneToMany { target, .. }
            | FieldKind::OneToOne { target, .. }
            | FieldKind::ManyToMany { target, .. }
            | FieldKind::Lineage { target, .. } => Some(target),
            FieldKind::Scalar(_)
            | FieldKind::Enum(_)
            | FieldKind::List(_)
            | FieldKind::Embedded(_)
            | FieldKind::Document(_)
            | FieldKind::ToOne { .. }
            | FieldKind::ToOneOf { .. } => None,
        };
        let unreachable = *reached != collection.id && view.refuses(*reached);
        if unreachable || members.is_some_and(|target| view.refuses(target)) || !view.may_see(*reached, *field) {
            return Err(Error::malformed(at.clone(), forbidden(named)));
        }
    }
    Ok(())
}

/// Refuses what a history doesn't keep in a read that is about a moment of the past: records have their own stored values
/// then, and nothing that follows from other records. Refuses also a moment that the history doesn't reach.
pub(crate) fn past(
    (collection, perspective): (&Collection, Perspective),
    asked: Asked<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let Perspective::AsOf(moment) = perspective else { return Ok(()) };
    let kept = collection.history.as_ref().and_then(|history| history.keep);
    let first = kept.and_then(|keep| Timestamp::from_micros(now.micros().saturating_sub(keep.micros())));
    if let Some(first) = first.filter(|first| moment < *first) {
        let range = format!("{} keeps its history from {first} on", collection.name);
        return Err(Error::malformed(Place::AsOf, ViolationKind::Range(range)));
    }
    let Asked { selection, sort, filter } = asked;
    if let Some(name) = not_kept(collection, selection) {
        return Err(not_in_history(Place::Select, name));
    }
    let lacks = |field: FieldId| !collection.field(field).is_in_history();
    for key in sort {
        match &key.by {
            SortBy::Rank => {}
            SortBy::Column(column) if !lacks(column.field) => {}
            SortBy::Column(column) => return Err(not_in_history(Place::Sort, &collection.field(column.field).name)),
            SortBy::Derived(value) => return Err(not_in_history(Place::Sort, &value.of.text)),
        }
    }
    filter.map_or(Ok(()), |filter| past_of_filter(collection, filter))
}

/// The same for groups of records.
pub(crate) fn past_of_groups(
    (collection, perspective): (&Collection, Perspective),
    (groups, filter): (&Groups, &Filter),
    now: Timestamp,
) -> Result<(), Error> {
    let nothing = Selection::parts([]);
    let records = Asked { selection: &nothing, sort: &[], filter: Some(filter) };
    past((collection, perspective), records, now)?;
    let Perspective::AsOf(_) = perspective else { return Ok(()) };
    for key in groups.by.iter() {
        past_of_expression(collection, &key.value.of.checked, &Place::Group)?;
    }
    terms(groups).try_for_each(|(term, at)| past_of_expression(collection, &term.checked, &at))
}

fn past_of_filter(collection: &Collection, filter: &Filter) -> Result<(), Error> {
    let lacks = |field: FieldId| !collection.field(field).is_in_history();
    if let Some((field, _)) = filter.equals.iter().find(|(field, _)| lacks(*field)) {
        let name = &collection.field(*field).name;
        return Err(not_in_history(Place::Equality(name.clone()), name));
    }
    let Some(expression) = &filter.expression else { return Ok(()) };
    past_of_expression(collection, &expression.checked, &Place::Filter)
}

fn past_of_expression(collection: &Collection, checked: &Checked, at: &Place) -> Result<(), Error> {
    let lacks =
        |(of, field): &&(CollectionId, FieldId)| *of == collection.id && !collection.field(*field).is_in_history();
    if let Some((_, field)) = checked.reads.iter().find(lacks) {
        return Err(not_in_history(at.clone(), &collection.field(*field).name));
    }
    if checked.needs_store {
        return Err(beyond_history(at.clone(), format!("a {at} with `asOf` can't ask other records")));
    }
    Ok(())
}

/// What a read names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) selection: &'a Selection,
    pub(crate) sort: &'a [SortKey],
    pub(crate) filter: Option<&'a Filter>,
}

/// The name of what is selected and that a history doesn't keep, or of a field of whose record more than the id is selected.
fn not_kept<'s>(collection: &'s Collection, selection: &'s Selection) -> Option<&'s str> {
    let Selection::Parts(parts) = selection else { return None };
    parts.iter().find_map(|part| {
        let selected = match part {
            Selected::Stored => return None,
            Selected::Derived(value) => {
                return Some(value.relation.map_or(&*value.name, |relation| &collection.field(relation).name));
            }
            Selected::Field(selected) => selected,
        };
        let field = collection.field(selected.field);
        match (&field.kind, &selected.inner) {
            _ if !field.is_in_history() || selected.arguments.search.is_some() => Some(field.name.as_str()),
            (FieldKind::Embedded(_), Some(InnerSelection::Fields(inner))) => not_kept(collection, inner),
            (FieldKind::Document(_), Some(InnerSelection::Document(inner))) => {
                inner.reads_records().then_some(field.name.as_str())
            }
            (_, Some(_)) => Some(field.name.as_str()),
            (_, None) => None,
        }
    })
}

fn not_in_history(at: Place, field: &str) -> Error {
    beyond_history(at, format!("a history doesn't keep `{field}`, or what is selected of it"))
}

fn beyond_history(at: Place, problem: String) -> Error {
    let remedy = "with `asOf`, name stored fields of the record itself; a relation gives the id".to_owned();
    Error::malformed(at, ViolationKind::Misused { problem, remedy })
}

fn forbidden(field: &Field) -> ViolationKind {
    ViolationKind::FieldHidden { field: field.name.clone() }
}
