//! `first`: what the first of the members has in an order of keys.

use backstay_expr::{Expr, OrderKey, Type};
use backstay_scalar::{Part, Value};
use sea_query::{Expr as Sql, ExprTrait, NullOrdering, Order, OverStatement, Query, SelectStatement, WindowStatement};

use super::Rows;
use crate::Slot;
use crate::lower::{Bound, Lowering};
use crate::operand::Form;
use crate::tree::{call, column, is_constant, name, only_where};
use crate::value::column_type;
use crate::within::Items;

/// A key of the order.
struct Key {
    sql: Sql,
    descending: bool,
    /// The currency of an amount of money, if it can differ from member to member.
    currency: Option<Sql>,
}

impl Lowering<'_, '_, '_> {
    pub(super) fn first(&mut self, rows: Rows, term: &Expr, order: &[OrderKey]) -> (SelectStatement, Form) {
        let value = self.value(term);
        let form = value.form.clone();
        let value = match value.is_null() {
            true => self.builder.dialect.null(column_type(&term.ty)),
            false => value.settled(),
        };
        let keys: Vec<Key> = order.iter().map(|key| self.order_key(key)).collect();
        if keys.iter().all(|key| key.currency.is_none()) {
            return (self.in_order(rows, &keys, Query::select().expr(value).to_owned()), form);
        }
        let alias = self.builder.alias();
        let mut members = Query::select();
        members.expr_as(value, name(VALUE));
        let agreed = currencies_agree(&mut members, &keys, &alias);
        let mut select = Query::select();
        select.expr(only_where(agreed, column(&alias, VALUE)));
        select.from_subquery(self.in_order(rows, &keys, members), name(&alias));
        (select, form)
    }

    /// The first of the rows.
    fn in_order(&mut self, rows: Rows, keys: &[Key], mut select: SelectStatement) -> SelectStatement {
        for key in keys.iter().filter(|key| !is_constant(&key.sql)) {
            select.order_by_expr_with_nulls(key.sql.clone(), direction(key.descending), NullOrdering::Last);
        }
        let descending = keys.last().is_some_and(|key| key.descending);
        match &rows.member {
            Bound::Record(record) => select.order_by_expr(self.builder.key(record), direction(descending)),
            Bound::Item(alias, _) => select.order_by_expr(Items::place(alias), Order::Asc),
        };
        self.read(rows, &mut select);
        self.builder.limit(&mut select, Slot::Constant(Value::Int(1)));
        select
    }

    fn order_key(&mut self, key: &OrderKey) -> Key {
        let (term, descending) = (&key.by.term, key.descending);
        let value = self.comparable(&term.in_part(Part::Main));
        let sql = match &key.by.names {
            Some(names) => self.builder.dialect.ordinal(value, names),
            None => value,
        };
        let differs = term.ty == Type::Money && !term.open_currencies(&[]).is_empty();
        let currency = differs.then(|| self.comparable(&term.in_part(Part::Currency)));
        Key { sql, descending, currency }
    }

    /// A value whose representation has the order of what it stands for; null where it is unknown.
    fn comparable(&mut self, expr: &Expr) -> Sql {
        let value = self.value(expr);
        self.loose(value).moment().settled()
    }
}

/// What the first member has, as a column.
const VALUE: &str = "value";

/// Has the SELECT of the members tell the currencies of the amounts among which each key decides: those of the members that
/// are equal in all keys before it. They agree where this is true of its first row, which goes by this alias.
fn currencies_agree(members: &mut SelectStatement, keys: &[Key], alias: &str) -> Sql {
    let mut before = WindowStatement::new();
    let mut agreed = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        if let Some(currency) = &key.currency {
            let [least, most] = ["min", "max"].map(|function| {
                let named = format!("{function}{index}");
                members.expr_window_as(call(function, [currency.clone()]), before.clone(), name(&named));
                column(alias, &named)
            });
            agreed.push(least.clone().is_null().or(least.eq(most)));
        }
        before.add_partition_by(key.sql.clone());
    }
    agreed.into_iter().reduce(ExprTrait::and).expect("a key has a currency")
}

fn direction(descending: bool) -> Order {
    if descending { Order::Desc } else { Order::Asc }
}
