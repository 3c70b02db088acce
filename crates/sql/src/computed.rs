use backstay_expr::{ComputedField, Digits, Expr, Node, Rights, Type};
use backstay_model::{CollectionId, ComputedRights, Field, FieldKind};
use backstay_scalar::{Part, Scalar, Storage};
use sea_query::{Expr as Sql, ExprTrait};

use crate::builder::{Anchor, Builder, Record};
use crate::expressions::Reader;
use crate::lower::{Lowering, Scope};
use crate::operand::{Form, Val, power_of_ten};
use crate::predicate::Pred;
use crate::tree::{call, cast, integer, only_where};
use crate::{ColumnType, Derived, Dialect, Phrase, ValueKind};

/// The columns in which the value of a computed field is answered, of the types that it would be stored in.
///
/// # Panics
/// Panics if the field is answered from its columns.
pub(crate) fn computed(
    builder: &mut Builder<'_>,
    (collection, field): (CollectionId, &Field),
    record: &Anchor,
    reader: Reader<'_>,
) -> Vec<(Sql, ColumnType)> {
    let checked = reader.expressions.computed(collection, field.id);
    let value = &checked.expect("only a computed field is answered from its expression").expr;
    let column = |(part, storage): (Part, Storage)| {
        let Node::Computed(of) = value.in_part(part).node else { unreachable!("a computed field is one") };
        let mut lowering = Lowering::new(builder, Scope::question(record, reader.rights));
        let value = lowering.computed_value(&of);
        let kind = ColumnType::One(storage);
        let sql = if value.is_null() { lowering.builder.dialect.null(kind) } else { value.settled() };
        (sql, kind)
    };
    parts(field).into_iter().map(column).collect()
}

/// The columns in which a value is answered that a caller asks for, of the types that it would be stored in.
pub(crate) fn derived(
    builder: &mut Builder<'_>,
    value: &Derived,
    record: &Anchor,
    reader: Reader<'_>,
) -> Vec<(Sql, ColumnType)> {
    let Phrase { checked, first_param, .. } = &value.of;
    let (parts, digits) = match value.kind {
        ValueKind::Scalar(Scalar::Decimal { precision, scale }) => {
            (Scalar::Decimal { precision, scale }.columns(), Some(Digits { precision, scale }))
        }
        ValueKind::Scalar(scalar) => (scalar.columns(), None),
        ValueKind::Enum(_) => (vec![(Part::Main, Storage::Text)], None),
    };
    let column = |(part, storage): (Part, Storage)| {
        let scope = Scope::question(record, reader.rights);
        let mut lowering = Lowering::new(builder, Scope { first_param: reader.first_param + first_param, ..scope });
        let of = checked.expr.in_part(part);
        let value = match digits {
            Some(digits) => lowering.fitted(&of, digits),
            None => lowering.unfitted(&of),
        };
        let kind = ColumnType::One(storage);
        let sql = if value.is_null() { lowering.builder.dialect.null(kind) } else { value.settled() };
        (sql, kind)
    };
    parts.into_iter().map(column).collect()
}

/// The columns that a field which is one scalar or a value of an enum would be stored in.
fn parts(field: &Field) -> Vec<(Part, Storage)> {
    match field.kind {
        _ if field.shares_currency() => Scalar::Money.columns(),
        FieldKind::Scalar(scalar) => scalar.columns(),
        FieldKind::Enum(_)
        | FieldKind::Embedded(_)
        | FieldKind::Document(_)
        | FieldKind::List(_)
        | FieldKind::ToOne { .. }
        | FieldKind::ToOneOf { .. }
        | FieldKind::OneToOne { .. }
        | FieldKind::OneToMany { .. }
        | FieldKind::Lineage { .. }
        | FieldKind::ManyToMany { .. } => vec![(Part::Main, Storage::Text)],
    }
}

