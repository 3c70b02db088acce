use std::sync::OnceLock;

use backstay_base::{Action, Error, Violation, ViolationKind, limits, nearest};
use backstay_expr::{Expr, ExprError, Node, Operator, Parameter, Path, Rights, Root, Scope, Type, compile};
use backstay_model::{Class, Collection, CollectionId, Field, FieldId, FieldKind, Model, ValueType};
use backstay_scalar::{Scalar, Token, Value};
use backstay_sql::{ColumnRef, DecodeError, Planner, Position, ReadPlan, ReadScope, ReadShape, Row, SortKey};

use crate::decode::{items, shorten, unknown_field};
use crate::select;
use crate::shape::{read_shape, whole};
use crate::{List, Raw};

/// What makes two lists of one class of callers the same statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ListKey {
    collection: CollectionId,
    equals: Vec<FieldId>,
    filter: Option<String>,
    select: Option<String>,
    sort: Vec<SortKey>,
    after: Option<Vec<bool>>,
}

/// A list, planned.
#[derive(Debug)]
pub(crate) struct ListPlan {
    pub(crate) page: ReadPlan,
    /// The filter's own parameters; those of the equalities come after them.
    pub(crate) params: Vec<Parameter>,
    /// Whether the filter, an equality or the order names a classified field: then its values are not told.
    pub(crate) names_classified: bool,
    /// The scalars of the sort keys and of the id; none for an enum.
    cursor: Vec<Option<Scalar>>,
    shape: ReadShape,
    count: OnceLock<ReadPlan>,
}

impl ListPlan {
    /// The values of a row that a cursor behind it has.
    pub(crate) fn place_of(&self, row: &dyn Row) -> Result<Vec<Value>, DecodeError> {
        let value = |(column, scalar): (&usize, &Option<Scalar>)| {
            let stored = row.value(*column)?;
            match scalar {
                Some(scalar) => {
                    let expected = "a value of the scalar that the list is sorted by";
                    scalar.load(&[stored]).ok_or(DecodeError { column: *column, expected })
                }
                None => Ok(Value::from(stored)),
            }
        };
        self.page.cursor.iter().zip(&self.cursor).map(value).collect()
    }

    /// The statement that counts what the list would show, whatever the page.
    pub(crate) fn count(&self, planner: &Planner, rights: &Rights) -> &ReadPlan {
        self.count.get_or_init(|| {
            let mut shape = self.shape.clone();
            shape.scope = ReadScope::Count;
            shape.selection.fields.clear();
            planner.read(&shape, rights)
        })
    }
}

/// Reads a `sort` such as `-publishedAt,title`.
pub(crate) fn sort_keys(text: &str, collection: &Collection, rights: &Rights) -> Result<Vec<SortKey>, Error> {
    let mut keys: Vec<SortKey> = Vec::new();
    let mut next = 0;
    for part in text.split(',') {
        let offset = next + part.chars().take_while(|char| *char == ' ').count();
        next += part.chars().count() + 1;
        let key = sort_key(part.trim_matches(' '), collection, rights)?;
        let problem = key.and_then(|key| {
            if keys.iter().any(|known| known.column == key.column) {
                Err(format!("'{}' is named twice", collection.field(key.column.field).name))
            } else if keys.len() == limits::SORT_FIELDS {
                Err(format!("more than {} fields", limits::SORT_FIELDS))
            } else {
                keys.push(key);
                Ok(())
            }
        });
        problem.map_err(|problem| Error::malformed("sort", ViolationKind::Syntax { offset, problem }))?;
    }
    Ok(keys)
}

/// One field of `sort`, or what is wrong with how it is written.
fn sort_key(part: &str, collection: &Collection, rights: &Rights) -> Result<Result<SortKey, String>, Error> {
    let (descending, name) = part.strip_prefix('-').map_or((false, part), |name| (true, name));
    if name.is_empty() {
        return Ok(Err("a field is missing; write names separated by commas, such as title,-createdAt".to_owned()));
    }
    if name.contains([' ', '.', ':']) {
        return Ok(Err("a descending field is written as -title, an ascending one as title".to_owned()));
    }
    let field = collection
        .field_named(name)
        .filter(|field| field.class != Some(Class::Secret))
        .ok_or_else(|| Error::malformed("sort", unknown_field(collection, name)))?;
    if !rights.may_see(collection.id, field.id) {
        return Err(Error::malformed("sort", ViolationKind::FieldForbidden { action: Action::Read }));
    }
    Ok(if field.kind == FieldKind::Scalar(Scalar::Text) {
        Err(format!("'{name}' is a Text, which can be too long to sort by; a String can be sorted"))
    } else if has_order(field) {
        Ok(SortKey { column: ColumnRef::main(field.id), descending })
    } else {
        Err(format!("'{name}' has no order"))
    })
}

