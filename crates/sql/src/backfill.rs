//! `@backfill`: values of stored records that a new model needs, computed from the records of the old one.

use backstay_expr::{Expr, Node, Root, Scope as Names, Source, Type, compile_value};
use backstay_model::{
    Class, Collection, CollectionId, Column, ColumnStorage, Field, FieldId, FieldKind, Model, Pairing,
};
use backstay_scalar::{Part, Storage};
use sea_query::{CaseStatement, Expr as Sql, ExprTrait};

use crate::Dialect;
use crate::builder::{Anchor, Builder};
use crate::exact::scaled;
use crate::lower::{Lowering, Scope};
use crate::operand::{Form, Val};
use crate::predicate::Pred;
use crate::tree::{call, integer, only_where};

/// A `@backfill` that the old model doesn't bear out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillError {
    /// The collection in the new model.
    pub collection: CollectionId,
    /// The field.
    pub field: FieldId,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// The values that a `@backfill` gives.
#[derive(Debug)]
pub(crate) struct Backfill {
    pub(crate) expr: Expr,
    /// Whether it reads a field of the old model that has a class.
    pub(crate) reads_classified: bool,
}

/// Reads and checks the `@backfill` of a field about the old collection that its collection was. An error has a remedy.
pub(crate) fn compile(
    (collection, field): (&Collection, &Field),
    before: CollectionId,
    (old_model, pairing): (&Model, &Pairing),
) -> Result<Backfill, (String, String)> {
    let source = field.backfill.as_ref().map_or_else(|| "".into(), Source::from);
    let old = old_model.collection(before);
    let expected = old_type((collection, field), pairing).ok_or_else(|| {
        let remedy = "leave the relation empty, or let an earlier migration make the type".to_owned();
        ("the old model doesn't have the type that it refers to".to_owned(), remedy)
    })?;
    let scope = Names::rule(old_model, before);
    let as_enum = match &field.kind {
        FieldKind::Enum(id) => pairing.enumeration(*id).map(Type::Enum),
        _ => None,
    };
    let checked = as_enum.and_then(|of| compile_value(source, &scope, &of).ok());
    let checked = checked.map_or_else(|| compile_value(source, &scope, &expected), Ok).map_err(|errors| {
        let error = errors.first().expect("an expression that is refused has an error");
        (format!("{error} (`this` is a {} of the old model)", old.name), error.remedy())
    })?;
    if names_caller(&checked.expr) {
        let remedy = "use the record's own fields, `now` and literals".to_owned();
        return Err(("there is no `auth` while a model is applied, because nobody is calling".to_owned(), remedy));
    }
    if let (Type::Formatted(scalar), Type::Text) = (&expected, &checked.expr.ty) {
        let remedy = "add the field without `!`, and give it values through the API".to_owned();
        return Err((format!("a text isn't always a value of {}", scalar.name()), remedy));
    }
    if let Node::List(_) = checked.expr.node {
        let remedy = "write the list as `@default(to: […])` instead".to_owned();
        return Err(("a list literal can't be used here".to_owned(), remedy));
    }
    let reads =
        || checked.reads.iter().chain(&checked.computed_from).map(|(of, read)| (*of, old_model.field(*of, *read)));
    if let Some((of, secret)) = reads().find(|(_, read)| read.class == Some(Class::Secret))
        && field.class != Some(Class::Secret)
    {
        let (of, secret) = (&old_model.collection(of).name, &secret.name);
        let remedy = format!("leave `{secret}` out, or write `@class(is: SECRET)` on `{}` too", field.name);
        return Err((format!("it reads `{of}.{secret}`, which is secret"), remedy));
    }
    let reads_classified = reads().any(|(_, read)| read.class.is_some());
    Ok(Backfill { expr: checked.expr, reads_classified })
}

/// The type of a new field in terms of the old model; values of an enum are texts.
fn old_type((collection, field): (&Collection, &Field), pairing: &Pairing) -> Option<Type> {
    Some(match Type::of(collection, field)? {
        Type::Enum(_) => Type::Text,
        Type::Record(target, form) => Type::Record(pairing.collection(target)?, form),
        other => other,
    })
}

