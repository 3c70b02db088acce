use backstay_expr::{Expr, Node, Operator, Path, Root, Type, Within};
use backstay_model::{ColumnStorage, Field, FieldKind};
use backstay_scalar::{Held, Part, Reading, Scalar, Storage, Value};
use sea_query::{Expr as Sql, ExprTrait, Func, Query};

use crate::dialect::{metered, taken_apart};
use crate::lower::{Lowering, is_short};
use crate::operand::{Form, Val, constant_decimal, digits_of, scaled_up};
use crate::param::Encoding;
use crate::predicate::Pred;
use crate::tree::{boolean, call, column, integer, name, only_where, word};
use crate::{ColumnType, Dialect, Slot, decimal, exact};

/// Elements of a list that may be written more than once.
const FEW: usize = 16;

/// A comparison with an operand that is one decimal number or another: on SQLite, where the two have different scales,
/// there is no column that could hold both.
struct Alternatives<'e> {
    condition: &'e Expr,
    /// The two sides where the condition is true, and where it is false.
    sides: [(&'e Expr, &'e Expr); 2],
}

impl Lowering<'_, '_, '_> {
    /// `left op right` where it is true, or is false; unknown where one of them is null.
    pub(crate) fn comparison(&mut self, (operator, wanted): (Operator, bool), left: &Expr, right: &Expr) -> Pred {
        let operator = if wanted { operator } else { contrary(operator) };
        match self.alternatives(left, right) {
            Some(_) if self.repeated => {
                let truth = self.comparison_once(operator, left, right);
                Pred::Sql(self.builder.dialect.is_truth(truth, true))
            }
            Some(Alternatives { condition, sides: [then, otherwise] }) => {
                let [when, unless] = self.both_ways(condition);
                let then = self.comparison((operator, true), then.0, then.1);
                let otherwise = self.comparison((operator, true), otherwise.0, otherwise.1);
                Pred::any([Pred::all([when, then]), Pred::all([unless, otherwise])])
            }
            None => self.compared(operator, left, right).holds(),
        }
    }

    /// The truth of `left op right`, with both lowered once.
    pub(crate) fn comparison_once(&mut self, operator: Operator, left: &Expr, right: &Expr) -> Sql {
        let Some(Alternatives { condition, sides: [then, otherwise] }) = self.alternatives(left, right) else {
            let compared = self.compared(operator, left, right);
            return self.settled_truth(compared);
        };
        let condition = self.once(condition);
        let then = self.comparison_once(operator, then.0, then.1);
        let otherwise = self.comparison_once(operator, otherwise.0, otherwise.1);
        self.builder.dialect.choice(condition, (then, otherwise))
    }

    /// The other side is short, so that it may be written for each alternative.
    fn alternatives<'e>(&self, left: &'e Expr, right: &'e Expr) -> Option<Alternatives<'e>> {
        if !self.is_scaled(&left.ty) {
            return None;
        }
        match (&left.node, &right.node) {
            (Node::Conditional(condition, then, otherwise), _) if is_short(right) => {
                Some(Alternatives { condition, sides: [(then, right), (otherwise, right)] })
            }
            (_, Node::Conditional(condition, then, otherwise)) if is_short(left) => {
                Some(Alternatives { condition, sides: [(left, then), (left, otherwise)] })
            }
            _ => None,
        }
    }

    /// Whether values of this type are integers that are scaled by their column's digits.
    fn is_scaled(&self, ty: &Type) -> bool {
        match self.builder.dialect {
            Dialect::Sqlite => *ty == Type::Decimal,
            Dialect::Postgres => false,
        }
    }

    /// The same for what is looked for in a list, which is written for each alternative.
    fn alternative_elements<'x>(&self, element: &'x Expr, list: &Expr) -> Option<(&'x Expr, &'x Expr, &'x Expr)> {
        let short = is_short(list) || items(list).is_some_and(|items| items.len() <= FEW && items.iter().all(is_short));
        match &element.node {
            Node::Conditional(condition, then, otherwise) if short && self.is_scaled(&element.ty) => {
                Some((condition, then, otherwise))
            }
            _ => None,
        }
    }

    /// The comparison as a value.
    fn compared(&mut self, operator: Operator, left: &Expr, right: &Expr) -> Val {
        let (mut left, mut right) = (self.side(left, &right.ty), self.side(right, &left.ty));
        if left.form == Form::Key || right.form == Form::Key {
            (left, right) = (self.keyed(left), self.keyed(right));
        }
        if left.is_null() || right.is_null() {
            return Val::null();
        }
        let guards = [left.guards.clone(), right.guards.clone()].concat();
        let sql = match (left.form.clone(), right.form.clone()) {
            (Form::Scaled(scale), Form::Exact(slot)) => self.compare_exact(operator, left.sql, scale, &slot),
            (Form::Exact(slot), Form::Scaled(scale)) => self.compare_exact(mirrored(operator), right.sql, scale, &slot),
            (Form::Micros, _) | (_, Form::Micros) => order(operator, left.moment().sql, right.moment().sql),
            (Form::Scaled(_) | Form::Exact(_), _) => {
                let (left, right) = (self.loose(left), self.loose(right));
                let most = Ord::max(scale_of(&left), scale_of(&right));
                let [left, right] = [left, right].map(|side| scaled_up(side.sql.clone(), most - scale_of(&side)));
                order(operator, left, right)
            }
            _ => order(operator, left.sql, right.sql),
        };
        Val { sql, guards, form: Form::Column }
    }

    /// One side of a comparison; a text that names a value of an enum is written into the statement.
    fn side(&mut self, expr: &Expr, beside: &Type) -> Val {
        match (&expr.node, beside) {
            (Node::Literal(Value::Text(text)), Type::Enum(_)) => Val::plain(word(text)),
            _ => self.charged(expr),
        }
    }

    /// A value that is compared. SQLite reads the whole of a stored text for that, in one step however long it is.
    fn charged(&mut self, expr: &Expr) -> Val {
        let value = self.value(expr);
        match self.builder.dialect {
            Dialect::Sqlite if self.is_long_text(expr) => Val { sql: metered(value.sql), ..value },
            Dialect::Sqlite | Dialect::Postgres => value,
        }
    }

    /// Whether a value is a stored text of any length, which no index has.
    fn is_long_text(&self, expr: &Expr) -> bool {
        match &expr.node {
            Node::Path(path) => self.field_at(path).is_some_and(|field| field.kind == FieldKind::Scalar(Scalar::Text)),
            Node::Conditional(_, then, otherwise) => self.is_long_text(then) || self.is_long_text(otherwise),
            _ => false,
        }
    }

    /// SQLite: a scaled integer with an exact number of any scale. The number is rounded as the operator needs it, so
    /// that the column stays as it is for an index.
    fn compare_exact(&mut self, operator: Operator, scaled: Sql, scale: u8, slot: &Slot) -> Sql {
        let constant = constant_decimal(slot).and_then(|number| decimal::scaled(number, u32::from(scale)));
        if let Some(constant) = constant {
            return order(operator, scaled, integer(constant));
        }
        let encoding = match operator {
            Operator::LessEqual | Operator::Greater => Encoding::Floor(scale),
            Operator::Less | Operator::GreaterEqual => Encoding::Ceiling(scale),
            _ => Encoding::Same(scale),
        };
        let bound = self.builder.slot(slot.clone(), encoding);
        order(operator, scaled, bound)
    }

    /// `element in list`: whether one of its elements is equal.
    pub(crate) fn membership(&mut self, element: &Expr, list: &Expr, wanted: bool) -> Pred {
        if let Some((condition, then, otherwise)) = self.alternative_elements(element, list) {
            if self.repeated {
                let truth = self.membership_once(element, list);
                return Pred::Sql(self.builder.dialect.is_truth(truth, wanted));
            }
            let [when, unless] = self.both_ways(condition);
            let (then, otherwise) = (self.membership(then, list, wanted), self.membership(otherwise, list, wanted));
            return Pred::any([Pred::all([when, then]), Pred::all([unless, otherwise])]);
        }
        match items(list) {
            Some(items) if is_short(element) => {
                let parts: Vec<Pred> =
                    items.iter().map(|one| self.comparison((Operator::Equal, wanted), element, one)).collect();
                if wanted { Pred::any(parts) } else { Pred::all(parts) }
            }
            Some(items) if items.is_empty() => Pred::Known(!wanted),
            Some(items) => self.among(element, &items, wanted).holds(),
            None => self.in_stored(element, list, wanted).holds(),
        }
    }

    /// The truth of `element in list`, with both lowered once.
    pub(crate) fn membership_once(&mut self, element: &Expr, list: &Expr) -> Sql {
        if let Some((condition, then, otherwise)) = self.alternative_elements(element, list) {
            let condition = self.once(condition);
            let branches = (self.membership_once(then, list), self.membership_once(otherwise, list));
            return self.builder.dialect.choice(condition, branches);
        }
        match items(list) {
            Some(items) if items.is_empty() => boolean(false),
            Some(items) if is_short(element) => {
                let parts = items.iter().map(|one| self.comparison_once(Operator::Equal, element, one));
                let parts: Vec<Sql> = parts.collect();
                parts.into_iter().reduce(sea_query::ExprTrait::or).unwrap_or(boolean(false))
            }
            Some(items) => {
                let among = self.among(element, &items, true);
                self.settled_truth(among)
            }
            None => {
                let found = self.in_stored(element, list, true);
                self.settled_truth(found)
            }
        }
    }

    /// Membership of a long expression in a list that is written out.
    fn among(&mut self, element: &Expr, items: &[Expr], wanted: bool) -> Val {
        let one = self.charged(element);
        if one.is_null() {
            return one;
        }
        let mut one = self.loose(one);
        let mut items: Vec<Val> = items.iter().map(|item| self.side(item, &element.ty)).collect();
        if one.form == Form::Key || items.iter().any(|item| item.form == Form::Key) {
            one = self.keyed(one);
            items = items.into_iter().map(|item| self.keyed(item)).collect();
        }
        let scale = items.iter().map(scale_of).fold(scale_of(&one), Ord::max);
        let items = items.into_iter().map(|item| self.item(item, scale)).collect::<Vec<Sql>>();
        let guards = one.guards.clone();
        let element = self.item(Val { guards: Vec::new(), ..one }, scale);
        let sql = if wanted { element.is_in(items) } else { element.is_not_in(items) };
        Val { sql, guards, form: Form::Column }
    }

    /// A member of a list that is written out, at this scale where it is a decimal number.
    fn item(&mut self, item: Val, scale: u8) -> Sql {
        match item.form.clone() {
            Form::Exact(slot) => self.builder.slot(slot, Encoding::Same(scale)),
            Form::Scaled(from) => scaled_up(item.settled(), scale - from),
            Form::Micros => item.moment().settled(),
            Form::Column | Form::Null | Form::Number | Form::Key => item.settled(),
        }
    }

    /// Membership in a list that is one value: a column or a parameter in the nested form.
    fn in_stored(&mut self, element: &Expr, list: &Expr, wanted: bool) -> Val {
        let mut one = self.charged(element);
        if is_of_free_numbers(list) {
            one = self.keyed(one);
        }
        if let (Dialect::Sqlite, Node::Within(within)) = (self.builder.dialect, &list.node) {
            return self.in_document(one, (within, list), wanted);
        }
        let storage = self.element_storage(list, &one);
        let values = self.list(list, storage);
        if values.is_null() {
            return values;
        }
        let guards = values.guards.clone();
        let is_key = one.form == Form::Key;
        let (one, digits) = self.list_element(one, storage);
        let dialect = self.builder.dialect;
        // SQLite keeps what it makes of each list until the statement ends, and can look for it in an index.
        let is_same_for_all_rows = is_same_for_all_rows(list);
        let sql = self.named(values.sql, list, |this, list| match dialect {
            Dialect::Postgres => {
                let contains = call("jsonb_contains", [list.clone(), call("to_jsonb", [one])]);
                let empty = dialect.list_size(list).eq(integer(0));
                match (wanted, this.repeated) {
                    (true, false) => contains,
                    (true, true) => empty.not().and(contains),
                    (false, _) => empty.or(contains.not()),
                }
            }
            Dialect::Sqlite if !is_same_for_all_rows => {
                let scale = match storage {
                    Storage::Decimal { scale } if is_key => scale,
                    _ => digits,
                };
                let found = call("list_has", [list, one, integer(scale.into())]);
                if wanted { found } else { found.not() }
            }
            Dialect::Sqlite => {
                let alias = this.builder.alias();
                let mut elements = Query::select();
                let each = Func::cust("json_each").arg(taken_apart(list.clone()));
                let value = column(&alias, "value");
                let value = match storage {
                    Storage::Decimal { scale } if is_key => exact::key_of(value, scale),
                    _ => scaled_up(value, digits),
                };
                elements.expr(value).from_function(each, name(&alias));
                let found = if wanted { one.in_subquery(elements) } else { one.not_in_subquery(elements) };
                match this.repeated {
                    false => list.is_not_null().and(found),
                    true => only_where(list.is_not_null(), found),
                }
            }
        });
        Val { sql, guards, form: Form::Column }
    }

    /// SQLite: membership in a list within a document, which is not taken out of it.
    fn in_document(&mut self, one: Val, (within, list): (&Within, &Expr), wanted: bool) -> Val {
        let Some((arguments, guards)) = self.looked_into(within) else { return Val::null() };
        let storage = within.lookup.held.storage();
        let is_key = one.form == Form::Key;
        let (one, digits) = match storage {
            // Numbers of any size go by their keys.
            Storage::Bytes if is_of_free_numbers(list) => (one.settled(), 0),
            Storage::Decimal { scale } if is_key => (one.settled(), scale),
            storage => self.list_element(one, storage),
        };
        let [document, lookup] = arguments;
        let found = call("within_has", [document, lookup, one, integer(digits.into())]);
        Val { sql: if wanted { found } else { found.not() }, guards, form: Form::Column }
    }

    /// A list, its elements bound in this class.
    fn list(&mut self, list: &Expr, storage: Storage) -> Val {
        match &list.node {
            Node::Param(index, _) => {
                let encoding = match (&list.ty, storage) {
                    (Type::List(element), Storage::Bytes) if **element == Type::Decimal => Encoding::Keys,
                    (_, storage) => ColumnType::List(storage).into(),
                };
                let slot = self.param(*index, Part::Main);
                Val::plain(self.builder.slot(slot, encoding))
            }
            _ => self.value(list),
        }
    }

    /// How the elements of a list are stored: a parameter's decimal numbers as the one that is looked for.
    pub(crate) fn element_storage(&self, list: &Expr, one: &Val) -> Storage {
        match (&list.node, &one.form) {
            (Node::Path(path), _) => self.stored_elements(path).unwrap_or_else(|| list.ty.storage()),
            // PostgreSQL has numbers of any size in a list.
            (Node::Within(_), _) if is_of_free_numbers(list) && self.builder.dialect == Dialect::Postgres => {
                list.ty.storage()
            }
            (Node::Within(within), _) => within.lookup.held.storage(),
            (Node::Param(..), Form::Key) => Storage::Bytes,
            (Node::Param(..), Form::Scaled(scale)) => Storage::Decimal { scale: *scale },
            _ => list.ty.storage(),
        }
    }

    fn stored_elements(&self, path: &Path) -> Option<Storage> {
        match self.field_at(path)?.columns.first()?.storage {
            ColumnStorage::List(storage) | ColumnStorage::One(storage) => Some(storage),
        }
    }

    /// The field that a path ends at; none if it ends at a record.
    pub(crate) fn field_at(&self, path: &Path) -> Option<&Field> {
        path.field(self.builder.model)
    }

    /// A value as an element of a stored list is written, and by how many digits the elements have to be scaled up before
    /// they are compared with it.
    fn list_element(&mut self, value: Val, storage: Storage) -> (Sql, u8) {
        let (value, digits) = match (value.form.clone(), storage) {
            (Form::Exact(slot), Storage::Decimal { scale }) => {
                (Val { sql: self.builder.slot(slot, Encoding::Same(scale)), ..value }, 0)
            }
            (Form::Scaled(own), Storage::Decimal { scale }) if own < scale => {
                (Val { sql: scaled_up(value.sql, scale - own), ..value }, 0)
            }
            (Form::Scaled(own), Storage::Decimal { scale }) => (value, own - scale),
            (Form::Micros, _) => (value.moment(), 0),
            _ => (value, 0),
        };
        (self.builder.dialect.list_element(value.settled(), storage), digits)
    }
}