impl Lowering<'_, '_, '_> {
    /// A computed field, null where the way to it or the field itself is not seen.
    pub(crate) fn computed(&mut self, of: &ComputedField) -> Val {
        let known = self.knows_computed(of);
        let value = self.computed_value(of);
        match known {
            Pred::Known(true) => value,
            Pred::Known(false) => Val::null(),
            Pred::Sql(_) if value.is_null() => value,
            Pred::Sql(seen) => {
                let form = value.form.clone();
                Val { sql: only_where(seen, value.settled()), guards: Vec::new(), form }
            }
        }
    }

    /// Where the way to a computed field and the field itself are seen. A caller need not have an account, and a record that
    /// is created is not stored before.
    fn knows_computed(&mut self, of: &ComputedField) -> Pred {
        let start = self.anchor(of.at.root);
        let (record, mut conditions) = self.walk(&start, &of.at.steps);
        conditions.push(self.sees_field(&record, of.field));
        if matches!(start.record, Record::Account | Record::Old) {
            conditions.push(Pred::Sql(self.builder.key(&start).is_not_null()));
        }
        Pred::all(conditions)
    }

    /// Whether a computed field is a truth, and seen wherever its record is.
    pub(crate) fn is_shown_truth(&mut self, of: &ComputedField) -> bool {
        of.value.ty == Type::Bool && matches!(self.knows_computed(of), Pred::Known(true))
    }

    /// Where a computed field that is a truth is true or is false; `None` if the field is hidden somewhere.
    pub(crate) fn computed_truth(&mut self, of: &ComputedField, wanted: bool) -> Option<Pred> {
        match self.knows_computed(of) {
            Pred::Known(true) => Some(self.with_rights_of(of, |this| this.is(&of.value, wanted))),
            Pred::Known(false) | Pred::Sql(_) => None,
        }
    }

    /// The value of a computed field of a record that is seen, as a stored one would be represented.
    pub(crate) fn computed_value(&mut self, of: &ComputedField) -> Val {
        if let Some(digits) = of.digits {
            return self.with_rights_of(of, |this| this.fitted(&of.value, digits));
        }
        self.with_rights_of(of, |this| match of.most_chars {
            Some(most) => this.short_text(&of.value, most),
            None => this.unfitted(&of.value),
        })
    }

    /// A text that was made; null where it has more characters.
    fn short_text(&mut self, of: &Expr, most: usize) -> Val {
        let value = self.value(of);
        if value.is_null() {
            return value;
        }
        let most = i64::try_from(most).expect("a limit fits 63 bits");
        Val::plain(self.named_always([value.settled()], |this, [text]| {
            only_where(this.builder.dialect.text_size(text.clone()).lte(integer(most)), text)
        }))
    }

    /// A value as a column of its type would hold it, apart from the digits of a number.
    pub(crate) fn unfitted(&mut self, of: &Expr) -> Val {
        let value = self.value(of);
        let value = self.loose(value).moment();
        match (self.builder.dialect, value.form.clone()) {
            (Dialect::Postgres, Form::Number) => {
                Val { sql: cast(value.sql, "bigint"), guards: value.guards, form: Form::Column }
            }
            _ => value,
        }
    }

    /// A number as a field with these digits holds it, rounded half away from zero; null where it has more.
    pub(crate) fn fitted(&mut self, of: &Expr, digits: Digits) -> Val {
        match self.builder.dialect {
            Dialect::Sqlite => {
                let value = self.fitted_number(of, digits);
                let form = value.form.clone();
                Val { sql: value.settled(), guards: Vec::new(), form }
            }
            Dialect::Postgres => {
                let value = self.value(of);
                let value = self.keyed(value);
                if value.is_null() {
                    return value;
                }
                let rounded = call("round", [value.settled(), integer(digits.scale.into())]);
                let beyond = power_of_ten(digits.precision - digits.scale);
                let sql = self.named(rounded, of, |_, number| {
                    only_where(call("abs", [number.clone()]).lt(integer(beyond)), number)
                });
                Val::plain(sql)
            }
        }
    }

    pub(crate) fn with_rights_of<T>(&mut self, of: &ComputedField, lower: impl FnOnce(&mut Self) -> T) -> T {
        let rights = match of.rights {
            ComputedRights::Caller => self.scope.rights,
            ComputedRights::Model => Rights::unrestricted(),
        };
        let before = std::mem::replace(&mut self.scope.rights, rights);
        let lowered = lower(self);
        self.scope.rights = before;
        lowered
    }
}