fn has_order(field: &Field) -> bool {
    match &field.kind {
        FieldKind::Scalar(scalar) => scalar.is_sortable(),
        FieldKind::Enum(_) => true,
        FieldKind::List(_) | FieldKind::ToOne { .. } | FieldKind::OneToMany { .. } | FieldKind::ManyToMany { .. } => {
            false
        }
    }
}

/// The kinds of a cursor's values: those of the sort keys and of the id.
pub(crate) fn cursor_kinds<'m>(keys: &[SortKey], collection: &Collection, model: &'m Model) -> Vec<ValueType<'m>> {
    let kinds = keys.iter().filter_map(|key| model.value_type(&collection.field(key.column.field).kind));
    kinds.chain([ValueType::Scalar(Scalar::Id)]).collect()
}

fn scalar_of(kind: ValueType<'_>) -> Option<Scalar> {
    match kind {
        ValueType::Scalar(scalar) => Some(scalar),
        ValueType::Enum(_) => None,
    }
}

/// The fields of `field=value`, and their values.
pub(crate) fn equalities<'c>(
    request: &List,
    collection: &'c Collection,
    model: &Model,
    rights: &Rights,
) -> Result<Vec<(&'c Field, Value)>, Error> {
    let mut equalities: Vec<(&Field, Value)> = Vec::new();
    let mut violations = Vec::new();
    for (name, raw) in &request.equals {
        match equality(name, raw, collection, model, rights) {
            Ok((field, _)) if equalities.iter().any(|(known, _)| known.id == field.id) => {
                violations.push(Violation::new(name.as_str(), ViolationKind::Duplicate));
            }
            Ok(equality) => equalities.push(equality),
            Err(kind) => violations.push(Violation::new(shorten(name), kind)),
        }
    }
    if violations.is_empty() { Ok(equalities) } else { Err(Error::Malformed(violations)) }
}

fn equality<'c>(
    name: &str,
    raw: &Raw,
    collection: &'c Collection,
    model: &Model,
    rights: &Rights,
) -> Result<(&'c Field, Value), ViolationKind> {
    let field = collection.field_named(name).filter(|field| field.class != Some(Class::Secret));
    let Some(field) = field else {
        let meant = nearest(name, List::PARAMETERS.iter().copied());
        return Err(match (meant, unknown_field(collection, name)) {
            (Some(meant), ViolationKind::Unknown { name, suggestion: None, .. }) => {
                ViolationKind::Unknown { what: "parameter", name, suggestion: Some(meant.to_owned()) }
            }
            (_, ViolationKind::Unknown { name, suggestion, .. }) => {
                ViolationKind::Unknown { what: "field or parameter", name, suggestion }
            }
            (_, other) => other,
        });
    };
    if !rights.may_see(collection.id, field.id) {
        return Err(ViolationKind::FieldForbidden { action: Action::Read });
    }
    let ty = model
        .value_type(&field.kind)
        .filter(|ty| !matches!(ty, ValueType::Scalar(scalar) if !scalar.is_equatable()))
        .ok_or_else(|| {
            ViolationKind::Range("this field cannot be compared with `field=value`; use `filter`".to_owned())
        })?;
    let value = ty.read(token(raw))?;
    Ok((field, value))
}

/// What the list's statement depends on.
pub(crate) fn key(request: &List, equals: &[(&Field, Value)], sort: &[SortKey], after: Option<Vec<bool>>) -> ListKey {
    ListKey {
        collection: request.collection,
        equals: equals.iter().map(|(field, _)| field.id).collect(),
        filter: request.filter.clone(),
        select: request.select.clone(),
        sort: sort.to_vec(),
        after,
    }
}

/// Plans a list: checks the filter and the selection, and that the caller may see all that they name.
pub(crate) fn plan(key: &ListKey, model: &Model, rights: &Rights, planner: &Planner) -> Result<ListPlan, Error> {
    let collection = model.collection(key.collection);
    let selection = match &key.select {
        Some(text) => select::selection(text, collection, model, rights)?,
        None => whole(rights, collection),
    };
    let (mut filter, params, mut reads) = match &key.filter {
        Some(text) => {
            let checked = compile(text, &Scope::filter(model, key.collection))
                .map_err(|errors| Error::Malformed(errors.iter().map(|error| in_filter(text, error)).collect()))?;
            (Some(checked.expr), checked.params, checked.reads)
        }
        None => (None, Vec::new(), Vec::new()),
    };
    for (index, field) in key.equals.iter().enumerate() {
        reads.push((key.collection, *field));
        let param = u16::try_from(params.len() + index).unwrap_or(u16::MAX);
        filter = Some(and(filter, equals(collection, collection.field(*field), param)));
    }
    for (reached, field) in &reads {
        let members = match model.field(*reached, *field).kind {
            FieldKind::OneToMany { target, .. } | FieldKind::ManyToMany { target, .. } => Some(target),
            _ => None,
        };
        let refused = |collection: CollectionId| rights.rule(collection, Action::Read).refuses();
        let hidden = (*reached != key.collection && refused(*reached)) || members.is_some_and(refused);
        if hidden || !rights.may_see(*reached, *field) {
            return Err(Error::malformed("filter", ViolationKind::FieldForbidden { action: Action::Read }));
        }
    }
    reads.extend(key.sort.iter().map(|sort| (key.collection, sort.column.field)));
    let names_classified = reads.iter().any(|(collection, field)| model.field(*collection, *field).class.is_some());
    let after = key.after.clone().map(|nulls| Position { nulls });
    let shape = read_shape(selection, filter, ReadScope::Page { sort: key.sort.clone(), after });
    let cursor = cursor_kinds(&key.sort, collection, model).into_iter().map(scalar_of).collect();
    let page = planner.read(&shape, rights);
    Ok(ListPlan { page, params, names_classified, cursor, shape, count: OnceLock::new() })
}