/// Whether an expression depends on who is calling.
fn names_caller(expr: &Expr) -> bool {
    let is_caller = match &expr.node {
        Node::Caller(_) | Node::Fact(_) => true,
        node => node.path().is_some_and(|path| path.root == Root::Account),
    };
    is_caller || expr.node.children().into_iter().any(names_caller)
}

/// The value of a `@backfill` as the column takes it.
pub(crate) fn backfilled(builder: &mut Builder<'_>, this: &Anchor, expr: &Expr, at: &Column) -> Sql {
    let expr = expr.in_part(at.part);
    let dialect = builder.dialect;
    let mut lowering = Lowering::new(builder, Scope::rule(this));
    let value = lowering.value(&expr);
    let value = lowering.loose(value);
    match (dialect, at.storage) {
        (Dialect::Postgres, ColumnStorage::One(Storage::Decimal { scale })) if !value.is_null() => {
            lowering.named(value.settled(), &expr, |_, number| fitted_number(number, scale))
        }
        (Dialect::Sqlite | Dialect::Postgres, _) => fitted(value, at, dialect),
    }
}

/// PostgreSQL: a number for a column with these digits after the point, which would round it.
fn fitted_number(number: Sql, scale: u8) -> Sql {
    let unit = integer(10_i64.pow(u32::from(scale)));
    let exact = call("min_scale", [number.clone()]).lte(integer(i64::from(scale)));
    let fits = call("abs", [number.clone()]).mul(unit).lte(integer(i64::MAX));
    only_where(exact.and(fits), number)
}

/// A number with the digits that its column has after the point; null where it has more.
fn fitted(value: Val, at: &Column, dialect: Dialect) -> Sql {
    let ColumnStorage::One(Storage::Decimal { scale }) = at.storage else { return value.moment().settled() };
    match value.form {
        Form::Scaled(from) if from > scale => {
            let unit = integer(10_i64.pow(u32::from(from - scale)));
            let number = value.settled();
            let whole = number.clone().modulo(unit.clone()).eq(integer(0));
            CaseStatement::new().case(whole, number.div(unit)).into()
        }
        Form::Key => scaled(value.settled(), scale),
        Form::Column if dialect == Dialect::Sqlite => value.settled().mul(integer(10_i64.pow(u32::from(scale)))),
        _ => value.rescaled(scale).settled(),
    }
}

/// Whether a `@backfill` gives an amount of money that its currency doesn't have, or that the column doesn't hold.
pub(crate) fn is_no_amount(builder: &mut Builder<'_>, this: &Anchor, expr: &Expr, at: &Column) -> Pred {
    let held = backfilled(builder, this, expr, at);
    let mut lowering = Lowering::new(builder, Scope::rule(this));
    let exceeds = expr.exceeds_unit().map_or(Pred::Known(false), |exceeds| lowering.is_true(&exceeds));
    let value = lowering.value(&expr.in_part(Part::Main));
    let given = Pred::Sql(lowering.loose(value).settled().is_not_null());
    Pred::any([exceeds, Pred::all([given, Pred::Sql(held.is_null())])])
}

/// Whether a `@backfill` gives a number that has more digits than the column of a `Decimal` with this precision and scale
/// holds, before the point or after it.
pub(crate) fn has_more_digits(
    builder: &mut Builder<'_>,
    this: &Anchor,
    expr: &Expr,
    (at, precision, scale): (&Column, u8, u8),
) -> Pred {
    let mut lowering = Lowering::new(builder, Scope::rule(this));
    let value = lowering.value(expr);
    let given = lowering.loose(value).settled().is_not_null();
    let held = backfilled(builder, this, expr, at);
    let limit = match builder.dialect {
        Dialect::Sqlite => precision,
        Dialect::Postgres => precision - scale,
    };
    let limit = 10_i64.pow(limit.into());
    let beyond = [held.clone().is_null(), held.clone().gte(integer(limit)), held.lte(integer(-limit))];
    Pred::all([Pred::Sql(given), Pred::any(beyond.map(Pred::Sql))])
}