/// Whether a list is a parameter, or one of the caller's own record.
fn is_same_for_all_rows(list: &Expr) -> bool {
    match &list.node {
        Node::Path(path) => path.root == Root::Account,
        node => node.children().into_iter().all(is_same_for_all_rows),
    }
}

/// Whether a list is an array in a JSON field, of which the numbers are compared.
fn is_of_free_numbers(list: &Expr) -> bool {
    matches!(&list.node, Node::Within(within) if within.lookup.held == Held::FreeList(Reading::Number))
}

/// The elements of a list that is written out.
fn items(list: &Expr) -> Option<Vec<Expr>> {
    match (&list.node, &list.ty) {
        (Node::List(items), _) => Some(items.clone()),
        (Node::Literal(Value::List(values)), Type::List(ty)) => {
            let literal = |value: &Value| Expr {
                node: Node::Literal(value.clone()),
                ty: (**ty).clone(),
                span: list.span.clone(),
            };
            Some(values.iter().map(literal).collect())
        }
        _ => None,
    }
}

/// The digits after the point that a value needs. A number that is bound later needs none of its own: it is scaled like
/// what it is compared with.
fn scale_of(value: &Val) -> u8 {
    match &value.form {
        Form::Scaled(scale) => *scale,
        Form::Exact(slot) => constant_decimal(slot).map_or(0, |number| digits_of(&number)),
        Form::Column | Form::Null | Form::Number | Form::Micros | Form::Key => 0,
    }
}

/// The operator that is true where this one is false.
fn contrary(operator: Operator) -> Operator {
    match operator {
        Operator::Equal => Operator::NotEqual,
        Operator::NotEqual => Operator::Equal,
        Operator::Less => Operator::GreaterEqual,
        Operator::LessEqual => Operator::Greater,
        Operator::Greater => Operator::LessEqual,
        Operator::GreaterEqual => Operator::Less,
        other => other,
    }
}

/// The operator for the operands the other way round.
fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessEqual => Operator::GreaterEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterEqual => Operator::LessEqual,
        other => other,
    }
}

fn order(operator: Operator, left: Sql, right: Sql) -> Sql {
    match operator {
        Operator::NotEqual => left.ne(right),
        Operator::Less => left.lt(right),
        Operator::LessEqual => left.lte(right),
        Operator::Greater => left.gt(right),
        Operator::GreaterEqual => left.gte(right),
        _ => left.eq(right),
    }
}