fn in_filter(text: &str, error: &ExprError) -> Violation {
    let offset = text.get(..error.span.start).map_or(0, |before| before.chars().count());
    let problem = format!("{error}; {}", error.remedy());
    Violation::new("filter", ViolationKind::Syntax { offset, problem })
}

fn equals(collection: &Collection, field: &Field, param: u16) -> Expr {
    let ty = Type::of(collection, field).unwrap_or(Type::Null);
    let path = Path { root: Root::This, collection: collection.id, steps: vec![field.id], part: None };
    let side = |node: Node| Box::new(Expr { node, ty: ty.clone(), span: 0..0 });
    let node = Node::Binary(Operator::Equal, side(Node::Path(path)), side(Node::Param(param)));
    Expr { node, ty: Type::Bool, span: 0..0 }
}

fn and(left: Option<Expr>, right: Expr) -> Expr {
    let Some(left) = left else { return right };
    Expr { node: Node::Binary(Operator::And, Box::new(left), Box::new(right)), ty: Type::Bool, span: 0..0 }
}

/// The values of the filter's parameters, in their order. All must be given, and no others.
pub(crate) fn params(request: &List, params: &[Parameter], model: &Model) -> Result<Vec<Value>, Error> {
    let mut violations = Vec::new();
    for (name, _) in &request.params {
        if !params.iter().any(|param| *param.name == **name) {
            let suggestion = nearest(name, params.iter().map(|param| &*param.name)).map(str::to_owned);
            let kind = ViolationKind::Unknown { what: "parameter of the filter", name: shorten(name), suggestion };
            violations.push(Violation::new(format!("${}", shorten(name)), kind));
        }
    }
    let mut values = Vec::with_capacity(params.len());
    for param in params {
        let mut given = request.params.iter().filter(|(name, _)| **name == *param.name).map(|(_, raw)| raw);
        let value = match (given.next(), given.next()) {
            (None, _) => Err(ViolationKind::Required),
            (Some(_), Some(_)) => Err(ViolationKind::Duplicate),
            (Some(raw), None) => typed(raw, &param.ty, model),
        };
        match value {
            Ok(value) => values.push(value),
            Err(kind) => violations.push(Violation::new(format!("${}", param.name), kind)),
        }
    }
    if violations.is_empty() { Ok(values) } else { Err(Error::Malformed(violations)) }
}

/// Reads a parameter as the type that its use in the filter gives it.
fn typed(raw: &Raw, ty: &Type, model: &Model) -> Result<Value, ViolationKind> {
    match (ty, raw) {
        (Type::List(element), Raw::Json(json)) => typed_list(json.get(), element, model),
        (Type::List(element), Raw::Text(text)) if text.trim_start().starts_with('[') => {
            typed_list(text, element, model)
        }
        (Type::List(element), Raw::Text(text)) => {
            let items = text.split(',').map(|item| typed(&Raw::Text(item.to_owned()), element, model));
            items.collect::<Result<Vec<Value>, ViolationKind>>().map(|items| Value::List(items.into()))
        }
        (ty, raw) => Ok(ty.read(token(raw), model)?),
    }
}

fn token(raw: &Raw) -> Token<'_> {
    match raw {
        Raw::Text(text) => Token::Bare(text),
        Raw::Json(json) => Token::Json(json.get()),
    }
}

fn typed_list(json: &str, element: &Type, model: &Model) -> Result<Value, ViolationKind> {
    let expected = || ViolationKind::Type { expected: "an array".to_owned() };
    let items = items(json).ok_or_else(expected)?;
    if items.len() > limits::LIST_ITEMS {
        return Err(ViolationKind::Range(format!("at most {} items", limits::LIST_ITEMS)));
    }
    let items = items.into_iter().map(|item| typed(&Raw::Json(item.to_owned()), element, model));
    items.collect::<Result<Vec<Value>, ViolationKind>>().map(|items| Value::List(items.into()))
}
